"""How good an explanation is, measured against events that are known and by the black box.

One file a kind of measure:

| file | what it says | what it needs |
|---|---|---|
| `iou` | frames, and events, that are marked against those that are true | events |
| `localisation` | ranking, peak and mass: in time, and in time and frequency; `evaluate` | events |
| `top_frames` | whether what ranks highest is true: the top alone | events |
| `event_detection` | F1 of frames and events, and over all thresholds of a set | events |
| `focus` | one class's events against those of the others | events of several classes |
| `phases`, `phase_events` | which classes of events are marked, which are found | events |
| `deletion` | the score while the best parts go, or come | the black box |
| `relevance_gain` | what the order of a mask gains over the reverse: SRG, ROAD | the black box |
| `marked` | what a mask marks, against the same form elsewhere | the black box |
| `correlation` | whether a mask foretells what the score loses | the black box |
| `faithfulness` | what the masked input keeps of the score: the measures of L-MAC | the black box |
| `form` | a mask by itself, and how alike two are | nothing |
| `sensitivity` | how much a mask changes under noise that nobody hears | the explainer |
| `sanity` | whether it changes with the model | the explainer, the module |
| `detection` | scores of recordings against two classes: ROC, sensitivity | labels |
| `calibration` | whether scores can be read as probabilities | labels |
| `weighted` | the same of many resamples at once | labels |
| `clusters` | intervals where recordings are of one participant | who each is of |
| `sign_flips` | is a mean difference about 0, participant by participant | differences |
| `permutations` | tests where recordings are of one participant | who each is of |
| `significance` | is one better than another: intervals, tests, Holm | many recordings |
| `ranks` | which of many come first: Friedman, Nemenyi's critical difference | many blocks |

The explanation, as a mask or its profile over time, comes first and the truth last. What is
undefined is NaN: leave it out of means and count it. Malformed input raises `ValueError`.
`catalogue.MEASURES` has a row for every measure that a comparison writes: its definition,
direction, range, chance and source.
"""

from daxaudio.metrics.calibration import Calibration, CalibrationBin, calibration
from daxaudio.metrics.catalogue import GROUPS, MEASURES, Measure
from daxaudio.metrics.clusters import Interval, cluster_bootstrap, cluster_weights
from daxaudio.metrics.correlation import (
    correlation_measures,
    faithfulness_correlation,
    infidelity,
    part_faithfulness,
)
from daxaudio.metrics.deletion import Curve, perturbation_curves
from daxaudio.metrics.detection import roc_auc, roc_curve, sensitivity_at_specificity
from daxaudio.metrics.event_detection import event_f1, frame_f1, psds
from daxaudio.metrics.events import (
    Match,
    event_frames,
    event_runs,
    frame_edges,
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
from daxaudio.metrics.focus import focus
from daxaudio.metrics.form import (
    complexity,
    histogram_entropy,
    rank_correlation,
    sparseness,
    structural_similarity,
)
from daxaudio.metrics.iou import (
    best_threshold_iou,
    event_iou,
    iou,
    marking_threshold,
    paper_threshold,
)
from daxaudio.metrics.localisation import (
    average_precision,
    evaluate,
    frame_auc,
    mask_auc,
    mask_average_precision,
    mask_iou,
    pointing_game,
    relevance_mass,
    score_mask,
    score_profile,
)
from daxaudio.metrics.marked import marked_bins, marked_share, scores_at_area
from daxaudio.metrics.permutations import (
    association_within_classes,
    label_association,
    permute_labels,
)
from daxaudio.metrics.phase_events import FoundEvent, find_events, heard_stretches, marked_outside
from daxaudio.metrics.phases import (
    mass_over_chance,
    measure_phases,
    phase_iou,
    phase_mass,
    phase_share,
)
from daxaudio.metrics.ranks import PairTest, RankComparison, compare_pairs, rank_methods
from daxaudio.metrics.relevance_gain import road, symmetric_relevance_gain
from daxaudio.metrics.sanity import (
    SanityCheck,
    complexity_rise,
    randomise_cascade,
    sanity_check,
)
from daxaudio.metrics.sensitivity import max_sensitivity
from daxaudio.metrics.sign_flips import MeanDifference, mean_difference
from daxaudio.metrics.significance import (
    PairedComparison,
    UnpairedComparison,
    holm,
    paired_comparison,
    unpaired_comparison,
)
from daxaudio.metrics.top_frames import (
    mask_rank_accuracy,
    mask_top_k_intersection,
    relevance_rank_accuracy,
    top_k_intersection,
    worst_event_margin,
)
from daxaudio.metrics.weighted import weighted_auc, weighted_calibration, weighted_sensitivity

__all__ = [
    "GROUPS",
    "MEASURES",
    "Calibration",
    "CalibrationBin",
    "Curve",
    "FoundEvent",
    "Interval",
    "Match",
    "MeanDifference",
    "Measure",
    "PairTest",
    "PairedComparison",
    "RankComparison",
    "SanityCheck",
    "UnpairedComparison",
    "association_within_classes",
    "average_drop",
    "average_gain",
    "average_increase",
    "average_precision",
    "best_threshold_iou",
    "calibration",
    "cluster_bootstrap",
    "cluster_weights",
    "compare_pairs",
    "complexity",
    "complexity_rise",
    "correlation_measures",
    "evaluate",
    "event_f1",
    "event_frames",
    "event_iou",
    "event_runs",
    "faithfulness_correlation",
    "faithfulness_measures",
    "find_events",
    "focus",
    "frame_auc",
    "frame_edges",
    "frame_f1",
    "frames_to_events",
    "heard_stretches",
    "histogram_entropy",
    "holm",
    "infidelity",
    "interval_iou",
    "iou",
    "label_association",
    "marked_bins",
    "marked_outside",
    "marked_share",
    "marking_threshold",
    "mask_auc",
    "mask_average_precision",
    "mask_iou",
    "mask_rank_accuracy",
    "mask_top_k_intersection",
    "mass_over_chance",
    "match_events",
    "max_sensitivity",
    "mean_difference",
    "measure_phases",
    "paired_comparison",
    "paper_threshold",
    "part_faithfulness",
    "permute_labels",
    "perturbation_curves",
    "phase_iou",
    "phase_mass",
    "phase_share",
    "pointing_game",
    "psds",
    "randomise_cascade",
    "rank_correlation",
    "rank_methods",
    "relevance_mass",
    "relevance_rank_accuracy",
    "road",
    "roc_auc",
    "roc_curve",
    "sanity_check",
    "score_mask",
    "score_profile",
    "scores_at_area",
    "sensitivity_at_specificity",
    "sparseness",
    "structural_similarity",
    "symmetric_relevance_gain",
    "top_k_intersection",
    "unpaired_comparison",
    "weighted_auc",
    "weighted_calibration",
    "weighted_sensitivity",
    "worst_event_margin",
]
