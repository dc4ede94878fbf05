"""`daxaudio explain --window`: what it writes, says and refuses, for a file and a folder."""

import json

import pandas as pd
import pytest
from long_recordings import Tone, bytes_of, make_model, write_tones

from daxaudio.commands.main import main
from daxaudio.data.events import write_events
from daxaudio.data.formats.catalogue import read_annotations
from daxaudio.models.blackbox import MODEL_KINDS, save_black_box
from daxaudio.runs.seconds import clock

QUICK = ("--method", "rise", "--queries", "30", "--quiet")
STARTS = (5.0, 31.0)


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setitem(MODEL_KINDS, "resnet", Tone)
    save_black_box(make_model(), tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def night(tmp_path):
    events = write_tones(tmp_path / "audio/the night.wav", 40.0, STARTS)
    write_events({"the night.wav": events}, tmp_path / "events.tsv")
    return tmp_path / "audio/the night.wav"


@pytest.fixture(autouse=True)
def folder(tmp_path):
    (tmp_path / "audio").mkdir()


def explain(audio, model, out, *words, target="tone"):
    words = ["--target", target, *words] if target else [*words]
    words = ["--window", "6", *QUICK, *map(str, words)]
    return main(["explain", str(audio), "--model", str(model), "--out", str(out), *words])


def last_line(capsys):
    return capsys.readouterr().err.splitlines()[-1]


def test_a_file_becomes_one_explanation_with_its_windows_pictures_and_page(
    night, model, tmp_path, capsys
):
    out = tmp_path / "out"
    words = ("--threshold", "0.5", "--events", tmp_path / "events.tsv")
    assert explain(night, model, out, *words) == 0
    said = capsys.readouterr()
    assert "the night: 13 windows, 13 heard; explaining " in said.out
    assert "warning" not in said.err.replace("have warnings", "")
    files = {path.name for path in out.iterdir()}
    marked = {"marked.csv", "marked.TextGrid", "marked.txt"}
    stored = {"explanation.npz", "explanation.json", "explanation.png", "report.html"}
    assert files == {*marked, *stored, "windows.csv", "windows.parquet", "windows"}
    windows = sorted((out / "windows/rise").iterdir())
    assert all((one / "explanation.html").is_file() for one in windows)
    assert json.loads((windows[0] / "explanation.json").read_text())["events"] != []


def test_the_page_has_times_as_hours_minutes_and_seconds(night, model, tmp_path):
    explain(night, model, tmp_path / "out", "--top_k", "2", "--no_pages", "--no_pictures")
    page = (tmp_path / "out/report.html").read_text()
    table = pd.read_csv(tmp_path / "out/marked.csv")
    assert all(row in page for row in [*table["from"], *table["to"]])
    windows = pd.read_csv(tmp_path / "out/windows.csv").query("explained == 1")
    assert len(windows) == 2
    for row in windows.itertuples():
        assert f"{clock(row.start, 1)} to {clock(row.end, 1)}" in page
    assert "that is not the same as no evidence" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_workers_give_the_same_bytes(night, tmp_path):
    """Their model is a function, which other processes can import."""
    outs = [tmp_path / "one", tmp_path / "two"]
    for out, words in zip(outs, ([], ["--workers", "2"]), strict=True):
        words = ["--allow_code", "--top_k", "2", "--threads", "1", "--no_pages", *words]
        assert explain(night, "long_recordings:hear", out, *words, target=None) == 0
    left = [{k: v for k, v in bytes_of(out).items() if "html" not in k} for out in outs]
    assert left[0] == left[1]


def test_each_recording_of_a_folder_has_a_folder_and_a_bad_one_is_listed(
    night, model, tmp_path, capsys
):
    (tmp_path / "audio/broken.wav").write_text("no audio")
    out = tmp_path / "out"
    assert explain(night.parent, model, out, "--top_k", "1", "--no_pages") == 0
    table = pd.read_csv(out / "recordings.csv").set_index("recording_id")
    assert table.loc["the_night", "explained"] == 1
    assert "broken.wav" in table.loc["broken", "problem"]
    assert (out / "the_night/explanation.json").is_file()
    assert "1 of 2 recordings explained" in capsys.readouterr().out


def test_nothing_above_the_threshold_is_said_and_drawn(night, model, tmp_path, capsys):
    assert explain(night, model, tmp_path / "out", "--threshold", "1") == 0
    assert "none scores 1 for tone, the highest is " in capsys.readouterr().out
    assert (tmp_path / "out/explanation.png").is_file()
    assert "No window was explained" in (tmp_path / "out/report.html").read_text()


@pytest.mark.parametrize(
    ("words", "target", "said"),
    [
        (("--overlap", "6"), "tone", "overlap must be from 0 s on and below the 6 s of a window"),
        (("--window", "-1"), "tone", "window must be above 0 seconds"),
        (("--shard", "1/2"), "tone", "--shard does not go with --window"),
        ((), None, "give --target CLASS once; the model knows 'tone', 'none'"),
        (("--target", "none"), "tone", "give --target CLASS once"),
        ((), "predicted", "give --target CLASS once"),
        ((), "cow", "'cow' is unknown"),
    ],
)
def test_what_does_not_go_is_one_line(night, model, tmp_path, capsys, words, target, said):
    assert explain(night, model, tmp_path / "out", *words, target=target) == 2
    assert said in last_line(capsys)


def test_options_of_windows_need_a_window(night, model, tmp_path, capsys):
    words = ["explain", str(night), "--model", str(model), "--out", str(tmp_path / "out")]
    assert main([*words, "--top_k", "3"]) == 2
    assert "--top_k goes with --window SECONDS; give both" in last_line(capsys)


def test_what_was_stitched_is_drawn_and_annotated_and_is_not_heard_as_a_whole(
    night, model, tmp_path, capsys
):
    out = tmp_path / "out"
    assert explain(night, model, out, "--top_k", "2", "--no_pages", "--no_pictures") == 0
    assert main(["plot", str(out), "--out", str(tmp_path / "a.png")]) == 0
    to = ["--to", "textgrid", "--out", str(tmp_path / "a.TextGrid")]
    assert main(["annotations", "from", str(out), *to]) == 0
    own, other = (read_annotations(p)[0] for p in (out / "marked.TextGrid", tmp_path / to[-1]))
    assert own.events("rise") == other.events("rise")
    assert main(["listen", str(out), "--out", str(tmp_path / "heard")]) == 2
    assert "was put together of windows" in last_line(capsys)
