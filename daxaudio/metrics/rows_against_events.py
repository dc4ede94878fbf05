"""Rows of measures that hold a mask against what is known: events, or evidence in frequency too."""

from __future__ import annotations

from daxaudio.metrics.measure import PAPER, Measure

_EVENT_SHARE = "the event's share of the time"


def _localisation(
    name: str, text: str, definition: str, source: str, chance: str = _EVENT_SHARE
) -> Measure:
    return Measure(
        name,
        text,
        definition,
        group="localisation",
        better="higher",
        source=source,
        chance=chance,
        needs=("events",),
    )


def _in_frequency(
    name: str, text: str, definition: str, source: str, chance: str = "the evidence's share of all"
) -> Measure:
    return Measure(
        name,
        text,
        definition,
        group="evidence",
        better="higher",
        source=source,
        chance=chance,
        needs=("evidence",),
    )


AGAINST_EVENTS = (
    _localisation(
        "iou",
        "event against frames above mean + std",
        "Frames that are in both over frames that are in either: those whose profile (mean of the "
        "mask over frequency) is above its mean plus one standard deviation, and those whose "
        "centre is in an event. A perfect mask of an event that takes half of "
        "the time or more scores 0.",
        PAPER,
        chance="",
    ),
    _localisation(
        "best_threshold_iou",
        "the same at the best threshold",
        "The greatest `iou` over all thresholds of the profile. The truth chooses the threshold: "
        "an upper bound, to be compared with itself alone.",
        "upper bound of `iou`",
    ),
    _localisation(
        "frame_auc",
        "event frames ranked above others",
        "The chance that the profile of a frame in an event is above that of one outside, ties "
        "counting half: the area under the ROC curve.",
        "Hanley and McNeil 1982",
        chance="0.5",
    ),
    _localisation(
        "average_precision",
        "precision over recall of frames",
        "The sum over all thresholds of the precision of the frames above, times the recall that "
        "each threshold adds; nothing is interpolated.",
        "information retrieval, as scikit-learn",
    ),
    _localisation(
        "event_iou",
        "each event against its own run",
        "The mean over the events of the IoU with the one run of frames (above mean + std) that it "
        "is paired with, one to one, so that the sum is greatest; 0 without a partner.",
        "after sed_eval (Mesaros et al. 2016)",
        chance="",
    ),
    _localisation(
        "pointing_game",
        "the greatest bin lies in the event",
        "1 when the greatest bin of the mask is in a frame of an event, else 0; of several "
        "greatest bins, their share in events.",
        "Zhang et al. 2018",
    ),
    _localisation(
        "relevance_mass",
        "share of the mask in the event",
        "The sum of the mask over the frames of events, over the sum of the whole mask.",
        "Arras et al. 2022 (CLEVR-XAI)",
    ),
    _in_frequency(
        "mask_iou",
        "evidence against points above mean + std",
        "Points of the mask that are in both over those that are in either: those above the mean "
        "of the mask plus one standard deviation, and those whose time and frequency lie in the "
        "evidence.",
        "after `iou`",
        chance="",
    ),
    _in_frequency(
        "mask_auc",
        "points of the evidence ranked above others",
        "The chance that a point of the mask in the evidence is above one outside it, ties "
        "counting half: `frame_auc` in time and frequency.",
        "Hanley and McNeil 1982",
        chance="0.5",
    ),
    _in_frequency(
        "mask_average_precision",
        "precision over recall of points",
        "As `average_precision`, of the points of the mask in the evidence.",
        "information retrieval, as scikit-learn",
    ),
)
