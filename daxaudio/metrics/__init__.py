"""How good an explanation is, measured against events that are known and by the black box.

Against events:

| function | what it says | chance | undefined |
|---|---|---|---|
| `iou` | frames above mean + std against the event's (the paper's protocol) | - | - |
| `best_threshold_iou` | the same at the best threshold: an upper bound | event's share | - |
| `frame_auc` | ranking: an event frame is above another | 0.5 | event nowhere or everywhere |
| `average_precision` | ranking: precision over recall | event's share | the same |
| `event_iou` | each event against its own predicted run | - | - |
| `mask_iou`, `mask_auc`, `mask_average_precision` | the same in time and frequency | as above | |
| `evaluate` | the first five at once | | |
| `pointing_game` | the greatest bin lies in the event | event's share | event nowhere |
| `relevance_mass` | share of the mask in the event | event's share | the same, or empty mask |

By the black box, many masks of one recording at a time:

| function | what it says | better | range |
|---|---|---|---|
| `perturbation_curves`, deletion | score while the best parts go | lower | score's |
| `perturbation_curves`, insertion | score while they come | higher | score's |
| `faithfulness_measures` | what the masked input keeps of the score: the measures of L-MAC | | |
| `average_drop` | share of the score lost when masked | lower | 0 to 1 |
| `average_increase` | the masked input scores more | higher | 0 or 1 |
| `average_gain` | share of the room above gained | higher | 0 to 1 |

From masks alone:

| function | what it says | range | undefined |
|---|---|---|---|
| `sparseness` | Gini index of the mask | 0 to 1 | empty mask |
| `complexity` | entropy of the mask in nats | 0 to log(bins) | empty mask |
| `rank_correlation` | two masks: Spearman over all bins | -1 to 1 | a flat mask |
| `structural_similarity` | two masks: SSIM | -1 to 1 | - |

Of two methods, and of many:

| function | what it says | undefined |
|---|---|---|
| `paired_comparison` | is one method better: bootstrap interval, Wilcoxon test | no pair |
| `unpaired_comparison` | two groups of recordings: interval, Mann-Whitney test | a group is empty |
| `holm` | p-values of many tests, corrected for their number | no p-value |

Those against events are in [0, 1] and 1 is best. What is undefined is NaN. `catalogue` has the
direction, range and source of every measure that a comparison writes.
"""

from daxaudio.metrics.deletion import Curve, perturbation_curves
from daxaudio.metrics.events import (
    Match,
    event_frames,
    frames_to_events,
    interval_iou,
    match_events,
)
from daxaudio.metrics.faithfulness import (
    average_drop,
    average_gain,
    average_increase,
    faithfulness_measures,
)
from daxaudio.metrics.form import (
    complexity,
    rank_correlation,
    sparseness,
    structural_similarity,
)
from daxaudio.metrics.iou import best_threshold_iou, event_iou, iou, paper_threshold
from daxaudio.metrics.localisation import (
    average_precision,
    evaluate,
    frame_auc,
    mask_auc,
    mask_average_precision,
    mask_iou,
    pointing_game,
    relevance_mass,
)
from daxaudio.metrics.significance import (
    PairedComparison,
    UnpairedComparison,
    holm,
    paired_comparison,
    unpaired_comparison,
)

__all__ = [
    "Curve",
    "Match",
    "PairedComparison",
    "UnpairedComparison",
    "average_drop",
    "average_gain",
    "average_increase",
    "average_precision",
    "best_threshold_iou",
    "complexity",
    "evaluate",
    "event_frames",
    "event_iou",
    "faithfulness_measures",
    "frame_auc",
    "frames_to_events",
    "holm",
    "interval_iou",
    "iou",
    "mask_auc",
    "mask_average_precision",
    "mask_iou",
    "match_events",
    "paired_comparison",
    "paper_threshold",
    "perturbation_curves",
    "pointing_game",
    "rank_correlation",
    "relevance_mass",
    "sparseness",
    "structural_similarity",
    "unpaired_comparison",
]
