"""Any front end is named in a configuration, trained with, stored, loaded and explained."""

import numpy as np
import pytest
import soundfile

from daxaudio.commands.main import main
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.explainers.storage import load_explanation
from daxaudio.features.frontends import make_front_end
from daxaudio.models.blackbox import load_black_box

SECTIONS = {
    "cqt": "{kind: cqt, sample_rate: 8000, hop_length: 128, f_min: 110, n_bins: 60}",
    "vqt": "{kind: vqt, sample_rate: 8000, hop_length: 128, f_min: 110, n_bins: 60, gamma: 20}",
    "pcen": "{kind: pcen, sample_rate: 8000, n_fft: 512, hop_length: 128, n_mels: 16}",
    "linear_stft": "{kind: linear_stft, sample_rate: 8000, n_fft: 128, hop_length: 128,\n"
    "  vad: {kind: split, top_db: 30}}",
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Two low and two high tones in noise."""
    root, times = tmp_path_factory.mktemp("corpus"), np.arange(8000) / 8000
    labels = {f"s{number}": ("low", "high")[number % 2] for number in range(4)}
    for number, name in enumerate(labels):
        noise = np.random.default_rng(number).normal(0, 0.01, 8000)
        tone = np.sin(2 * np.pi * (220, 880)[number % 2] * times) * (times > 0.5)
        soundfile.write(root / f"{name}.wav", noise + 0.3 * tone, 8000)
    paths = {name: str(root / f"{name}.wav") for name in labels}
    durations = dict.fromkeys(labels, 1.0)
    write_data_folder(
        DataFolder(paths, labels, {name: name for name in labels}, durations), root / "data"
    )
    return root


@pytest.mark.parametrize("kind", SECTIONS)
def test_a_model_of_any_front_end_is_trained_stored_and_explained(corpus, kind, tmp_path):
    (tmp_path / "conf.yaml").write_text(
        f"front_end: {SECTIONS[kind]}\n"
        "training: {epochs: 1, batch_size: 4}\n"
        "model: {depth: 10, width: 4}\n"
        "augmentation: {padding_probability: 0.0, frequency_mask: 2, time_mask: 2}\n"
    )
    train = ["train", str(corpus / "data"), "--out", str(tmp_path / "model"), "--quiet"]
    assert main([*train, "--config", str(tmp_path / "conf.yaml")]) == 0
    front_end = load_black_box(tmp_path / "model").front_end
    assert front_end.settings["kind"] == kind
    assert make_front_end(front_end.settings).settings == front_end.settings
    assert ("vad" in front_end.settings) == (kind == "linear_stft")
    explain = ["explain", str(corpus / "s0.wav"), "--model", str(tmp_path / "model"), "--quiet"]
    options = ["--method", "rise", "dax_v4", "--queries", "20", "--check", "none"]
    assert main([*explain, "--out", str(tmp_path / "out"), *options]) == 0
    explanation = load_explanation(tmp_path / "out" / "dax_v4")
    assert explanation.spectrogram.unit == ("PCEN" if kind == "pcen" else "dB")
    assert (tmp_path / "out" / "dax_v4" / "explanation.png").is_file()
    # it holds this very model: nothing is trained again
    assert main([*train, "--config", str(tmp_path / "conf.yaml")]) == 0


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{kind: gammatone}", "section 'front_end': kind must be one of"),
        ("{kind: cqt, n_mels: 64}", "section 'front_end': unknown key 'n_mels'"),
        ("{kind: cqt, sample_rate: 8000}", "lower n_bins or f_min"),
        ("{vad: {kind: webrtc}}", "section 'vad': kind must be one of"),
        ("{vad: true}", "vad must hold keys and values, got True"),
    ],
)
def test_a_front_end_that_does_not_exist_is_one_line(corpus, section, message, tmp_path, capsys):
    (tmp_path / "conf.yaml").write_text(f"front_end: {section}\n")
    words = ["train", str(corpus / "data"), "--out", str(tmp_path / "model")]
    assert main([*words, "--config", str(tmp_path / "conf.yaml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert "conf.yaml" in line
