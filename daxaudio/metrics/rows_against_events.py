"""Rows of measures that hold a mask against what is known: events, or evidence in frequency too."""

from __future__ import annotations

from daxaudio.metrics.measure import PAPER, Measure

_EVENT_SHARE = "the event's share of the time"


def _localisation(
    name: str,
    text: str,
    definition: str,
    source: str,
    chance: str = _EVENT_SHARE,
    *,
    group: str = "localisation",
    low: float = 0.0,
    of_set: bool = False,
) -> Measure:
    return Measure(
        name,
        text,
        definition,
        group=group,
        better="higher",
        source=source,
        chance=chance,
        low=low,
        needs=("events",),
        of_set=of_set,
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
    _localisation(
        "relevance_rank_accuracy",
        "true ones among as many top frames",
        "Of the frames that the profile ranks highest, as many as there are in events, the share "
        "that is in events; of equal values on the border of the top, the share that chance would "
        "put there.",
        "Arras et al. 2022 (CLEVR-XAI)",
    ),
    _localisation(
        "top_k_intersection",
        "true ones among the top fiftieth",
        "As `relevance_rank_accuracy`, of the highest-ranked 2 % of the frames, or of as many as "
        "there are in events where that is less.",
        "Theiner et al. 2021",
    ),
    _localisation(
        "worst_event_margin",
        "least peak of an event above all outside",
        "The least of the events' peaks of the profile, less the profile's greatest value outside "
        "of events, over its greatest of all. Above 0 a threshold finds every event and nothing "
        "else.",
        "Bolaños et al. 2025 (their code)",
        chance="",
        low=-1.0,
    ),
    _localisation(
        "frame_f1",
        "F1 of frames above mean + std",
        "2 hits / (marked + true) of the frames of `iou`: 2 IoU / (1 + IoU).",
        "Mesaros et al. 2016 (sed_eval), segments of a frame",
        chance="",
        group="event_detection",
    ),
    _localisation(
        "event_f1",
        "F1 of events, onset within 200 ms",
        "2 hits / (marked + true) of runs of frames above mean + std: one is a hit when its onset "
        "is within 200 ms of a true one, and its offset within 200 ms, or a fifth of the event's "
        "length, of the true one; as many as possible are paired, one to one.",
        "Mesaros et al. 2016 (sed_eval)",
        chance="",
        group="event_detection",
    ),
    _localisation(
        "psds",
        "events found against false alarms, all thresholds",
        "Over all recordings at once: the share of events found at most at a number of false "
        "alarms an hour, its mean from 0 to 100 of them. A run of frames above the threshold is "
        "right when 70 % of it lies in events, and an event is found when 70 % of it lies in right "
        "runs. Each profile is scaled to [0, 1] by its own ends.",
        "Bilen et al. 2020 (PSDS), for one class; thresholds as Ebbers et al. 2022",
        chance="",
        group="event_detection",
        of_set=True,
    ),
    _localisation(
        "focus",
        "mask in events of its class, not of others",
        "The sum of the mask in frames of events of the class that it was made for, over that plus "
        "the sum in frames of other classes' events; frames in both count nowhere. Not defined "
        "where one class sounds alone.",
        "Arias-Duart et al. 2022 (Focus), in time",
        chance="the class's share of these frames",
        group="focus",
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
    _in_frequency(
        "mask_rank_accuracy",
        "evidence among as many top points",
        "As `relevance_rank_accuracy`, of the points of the mask in the evidence.",
        "Arras et al. 2022 (CLEVR-XAI)",
    ),
    _in_frequency(
        "mask_top_k_intersection",
        "evidence among the top fiftieth of points",
        "As `top_k_intersection`, of the points of the mask in the evidence.",
        "Theiner et al. 2021",
    ),
)
