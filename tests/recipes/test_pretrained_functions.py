import math
import os
import subprocess
import sys

import pytest
import torch
from conftest import ROOT

from daxaudio.containers import Event, Events, Recording

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


def test_scenes_are_asked_about_without_their_events_and_with_these_alone():
    from choose import without_and_alone

    rate = 8000
    times = torch.arange(2 * rate) / rate
    waveform = 0.5 * (2 * math.pi * 700 * times).sin()[None]
    events = Events([Event(0.5, 0.75, "a"), Event(1.0, 1.5, "a")])
    without, alone = without_and_alone(Recording(waveform, rate, "scene"), events)
    during = torch.zeros(2 * rate, dtype=torch.bool)
    for event in events:
        during[round(event.start * rate) + 40 : round(event.end * rate) - 40] = True
    outside = torch.ones_like(during)
    for event in events:
        outside[round(event.start * rate) : round(event.end * rate)] = False
    for one, kept, gone in ((without, outside, during), (alone, during, outside)):
        assert torch.equal(one.waveform[:, kept], waveform[:, kept])
        level = 10 * math.log10(float(one.waveform[:, gone].square().mean()))
        assert level == pytest.approx(-45, abs=1.5)  # as loud as the noise of scenes
        steps = one.waveform.diff().abs().max()  # no click at a border
        assert steps < 1.2 * waveform.diff().abs().max()


@pytest.fixture
def sead(tmp_path, monkeypatch):
    """Where the package would be unpacked: its table of classes."""
    folder = tmp_path / "sead" / "data"
    folder.mkdir(parents=True)
    (folder / "yamnet_class_map.csv").write_text("index,mid,display_name\n0,/m/1,Dog\n1,/m/2,Cat\n")
    monkeypatch.setenv("DAXAUDIO_PRETRAINED", str(tmp_path))
    monkeypatch.delitem(sys.modules, "yamnet_model", raising=False)
    import yamnet_model

    yield yamnet_model
    del sys.modules["yamnet_model"]


def test_patches_of_yamnet_follow_the_time_and_a_short_recording_is_filled_up(sead):
    times = torch.arange(32000) / 16000
    sound = (2 * math.pi * 1000 * times).sin() * ((times > 0.9) & (times < 1.1))
    patches = sead.make_patches(torch.stack([sound, torch.zeros(32000)]))
    assert patches.shape == (2, 3, 96, 64)  # 0, 0.48 and 0.96 s
    loud = patches[0].amax(dim=2) > 0  # frames of 10 ms
    starts = [place * 0.48 + 0.01 * int(own.int().argmax()) for place, own in enumerate(loud)]
    assert starts[:2] == pytest.approx([0.9, 0.9], abs=0.04)
    torch.testing.assert_close(patches[0, 0, 48:], patches[0, 1, :48])
    assert float(patches[1].max()) == pytest.approx(math.log(1e-6))
    short = sead.make_patches(torch.zeros(1, 8000))
    assert short.shape == (1, 1, 96, 64)
    assert float(short[0, 0, -1].abs().max()) == 0
    assert sead.tag.classes == ("Dog", "Cat")
