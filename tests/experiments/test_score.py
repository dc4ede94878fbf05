"""Scores of what is stored."""

import dataclasses

import torch

from daxaudio.containers import Event, Events, Explanation, Spectrogram
from daxaudio.data.evidence import Evidence
from daxaudio.experiments.score import count_warned, score_folder
from daxaudio.explainers.storage import save_explanation


def test_ids_that_look_like_numbers_or_nothing_are_counted_apart(tmp_path):
    lines = ["recording_id,method,warning", "01,a,x", "1,a,x", "1,a,y", "NA,a,x", "1,b,x"]
    (tmp_path / "warnings.csv").write_text("\n".join(lines))
    assert count_warned(tmp_path / "warnings.csv") == {"a": 3, "b": 1}


def test_masks_are_scored_where_the_truth_is_known_in_frequency_too(tmp_path):
    picture = Spectrogram(torch.zeros(2, 4), 100.0 * torch.arange(1, 3), torch.arange(4.0), "a")
    truth = torch.tensor([[False, True, True, False], [False] * 4])
    evidence = [Evidence(1.0, 2.0, 90.0, 110.0, "dog"), Evidence(0.0, 3.0, 190.0, 210.0, "cat")]
    for method, mask in (("rise", truth.float()), ("lime", 1 - truth.float())):
        for name in ("a", "b"):
            shown = dataclasses.replace(picture, recording_id=name)
            save_explanation(Explanation(mask, shown, method, "dog"), tmp_path / method / name)
    events = dict.fromkeys("ab", Events([Event(1.0, 2.5, "dog")]))
    table, summary = score_folder(tmp_path, events, tmp_path, evidence={"a": evidence})
    found = table.set_index(["recording_id", "method", "metric"])["value"]
    assert found["a", "rise", "mask_auc"] == found["a", "rise", "mask_iou"] == 1
    assert found["a", "lime", "mask_auc"] == found["a", "lime", "mask_iou"] == 0
    assert "mask_auc" not in found["b", "rise"].index  # of which nothing is known
    counts = summary.set_index(["method", "metric"])["n"]
    assert counts["rise", "mask_auc"] == 1
    assert counts["rise", "iou"] == 2
