"""Scores of what is stored."""

import torch

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.experiments.score import count_warned, score_masks
from daxaudio.explainers.storage import save_explanation
from daxaudio.metrics import mask_auc


def test_ids_that_look_like_numbers_or_nothing_are_counted_apart(tmp_path):
    lines = ["recording_id,method,warning", "01,a,x", "1,a,x", "1,a,y", "NA,a,x", "1,b,x"]
    (tmp_path / "warnings.csv").write_text("\n".join(lines))
    assert count_warned(tmp_path / "warnings.csv") == {"a": 3, "b": 1}


def test_masks_are_scored_where_the_truth_is_known_in_frequency_too(tmp_path):
    picture = Spectrogram(torch.zeros(2, 4), 100.0 * torch.arange(1, 3), torch.arange(4.0), "a")
    truth = torch.tensor([[False, True, True, False], [False] * 4])
    for method, mask in (("rise", truth.float()), ("lime", 1 - truth.float())):
        save_explanation(Explanation(mask, picture, method), tmp_path / method / "a")
    table = score_masks(tmp_path, lambda shown: truth, {"mask_auc": mask_auc})
    assert dict(zip(table["method"], table["value"], strict=True)) == {"rise": 1.0, "lime": 0.0}
    assert set(table["metric"]) == {"mask_auc"}
    assert set(table["recording_id"]) == {"a"}
