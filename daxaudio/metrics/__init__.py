"""How good an explanation is, measured against events that are known.

| function | what it says | chance | undefined |
|---|---|---|---|
| `iou` | frames above mean + std against the event's (the paper's protocol) | - | - |
| `best_threshold_iou` | the same at the best threshold: an upper bound | event's share | - |
| `frame_auc` | ranking: an event frame is above another | 0.5 | event nowhere or everywhere |
| `average_precision` | ranking: precision over recall | event's share | the same |
| `event_iou` | each event against its own predicted run | - | - |
| `mask_iou`, `mask_auc`, `mask_average_precision` | the same in time and frequency | as above | |
| `evaluate` | the first five at once | | |
| `paired_comparison` | is one method better: bootstrap interval, Wilcoxon test | | no pair |

All metrics are in [0, 1] and 1 is best. Where one is undefined it is NaN.
"""

from daxaudio.metrics.events import (
    Match,
    event_frames,
    frames_to_events,
    interval_iou,
    match_events,
)
from daxaudio.metrics.iou import best_threshold_iou, event_iou, iou, paper_threshold
from daxaudio.metrics.localisation import (
    average_precision,
    evaluate,
    frame_auc,
    mask_auc,
    mask_average_precision,
    mask_iou,
)
from daxaudio.metrics.significance import PairedComparison, paired_comparison

__all__ = [
    "Match",
    "PairedComparison",
    "average_precision",
    "best_threshold_iou",
    "evaluate",
    "event_frames",
    "event_iou",
    "frame_auc",
    "frames_to_events",
    "interval_iou",
    "iou",
    "mask_auc",
    "mask_average_precision",
    "mask_iou",
    "match_events",
    "paired_comparison",
    "paper_threshold",
]
