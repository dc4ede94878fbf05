"""Maps of all methods in one form."""

import dataclasses

import pytest
import torch

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.experiments.measure_forms import FORMS, unformed
from daxaudio.explainers.attribution import mask_of_signed
from daxaudio.explainers.dax.closed_form import DaxV4, when_and_where
from daxaudio.explainers.rise import Rise
from daxaudio.metrics import frame_auc, iou, rows_of_forms
from daxaudio.metrics.catalogue import GROUPS
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler


def test_every_form_has_its_rows():
    assert set(FORMS) == set(rows_of_forms.FORMS)
    for form in FORMS:
        assert {f"iou_in_{form}", f"average_drop_in_{form}"} < set(GROUPS["same_form"])


def test_the_map_of_v4_in_its_own_form_is_its_mask(toy_spectrogram, toy_score_fn):
    explanation = DaxV4(MultiGridSampler(300))(toy_spectrogram, toy_score_fn)
    formed = FORMS["v4_form"](unformed(explanation)[None], None)[0]
    torch.testing.assert_close(formed, explanation.mask)


def test_what_rise_found_has_the_frames_of_its_attribution(toy_spectrogram, toy_score_fn):
    explanation = Rise(GridSampler(300, (6, 15)))(toy_spectrogram, toy_score_fn)
    expected = when_and_where(explanation.attribution[None])[0].mean(dim=0)
    found = FORMS["v4_form"](unformed(explanation)[None], None)[0].mean(dim=0)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    events = [Event(0.4, 0.8)]
    times = toy_spectrogram.times
    assert iou(found, times, events) == pytest.approx(iou(expected, times, events))


def test_what_speaks_against_the_class_is_left_out_as_in_the_mask(toy_spectrogram):
    signed = torch.linspace(-1, 1, 24 * 60).view(24, 60)
    mask = mask_of_signed(signed, "positive")
    explanation = Explanation(mask, toy_spectrogram, "gradient", attribution=signed)
    assert torch.equal(unformed(explanation), mask)
    assert torch.equal(unformed(dataclasses.replace(explanation, method="dax_v5")), signed)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("start", [0, 4, 8])
def test_a_flat_map_is_at_chance_wherever_the_event_lies(form, start):
    times, events = torch.arange(10) + 0.5, [Event(start, start + 2)]
    profile = FORMS[form](torch.ones(1, 4, 10), None)[0].mean(dim=0)
    assert frame_auc(profile, times, events) == 0.5
    assert iou(profile, times, events) == 0


@pytest.mark.parametrize("form", FORMS)
def test_maps_of_one_order_of_frames_are_alike_in_one_form(form):
    """A peak and a plateau around it that rank the frames alike, far enough from a step."""
    frames = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.8, 1.0, 0.9, 0.0, 0.0, 0.0])
    peak, plateau = frames.expand(4, 10), (frames > 0).float().expand(4, 10)
    picture = Spectrogram(torch.zeros(4, 10), torch.arange(4.0), torch.arange(10) + 0.5)
    masks = FORMS[form](torch.stack([peak, plateau]), None)
    values = [iou(mask.mean(dim=0), picture.times, [Event(4, 7)]) for mask in masks]
    assert values == [1, 1]
