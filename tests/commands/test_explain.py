"""`daxaudio explain`: which recordings of a folder, for which class, and what is said and shown."""

import json
import shutil
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from torch import nn

from daxaudio.commands.main import main
from daxaudio.containers import Event
from daxaudio.data.events import write_events
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.experiments.predict import choose_recordings, default_which, describe_none
from daxaudio.explainers.storage import load_explanation, load_facts
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import MODEL_KINDS, BlackBox, save_black_box
from daxaudio.report.explanations import write_index

RATE = 16000
LOW, HIGH = 300.0, 5000.0


class Pitch(nn.Module):
    """Logits of low and high: the mean level of the lower and of the upper half of the bins."""

    def __init__(self, **settings):
        super().__init__()
        self.settings = {"kind": "resnet", "n_classes": 2}
        self.gain = nn.Parameter(torch.tensor(0.1))

    def forward(self, spectrograms):
        half = spectrograms.shape[1] // 2
        parts = [spectrograms[:, :half], spectrograms[:, half:]]
        return self.gain * torch.stack([part.mean((1, 2)) for part in parts], dim=1)


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setitem(MODEL_KINDS, "resnet", Pitch)
    front_end = LogMel(sample_rate=RATE, n_fft=1024, hop_length=512, n_mels=16)
    box = BlackBox(Pitch(), front_end, ["low", "high"])
    save_black_box(box, tmp_path / "model")
    return tmp_path / "model"


def tone(path, frequency, *signs):
    times = np.arange(RATE) / RATE
    wave = 0.3 * np.sin(2 * np.pi * frequency * times)
    wave += 0.01 * np.random.default_rng(0).normal(size=RATE)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack([sign * wave for sign in signs or (1,)], axis=1), RATE)
    return path


@pytest.fixture
def audio(tmp_path):
    """Four files, one of them broken and one in a folder of its own; no tables."""
    folder = tmp_path / "audio"
    tone(folder / "a low one.wav", LOW)
    tone(folder / "high.wav", HIGH)
    tone(folder / "more/high.flac", HIGH)
    (folder / "broken.wav").write_text("no audio")
    (folder / "notes.txt").write_text("no audio either")
    return folder


@pytest.fixture
def data(tmp_path):
    """low and high are right, wrong is wrong, odd has a label that the model does not know."""
    paths = {
        name: str(tone(tmp_path / f"wav/{name}.wav", HIGH if name == "high" else LOW))
        for name in ("low", "high", "wrong", "odd")
    }
    labels = {"low": "low", "high": "high", "wrong": "high", "odd": "cow"}
    same = {name: name for name in paths}
    write_data_folder(DataFolder(paths, labels, same, dict.fromkeys(paths, 1.0)), tmp_path / "data")
    return tmp_path / "data"


def explain(what, model, out, *options):
    arguments = ["explain", str(what), "--model", str(model), "--out", str(out), "--quiet"]
    return main([*arguments, "--method", "rise", "--queries", "20", *options])


def explained(out, method="rise"):
    """Class that each recording was explained for."""
    folders = sorted((out / method).iterdir())
    return {folder.name: load_facts(folder)["target"] for folder in folders}


class Page(HTMLParser):
    """Sources of pictures, and the text, of a page."""

    def __init__(self, path):
        super().__init__()
        self.pictures, self.tags, self.text = [], [], ""
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "img":
            self.pictures.append(unquote(dict(attributes)["src"]))

    def handle_data(self, data):
        self.text += data


def test_a_folder_of_audio_files_needs_no_tables_and_lists_what_cannot_be_read(
    audio, model, tmp_path
):
    out = tmp_path / "out"
    assert explain(audio, model, out) == 0
    assert explained(out) == {"a_low_one": "low", "high": "high", "more-high": "high"}
    table = pd.read_csv(out / "predictions.csv", keep_default_na=False).set_index("recording_id")
    assert table["label"].tolist() == [""] * 4
    assert "broken.wav" in table.loc["broken", "problem"]
    assert (table["problem"] != "").sum() == 1


def test_a_data_folder_without_labels_is_explained_whole(data, model, tmp_path):
    (data / "text").unlink()
    assert explain(data, model, tmp_path / "out", "--no_pictures") == 0
    low = dict.fromkeys(("low", "wrong", "odd"), "low")
    assert explained(tmp_path / "out") == {**low, "high": "high"}


