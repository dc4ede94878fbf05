"""`daxaudio train`: what it measures on test recordings."""

import pandas as pd
import pytest

from daxaudio.commands import train


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
