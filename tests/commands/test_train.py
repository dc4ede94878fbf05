"""`daxaudio train`: what it measures on test recordings."""

import pandas as pd
import pytest

from daxaudio.commands import train
from daxaudio.commands.main import main


class ThreeClasses:
    class_names = ("dog", "cat", "rain")


def frame_of_predictions(*rows):
    columns = ["recording_id", "label", "predicted", "problem"]
    table = pd.DataFrame(rows, columns=columns, dtype=str)
    return table.assign(correct=(table["label"] == table["predicted"]).astype(int))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
        (
            [
                ("a", "dog", "cat", ""),
                ("b", "dog", "dog", ""),
                ("c", "rain", "cat", ""),
                ("d", "rain", "", "cannot be read"),
            ],
            [[1, 1, 0], [0, 0, 0], [0, 1, 0]],
        ),
    ],
)
def test_confusion_has_a_row_for_each_true_class(monkeypatch, tmp_path, capsys, rows, expected):
    table = frame_of_predictions(*rows)
    monkeypatch.setattr(train, "predict_folder", lambda *arguments: table)
    train._measure(ThreeClasses(), None, tmp_path)
    found = pd.read_csv(tmp_path / train.CONFUSION_FILE, index_col="label")
    assert list(found.index) == list(found.columns) == ["dog", "cat", "rain"]
    assert found.to_numpy().tolist() == expected
    unread = sum(row[3] != "" for row in rows)
    assert f"{unread} left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{depth: 19}", "depth must be one of"),
        ("{depth: 10, width: 2}", "width must be a whole number from 4"),
        ("{depth: 10, imagenet: true}", "there are ImageNet weights of depth 18"),
        ("{width: 999}", "width must be a whole number from 4"),
        ("{kind: blstm}", "a blstm tells two classes apart, got n_classes 3"),
    ],
)
def test_a_model_that_cannot_be_made_is_refused_before_the_audio_is_read(
    tmp_path, monkeypatch, capsys, section, message
):
    monkeypatch.setattr(train, "read_utterance", lambda *arguments: pytest.fail("audio was read"))
    data = tmp_path / "data"
    data.mkdir()
    (data / "wav.scp").write_text("a a.wav\nb b.wav\nc c.wav\n")
    (data / "text").write_text("a cat\nb dog\nc rain\n")
    (data / "utt2spk").write_text("a a\nb b\nc c\n")
    (data / "utt2dur").write_text("a 1.0\nb 1.0\nc 1.0\n")
    (tmp_path / "conf.yaml").write_text(f"model: {section}\n")
    asked = ["train", str(data), "--out", str(tmp_path / "model"), "--quiet"]
    assert main([*asked, "--config", str(tmp_path / "conf.yaml")]) == 2
    assert f"conf.yaml: section 'model': {message}" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
