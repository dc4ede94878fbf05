"""Which recordings are explained."""

import pandas as pd
import pytest

from daxaudio.experiments.predict import choose_recordings


def test_chosen_recordings_are_correct_ones_spread_over_classes():
    table = pd.DataFrame(
        {
            "recording_id": [f"r{i}" for i in range(9)],
            "label": ["a"] * 6 + ["b"] * 3,
            "correct": [1] * 5 + [0] + [1] * 3,
        }
    )
    chosen = choose_recordings(table, 4, seed=1)
    labels = table.set_index("recording_id")["label"]
    assert labels[chosen].tolist() == ["a", "b", "a", "b"]
    assert "r5" not in choose_recordings(table)
    assert choose_recordings(table, seed=1)[:4] == chosen
    assert len(choose_recordings(table)) == 8
    with pytest.raises(ValueError, match="at least 1, got 0"):
        choose_recordings(table, 0)
