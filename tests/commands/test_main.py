import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from daxaudio.commands.main import main
from daxaudio.containers import Event
from daxaudio.data.events import read_events, write_events
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.explainers.storage import load_explanation
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, load_black_box, save_black_box
from daxaudio.models.resnet import SpectrogramResNet


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained network: commands do not care how good it is."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    module = SpectrogramResNet(3, depth=10, width=8, mean=-40.0, std=15.0)
    front_end = LogMel(sample_rate=16000, n_fft=1024, hop_length=512, n_mels=16)
    save_black_box(BlackBox(module, front_end, ["cat", "dog", "rain"]), folder)
    return folder


def sound(path, rate=16000, channels=1, seconds=1.2, **options):
    times = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(0).normal(0, 0.01, (len(times), channels))
    wave = 0.5 * np.sin(2 * np.pi * 700 * times)[:, None] + noise
    soundfile.write(path, wave, rate, **options)
    return path


@pytest.fixture
def data_folder(tmp_path):
    labels = {f"s{i}": ("cat", "dog")[i % 2] for i in range(4)}
    paths = {
        name: str(sound(tmp_path / f"{name}.wav", seconds=1 + 0.1 * int(name[1])))
        for name in labels
    }
    write_data_folder(
        DataFolder(paths, labels, {name: name for name in labels}, dict.fromkeys(labels, 1.2)),
        tmp_path / "data",
    )
    return tmp_path / "data"


def explain(audio, model, out, *options):
    arguments = ["explain", str(audio), "--model", str(model), "--out", str(out), "--quiet"]
    return main([*arguments, "--check", "none", *options])  # the last of two --check counts


def results_of(capsys):
    """Lines of standard output, but for the one on precision that comes before the work."""
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("precision: ")
    return [line for line in lines if not line.startswith("precision: ")]


def one_line(capsys):
    text = capsys.readouterr().err
    assert text.count("\n") == 1, text
    return text


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_explain_takes_any_format_rate_and_channels(tmp_path, model, suffix, channels, rate):
    audio = sound(tmp_path / f"a.{suffix}", rate, channels)
    assert explain(audio, model, tmp_path / "out", "--method", "energy") == 0
    with np.load(tmp_path / "out/explanation.npz") as arrays:
        assert arrays["mask"].shape == (16, len(arrays["times"]))
        assert arrays["times"][-1] == pytest.approx(1.2, abs=0.15)  # MP3 pads a little


def test_explain_writes_arrays_facts_and_a_picture(tmp_path, model):
    options = ["--method", "rise", "--queries", "20", "--seed", "3", "--target", "rain"]
    assert explain(sound(tmp_path / "a.wav"), model, tmp_path / "out", *options) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "explanation.html",
        "explanation.json",
        "explanation.npz",
        "explanation.png",
    ]
    facts = json.loads((tmp_path / "out/explanation.json").read_text())
    assert facts["method"] == "rise"
    assert facts["target"] == "rain"
    assert facts["queries"] == 22
    assert facts["seed"] == 3
    assert 0 <= facts["score"] <= 1
    assert set(facts["seconds"]) == {"query", "fit"}
    with np.load(tmp_path / "out/explanation.npz") as arrays:
        assert set(arrays.files) >= {"mask", "frequencies", "times", "profile"}
        assert arrays["mask"].min() == 0
        assert arrays["mask"].max() == 1


def test_explain_takes_the_predicted_class_when_none_is_named(tmp_path, model):
    audio = sound(tmp_path / "a.wav")
    assert explain(audio, model, tmp_path / "out", "--method", "energy") == 0
    facts = json.loads((tmp_path / "out/explanation.json").read_text())
    assert facts["target"] == facts["predicted"]


def test_deleted_silence_is_zero_in_the_mask_of_the_whole_file(tmp_path):
    module = SpectrogramResNet(2, depth=10, width=8, mean=-40.0, std=15.0)
    front_end = LogMel(16000, 1024, 512, 16, vad={"threshold": 0.01})
    save_black_box(BlackBox(module, front_end, ["cat", "dog"]), tmp_path / "model")
    audio = sound(tmp_path / "a.wav")
    options = ("--method", "rise", "--queries", "20", "--check", "quick")
    assert explain(audio, tmp_path / "model", tmp_path / "out", *options) == 0
    stored = load_explanation(tmp_path / "out")
    times = stored.spectrogram.times
    assert len(times) == 1 + int(1.2 * 16000) // 512
    silent = (times < 0.08) | (times > 1.12)
    assert silent.any()
    assert not stored.mask[:, silent].any()
    assert stored.mask.any()
    assert (tmp_path / "out" / "explanation.png").is_file()