def test_every_explanation_of_a_folder_has_a_picture_and_a_place_on_the_page(
    audio, model, tmp_path
):
    out = tmp_path / "out"
    assert explain(audio, model, out, "--method", "rise", "energy") == 0
    page = Page(out / "report.html")
    assert len(page.pictures) == 6
    assert all((out / source).is_file() for source in page.pictures)
    for said in (
        "a_low_one",
        "Without a label; predicted high",
        "broken",
        "cannot be read as audio",
    ):
        assert said in page.text


def test_the_page_says_which_class_was_explained(data, model, tmp_path):
    assert explain(data, model, tmp_path / "out", "--no_pictures", "--target", "high") == 0
    said = Page(tmp_path / "out/report.html").text
    assert "Labelled high; predicted high with a score of" in said
    assert ", and explained for it." in said
    assert "Labelled low; predicted low with a score of" in said
    assert "Explained for high, whose score is" in said


def test_pictures_can_be_left_out_and_are_drawn_once(audio, model, tmp_path):
    out = tmp_path / "out"
    assert explain(audio, model, out, "--no_pictures") == 0
    assert not list(out.rglob("*.png"))
    assert Page(out / "report.html").pictures == []
    assert explain(audio, model, out) == 0
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert len(times) == 3
    assert explain(audio, model, out) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.png")} == times


def test_a_damaged_explanation_is_made_again_and_drawn(audio, model, tmp_path, caplog):
    out = tmp_path / "out"
    assert explain(audio, model, out, "--no_pictures") == 0
    arrays = min(out.rglob("explanation.npz"))
    content = arrays.read_bytes()
    arrays.write_bytes(content[:900] + b"damaged" + content[907:])
    assert explain(audio, model, out) == 0
    assert f"{arrays.parent}: cannot be read, and is made again" in caplog.text
    assert len(list(out.rglob("*.png"))) == len(Page(out / "report.html").pictures) == 3


def test_names_on_the_page_are_escaped(tmp_path):
    evil = '<script>alert("x")</script>'
    row = {"recording_id": "a", "label": evil, "predicted": evil, "score": 0.5, "correct": 1}
    predictions = pd.DataFrame(
        [{**row, "problem": ""}, {**row, "recording_id": "b", "problem": evil}]
    )
    folder = tmp_path / "rise/a"
    folder.mkdir(parents=True)
    known = {"recording_id": "a", "method": "rise", "target": evil, "score": 0.5, "queries": 1}
    known |= {"seconds": {}, "seed": 0, "settings": {}, "history": {}, "warnings": [evil]}
    (folder / "explanation.json").write_text(json.dumps(known))
    shown = {"predictions": predictions, "recording_ids": ["a"], "methods": ["rise"]}
    path = write_index(tmp_path, evil, **shown)
    assert Page(path).tags.count("script") == 1  # the one that sorts tables
    assert Page(path).text.count(evil) >= 5


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"low": "low", "high": "high"}),
        (["--which", "wrong"], {"wrong": "low"}),
        (["--which", "wrong", "--target", "label"], {"wrong": "high"}),
        (["--which", "all"], {"low": "low", "high": "high", "wrong": "low", "odd": "low"}),
        (["--target", "high"], {"low": "high", "high": "high"}),
    ],
)
def test_which_recordings_and_for_which_class_can_be_chosen(
    data, model, tmp_path, options, expected
):
    assert explain(data, model, tmp_path / "out", "--no_pictures", *options) == 0
    assert explained(tmp_path / "out") == expected


def last_line(capsys):
    return capsys.readouterr().err.splitlines()[-1]


def test_labels_that_the_model_does_not_know_cannot_be_explained(
    data, audio, model, tmp_path, capsys
):
    assert explain(data, model, tmp_path / "out", "--which", "all", "--target", "label") == 2
    assert "1 of 4 recordings have no label that the model knows (first: 'odd', cow)" in last_line(
        capsys
    )
    assert explain(audio, model, tmp_path / "out2", "--target", "label") == 2
    assert "3 of 3 recordings have no label" in last_line(capsys)
    assert explain(data, model, tmp_path / "out3", "--target", "cow") == 2
    assert "class 'cow' is unknown to this model; it knows low, high" in last_line(capsys)
    assert not (tmp_path / "out3").exists()


