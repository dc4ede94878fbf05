import math
import os
import subprocess
import sys

import torch
from conftest import ROOT

sys.path.insert(0, str(ROOT / "recipes" / "pretrained"))


def test_bands_of_the_bird_detector_follow_the_pitch():
    from easybird_model import bird_features

    times = torch.arange(16000) / 16000
    tones = torch.stack([(2 * math.pi * f * times).sin() for f in (500, 2000, 6000)])
    tones[:, 8000:] = 0  # the mean over time is removed
    noise = 0.001 * torch.randn(3, 16000, generator=torch.Generator().manual_seed(0))
    bands = bird_features(tones + noise)
    assert bands.shape == (3, 99, 80)
    assert float(bands.mean(dim=1).abs().max()) < 1e-4
    loudest = bands[:, :40].mean(dim=1).argmax(dim=1)
    # centres: even on the mel scale from 50 to 8000 Hz
    mel = 2595 * torch.log10(1 + torch.tensor([50.0, 8000, 500, 2000, 6000]) / 700)
    expected = (mel[2:] - mel[0]) / (mel[1] - mel[0]) * 81 - 1
    assert (loudest - expected).abs().max() < 2


def test_features_of_a_recording_do_not_depend_on_its_batch():
    from easybird_model import bird_features

    sounds = torch.randn(3, 5000, generator=torch.Generator().manual_seed(0))
    together = bird_features(sounds)
    alone = torch.cat([bird_features(sound[None]) for sound in sounds])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)


def test_a_model_of_real_clips_without_them_is_one_line(tmp_path):
    script = str(ROOT / "recipes" / "pretrained" / "run.sh")
    done = subprocess.run(
        [script, "--exp_dir", str(tmp_path / "exp"), "--models", "easybird"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHON": sys.executable},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "give --esc10" in done.stderr