@pytest.fixture
def unsure(monkeypatch):
    """Every explanation comes with two warnings, one of two lines, and a standard error."""
    from daxaudio.commands import explain_file
    from daxaudio.experiments import explaining_run

    real = explaining_run.explain

    def explain(*arguments, **settings):
        explanation = real(*arguments, **settings)
        return dataclasses.replace(
            explanation,
            standard_error=0.1 * explanation.mask,
            warnings=("Only 3 queries.", "Two\nlines."),
        )

    for module in (explain_file, explaining_run):
        monkeypatch.setattr(module, "explain", explain)


def test_explain_prints_each_warning_as_one_line(tmp_path, model, unsure, capsys):
    audio = sound(tmp_path / "a.wav")
    assert explain(audio, model, tmp_path / "out", "--method", "energy") == 0
    assert capsys.readouterr().err.splitlines() == [
        "daxaudio explain: warning: energy: Only 3 queries.",
        "daxaudio explain: warning: energy: Two lines.",
    ]
    facts = json.loads((tmp_path / "out/explanation.json").read_text())
    assert facts["warnings"] == ["Only 3 queries.", "Two\nlines."]
    with np.load(tmp_path / "out/explanation.npz") as arrays:
        np.testing.assert_allclose(arrays["standard_error"], 0.1 * arrays["mask"])


def test_explain_tells_of_a_folders_warnings_once(tmp_path, model, data_folder, unsure, capsys):
    for name in ("cat", "dog", "rain"):  # labels that the untrained network "gets right"
        (data_folder / "text").write_text("".join(f"s{i} {name}\n" for i in range(4)))
        out = tmp_path / f"out_{name}"
        options = ["--method", "energy", "random", "--n_recordings", "1"]
        if explain(data_folder, model, out, *options) == 0:
            break
    said = results_of(capsys)
    assert said[-2:] == [
        f"done: {out / 'report.html'}",
        f"2 explanations have warnings, see {out / 'warnings.csv'}",
    ]
    table = pd.read_csv(out / "warnings.csv")
    assert table["method"].tolist() == ["energy"] * 2 + ["random"] * 2
    assert table["warning"].tolist() == ["Only 3 queries.", "Two\nlines."] * 2


def test_several_methods_get_a_folder_each_and_the_same_seed_the_same_mask(tmp_path, model):
    audio = sound(tmp_path / "a.wav")
    for run in ("one", "two"):
        assert (
            explain(audio, model, tmp_path / run, "--method", "lime", "random", "--queries", "20")
            == 0
        )
    for method in ("lime", "random"):
        masks = [
            np.load(tmp_path / run / method / "explanation.npz")["mask"] for run in ("one", "two")
        ]
        np.testing.assert_array_equal(*masks)


def stored_verdict(folder):
    return json.loads((folder / "explanation.json").read_text()).get("verdict")


def test_the_full_check_tells_what_speaks_for_and_against(tmp_path, model, capsys):
    audio, out = sound(tmp_path / "a.wav"), tmp_path / "out"
    arguments = ["explain", str(audio), "--model", str(model), "--out", str(out), "--quiet"]
    assert main([*arguments, "--check", "full", "--method", "rise", "--queries", "20"]) == 0
    header, *findings, summary = results_of(capsys)
    assert "22 queries" in header
    verdict = stored_verdict(out)
    names = [finding["name"] for finding in verdict["findings"]]
    assert names == ["score", "cost", "deletion", "stability", "sanity"]
    signs = {True: "  + ", False: "  - ", None: "    "}
    assert findings == [signs[f["good"]] + f["sentence"] for f in verdict["findings"]]
    # the class that is predicted, 6 curves of 16 steps each way, RISE with other draws, RISE by a
    # random classifier
    assert verdict["queries"] == 1 + 2 * (6 * 15 + 2) + 22 + 22
    assert summary.startswith(f"  = {verdict['summary']} (The check took another 229 queries, ")
    assert json.loads((out / "explanation.json").read_text())["queries"] == 22