def test_nothing_to_explain_says_how_many_could_not_be_read_and_where_paths_start(
    data, model, tmp_path, capsys
):
    shutil.rmtree(tmp_path / "wav")
    scp = (data / "wav.scp").read_text().replace(f"{tmp_path}/", "")
    (data / "wav.scp").write_text(scp)
    assert explain(data, model, tmp_path / "out") == 2
    said = last_line(capsys)
    assert "of 4 recordings the model classifies 0 correctly; 4 could not be read" in said
    assert "wav/high.wav: no such file" in said
    assert "relative paths of wav.scp start at the working folder" in said


def test_nothing_to_explain_names_labels_that_the_model_does_not_know(
    data, model, tmp_path, capsys
):
    ids = ("low", "high", "wrong", "odd")
    (data / "text").write_text("".join(f"{name} cow{number}\n" for number, name in enumerate(ids)))
    assert explain(data, model, tmp_path / "out") == 2
    said = last_line(capsys)
    assert "4 have a label that it does not know ('cow0', 'cow1', 'cow2', 'cow3'; it knows" in said
    assert "--which all explains whatever can be read" in said


def predictions_of(*rows):
    return pd.DataFrame(rows, columns=["recording_id", "label", "predicted", "correct", "problem"])


def test_wrong_ones_have_a_label_that_the_model_knows():
    table = predictions_of(
        ("right", "low", "low", 1, ""),
        ("wrong", "low", "high", 0, ""),
        ("odd", "cow", "high", 0, "class 'cow' is unknown"),
        ("bare", "", "high", 0, ""),
        ("broken", "low", "", 0, "no audio"),
    )
    assert choose_recordings(table, which="wrong") == ["wrong"]
    assert choose_recordings(table) == ["right"]
    assert sorted(choose_recordings(table, which="all")) == ["bare", "odd", "right", "wrong"]
    assert default_which(table) == "correct"
    assert default_which(table[3:4]) == "all"


def test_the_reason_counts_each_kind():
    table = predictions_of(("bare", "", "high", 0, ""), ("broken", "low", "", 0, "b.wav: no audio"))
    said = describe_none(table, "correct", ["low", "high"], ["/b.wav"])
    assert said == (
        "of 2 recordings the model classifies 0 correctly; 1 could not be read (first: b.wav: no "
        "audio); 1 have no label"
    )


def test_a_file_and_a_folder_store_the_same_numbers_and_facts(data, model, tmp_path):
    one, many = tmp_path / "one", tmp_path / "many"
    assert explain(tmp_path / "wav/low.wav", model, one, "--check", "none") == 0
    assert explain(data, model, many) == 0
    (a, b), facts = (
        [load_explanation(folder) for folder in (one, many / "rise/low")],
        [load_facts(folder) for folder in (one, many / "rise/low")],
    )
    torch.testing.assert_close(a.mask, b.mask, rtol=0, atol=0)
    assert facts[0]["model"] == facts[1]["model"] == str(model)
    for name in ("model_digest", "input", "seed", "derived_seed", "run_settings", "score", "audio"):
        assert facts[0][name] == facts[1][name]


def test_a_folder_explained_before_models_had_names_is_kept(data, model, tmp_path):
    out = tmp_path / "out"
    assert explain(data, model, out, "--no_pictures") == 0
    path = out / "rise/low/explanation.json"
    facts = json.loads(path.read_text())
    facts["model"] = facts.pop("model_digest")  # as it was stored then
    path.write_text(json.dumps(facts))
    before = path.read_bytes()
    assert explain(data, model, out, "--no_pictures") == 0
    assert path.read_bytes() == before


def test_queries_are_announced_before_they_are_asked(data, model, tmp_path, capsys):
    arguments = ["explain", str(tmp_path / "wav/low.wav"), "--model", str(model), "--out"]
    arguments += [str(tmp_path / "out"), "--method", "rise", "lime", "--queries", "20"]
    assert main([*arguments, "--check", "none"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "low: class low (predicted low), at most 40 queries" in lines
    assert lines.index("low: class low (predicted low), at most 40 queries") < len(lines) - 2
    assert explain(data, model, tmp_path / "many", "--no_pictures") == 0
    said = "4 recordings, 4 read, 2 classified correctly; explaining 2 (correct) by rise, at "
    assert f"{said}most 40 queries" in capsys.readouterr().out


def test_the_quick_check_is_the_default_of_a_file_and_stands_in_its_picture(
    data, model, tmp_path, monkeypatch
):
    from daxaudio.commands import explain_file

    drawn = []
    monkeypatch.setattr(explain_file, "plot_explanation", lambda *_, **what: drawn.append(what))
    assert explain(tmp_path / "wav/low.wav", model, tmp_path / "out") == 0
    verdict = load_facts(tmp_path / "out")["verdict"]
    assert [finding["name"] for finding in verdict["findings"]] == ["score", "cost", "deletion"]
    assert [what["verdict"] for what in drawn] == [verdict["summary"]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--which", "all"], "--which goes with a folder"),
        (["--n_recordings", "2"], "--n_recordings goes with a folder"),
        (["--target", "label"], "--target label goes with a data folder"),
    ],
)
def test_what_goes_with_a_folder_is_refused_for_a_file(
    data, model, tmp_path, capsys, options, said
):
    assert explain(tmp_path / "wav/low.wav", model, tmp_path / "out", *options) == 2
    assert said in last_line(capsys)
    assert not list(tmp_path.glob("out/*"))


def test_events_of_other_recordings_are_said(data, model, tmp_path, capsys):
    write_events({"other.wav": [Event(0, 1, "x")], "b.wav": []}, tmp_path / "events.tsv")
    options = ["--events", str(tmp_path / "events.tsv")]
    expected = (
        f"daxaudio explain: warning: {tmp_path / 'events.tsv'} has no events of 'low'; it names "
        "'other', 'b'"
    )
    out = tmp_path / "out"
    assert explain(tmp_path / "wav/low.wav", model, out, "--check", "none", *options) == 0
    assert expected in capsys.readouterr().err.splitlines()
    assert main(["plot", str(out), "--out", str(tmp_path / "a.png"), *options]) == 0
    assert expected.replace("explain", "plot") in capsys.readouterr().err.splitlines()
    assert explain(data, model, tmp_path / "many", "--no_pictures", *options) == 0
    assert "(2 of 2); it names 'other', 'b'" in capsys.readouterr().err


def test_events_that_name_the_recording_are_taken_without_a_word(data, model, tmp_path, capsys):
    write_events({"low.wav": [Event(0, 1, "x")]}, tmp_path / "events.tsv")
    options = ["--events", str(tmp_path / "events.tsv"), "--check", "none"]
    assert explain(tmp_path / "wav/low.wav", model, tmp_path / "out", *options) == 0
    assert "warning" not in capsys.readouterr().err
    assert load_facts(tmp_path / "out")["events"] == [[0, 1]]


def test_a_channel_can_be_taken_where_they_cancel(model, tmp_path, capsys):
    path = tone(tmp_path / "stereo/a.wav", HIGH, 1, -0.9999)
    out = tmp_path / "out"
    assert explain(path, model, out, "--check", "none", "--channel", "1") == 0
    assert load_facts(out)["channel"] == 1
    assert load_facts(out)["channels_averaged"] == 1
    assert explain(path.parent, model, tmp_path / "many", "--channel", "2", "--no_pictures") == 0
    assert load_facts(tmp_path / "many/rise/a")["channel"] == 2
    mono = tone(tmp_path / "mono.wav", HIGH)
    assert explain(mono, model, tmp_path / "mono", "--channel", "2") == 2
    assert "has 1 channel, there is no channel 2" in last_line(capsys)


def test_files_that_would_share_an_id_keep_their_endings(model, tmp_path):
    for name in ("a.wav", "a.flac"):
        tone(tmp_path / "twins" / name, LOW)
    assert explain(tmp_path / "twins", model, tmp_path / "out", "--no_pictures") == 0
    assert set(explained(tmp_path / "out")) == {"a.wav", "a.flac"}


def test_a_folder_without_audio_is_one_line(model, tmp_path, capsys):
    (tmp_path / "nothing").mkdir()
    assert explain(tmp_path / "nothing", model, tmp_path / "out") == 2
    assert "holds no audio file (" in last_line(capsys)