def test_a_quick_check_does_not_explain_again_and_none_checks_nothing(tmp_path, model, capsys):
    audio = sound(tmp_path / "a.wav")
    options = ["--method", "rise", "energy", "--queries", "20"]
    assert explain(audio, model, tmp_path / "quick", *options, "--check", "quick") == 0
    assert capsys.readouterr().out.count("  = ") == 2
    names = [f["name"] for f in stored_verdict(tmp_path / "quick/rise")["findings"]]
    assert names == ["score", "cost", "deletion"]
    assert "reference" in stored_verdict(tmp_path / "quick/energy")["summary"]
    assert explain(audio, model, tmp_path / "none", *options, "--check", "none") == 0
    assert len(results_of(capsys)) == 2
    assert stored_verdict(tmp_path / "none/rise") is None
    for folder in ("rise", "energy"):
        masks = [
            np.load(tmp_path / k / folder / "explanation.npz")["mask"] for k in ("quick", "none")
        ]
        np.testing.assert_array_equal(*masks)


def bad_audio(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is no audio")
    soundfile.write(tmp_path / "zeros.wav", np.zeros(16000), 16000)
    soundfile.write(tmp_path / "short.wav", np.ones(100) * 0.1, 16000)
    soundfile.write(tmp_path / "nan.wav", np.full(16000, np.nan), 16000, subtype="FLOAT")
    return ["empty.wav", "text.wav", "zeros.wav", "short.wav", "nan.wav", "missing.wav"]


def test_bad_audio_is_one_line_that_names_the_file(tmp_path, model, capsys):
    for name in bad_audio(tmp_path):
        assert explain(tmp_path / name, model, tmp_path / "out") == 2
        assert name in one_line(capsys)
    assert not (tmp_path / "out").exists()


def test_bad_arguments_are_one_line(tmp_path, model, capsys):
    audio = sound(tmp_path / "a.wav")
    cases = [
        (["--target", "cow"], "it knows cat, dog, rain"),
        (["--method", "grad"], "method 'grad' is unknown"),
        (["--method", "oracle"], "give --events"),
        (["--queries", "1"], "queries must be at least 10"),
        (["--config", "none.yaml"], "no such configuration file"),
        (["--device", "abacus"], "device 'abacus' cannot be used"),
    ]
    for options, message in cases:
        assert explain(audio, model, tmp_path / "out", *options) == 2
        assert message in one_line(capsys)
    assert explain(audio, tmp_path, tmp_path / "out") == 2
    assert "no model.safetensors here" in one_line(capsys)


def test_folder_is_explained_scored_and_plotted(tmp_path, model, data_folder, capsys):
    predictions = []
    for name in ("cat", "dog", "rain"):  # labels that the untrained network "gets right"
        lines = [f"s{i} {name}\n" for i in range(4)]
        (data_folder / "text").write_text("".join(lines))
        out = tmp_path / f"out_{name}"
        code = explain(
            data_folder, model, out, "--method", "lime", "energy", "--queries", "20",
            "--n_recordings", "2",
        )  # fmt: skip
        predictions.append(pd.read_csv(out / "predictions.csv"))
        if code == 0:
            break
        assert "the model classifies 0 correctly" in capsys.readouterr().err
    assert predictions[-1]["correct"].sum() > 0
    assert "have warnings" not in capsys.readouterr().out
    explained = sorted(path.name for path in (out / "lime").iterdir())
    events = {f"s{i}.wav": [Event(0.2, 0.6, "x")] for i in range(4)}
    write_events(events, tmp_path / "events.tsv")
    scored = tmp_path / "scores"
    assert (
        main(["score", str(out), "--events", str(tmp_path / "events.tsv"), "--out", str(scored)])
        == 0
    )
    assert "| lime |" in capsys.readouterr().out
    assert set(pd.read_csv(scored / "results.csv")["recording_id"]) == set(explained)
    folders = [str(out / method / explained[0]) for method in ("lime", "energy")]
    for chosen, name in ((folders[:1], "one.png"), (folders, "two.png")):
        assert main(["plot", *chosen, "--out", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 10_000
    assert main(["plot", folders[0], "--history", "--out", str(tmp_path / "h.png")]) == 2
    assert "lime" in one_line(capsys)


def test_pad_one_file_tells_where_the_recording_lies(tmp_path):
    audio = sound(tmp_path / "a.wav", seconds=1.0)
    arguments = [
        "pad",
        str(audio),
        "--out",
        str(tmp_path / "padded"),
        "--snr_db",
        "5",
        "--seed",
        "2",
    ]
    assert main([*arguments, "--max_duration", "2"]) == 0
    (event,) = read_events(tmp_path / "padded/events.tsv")["a.wav"]
    original, rate = soundfile.read(audio, dtype="float32")
    padded, _ = soundfile.read(tmp_path / "padded/a.wav", dtype="float32")
    start = round(event.start * rate)
    assert 1.0 <= event.start <= 2.0
    assert event.duration == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_array_equal(padded[start : start + len(original)], original)
    noise = padded[:start]
    snr = 10 * np.log10((original.astype(float) ** 2).mean() / (noise.astype(float) ** 2).mean())
    assert snr == pytest.approx(5.0, abs=0.01)


def test_pad_never_overwrites_its_input(tmp_path, capsys):
    audio = sound(tmp_path / "a.wav")
    before = audio.read_bytes()
    assert main(["pad", str(audio), "--out", str(tmp_path)]) == 2
    assert "would overwrite" in one_line(capsys)
    assert audio.read_bytes() == before


def test_stereo_is_averaged_and_said_so(tmp_path, model, capsys):
    audio = sound(tmp_path / "a.wav", channels=2)
    arguments = ["explain", str(audio), "--model", str(model), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--method", "energy", "--check", "none"]) == 0
    assert "2 channels averaged" in capsys.readouterr().out
    facts = json.loads((tmp_path / "out/explanation.json").read_text())
    assert facts["channels_averaged"] == 2


def test_pad_folder_lists_a_bad_file_and_goes_on(tmp_path, data_folder):
    (tmp_path / "s2.wav").write_text("no audio")
    out = tmp_path / "padded"
    assert main(["pad", str(data_folder), "--out", str(out), "--quiet", "--noise", "pink"]) == 0
    assert (out / "bad_files.txt").read_text().startswith("s2\t")
    assert sorted(read_events(out / "events.tsv")) == ["s0.wav", "s1.wav", "s3.wav"]
    assert (out / "wav.scp").read_text().count("\n") == 3


def test_train_writes_a_model_that_explain_takes(tmp_path, data_folder, capsys):
    config = tmp_path / "conf.yaml"
    config.write_text(
        "front_end: {sample_rate: 16000, n_fft: 1024, hop_length: 512, n_mels: 16}\n"
        "model: {depth: 10, width: 8}\n"
        "training: {epochs: 2, batch_size: 2}\n"
        "augmentation: {padding_probability: 0.5, noises: [white]}\n"
    )
    out = tmp_path / "model"
    arguments = ["train", str(data_folder), "--test", str(data_folder), "--out", str(out)]
    arguments += ["--config", str(config), "--quiet"]
    assert main(arguments) == 0
    assert "accuracy" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        "bad_files.txt", "confusion.csv", "confusion.png", "history.csv", "model.safetensors",
        "model.yaml", "predictions.csv", "predictions.parquet",
    ]  # fmt: skip
    assert load_black_box(out).training["settings"]["training"]["epochs"] == 2
    assert len(pd.read_csv(out / "history.csv")) == 2
    weights = (out / "model.safetensors").read_bytes()
    (out / "confusion.csv").unlink()  # as if the run had been killed while it measured
    assert main(arguments) == 0
    assert (out / "confusion.csv").is_file()
    assert (out / "model.safetensors").read_bytes() == weights
    capsys.readouterr()
    assert main([*arguments, "--seed", "1"]) == 2
    assert "holds a model of other recordings, settings or seed" in one_line(capsys)
    audio = sound(tmp_path / "a.wav")
    assert (
        explain(audio, out, tmp_path / "explained", "--method", "occlusion", "--queries", "40") == 0
    )


def test_train_refuses_one_class(tmp_path, data_folder, capsys):
    (data_folder / "text").write_text("".join(f"s{i} cat\n" for i in range(4)))
    assert main(["train", str(data_folder), "--out", str(tmp_path / "model"), "--quiet"]) == 2
    assert "two or more classes" in one_line(capsys)
