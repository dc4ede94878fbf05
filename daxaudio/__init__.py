"""daxaudio shows what an audio classifier listened to, from query access alone."""

from daxaudio.annotations import read_events, write_events
from daxaudio.audio import read_recording, write_recording
from daxaudio.blackbox import BlackBox, load_black_box, save_black_box
from daxaudio.compare import explain_folder
from daxaudio.comparison import compare_folder
from daxaudio.containers import (
    Event,
    Explanation,
    Neighbourhood,
    Recording,
    Spectrogram,
)
from daxaudio.explainers.all_ones import AllOnes
from daxaudio.explainers.dax import Counterfactual, Dax, SparseMatching
from daxaudio.explainers.dax_v4 import DaxV4
from daxaudio.explainers.energy import Energy
from daxaudio.explainers.explained_student import ExplainStudent
from daxaudio.explainers.grad_cam import GradCam, GradCamPlusPlus, GuidedGradCam
from daxaudio.explainers.gradient import (
    Gradient,
    InputXGradient,
    IntegratedGradients,
    SmoothGrad,
)
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.explainers.oracle import Oracle
from daxaudio.explainers.random_mask import RandomMask
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.shap import KernelShap
from daxaudio.frontends import LinearStft, LogMel
from daxaudio.kaldi import (
    DataFolder,
    RecordingSegment,
    fix_data_folder,
    read_data_folder,
    read_utterance,
    validate_data_folder,
    write_data_folder,
)
from daxaudio.measuring import MeasureSettings
from daxaudio.methods import MethodSettings
from daxaudio.metrics import evaluate, paired_comparison, perturbation_curves
from daxaudio.models.augmentation import Augmentation
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.models.training import Trainer, TrainingSettings
from daxaudio.neighbourhood import (
    GridSampler,
    MultiGridSampler,
    SegmentSampler,
)
from daxaudio.neighbourhood_files import load_neighbourhood, save_neighbourhood
from daxaudio.padding import NoisePadding, PaddedRecording
from daxaudio.plot import (
    plot_comparison,
    plot_confusion,
    plot_explanation,
    plot_history,
    plot_segments,
    plot_summary,
)
from daxaudio.polarity import check_polarity
from daxaudio.randomisation import sanity_check
from daxaudio.results import (
    score_folder,
)
from daxaudio.segments import Grid, QuickShift, Slic, TimeBands
from daxaudio.shared_queries import explain_recording
from daxaudio.store import load_explanation, save_explanation
from daxaudio.textures import SharedFilters
from daxaudio.verdict import judge

__all__ = [
    "AllOnes",
    "Augmentation",
    "BlackBox",
    "Counterfactual",
    "DataFolder",
    "Dax",
    "DaxV4",
    "Energy",
    "Event",
    "ExplainStudent",
    "Explanation",
    "GradCam",
    "GradCamPlusPlus",
    "Gradient",
    "Grid",
    "GridSampler",
    "GuidedGradCam",
    "InputXGradient",
    "IntegratedGradients",
    "KernelShap",
    "Lime",
    "LinearStft",
    "LogMel",
    "MeasureSettings",
    "MethodSettings",
    "MultiGridSampler",
    "Neighbourhood",
    "NoisePadding",
    "Occlusion",
    "Oracle",
    "PaddedRecording",
    "QuickShift",
    "RandomMask",
    "Recording",
    "RecordingSegment",
    "Rise",
    "SegmentSampler",
    "SharedFilters",
    "Slic",
    "SmoothGrad",
    "SparseMatching",
    "Spectrogram",
    "SpectrogramResNet",
    "TimeBands",
    "Trainer",
    "TrainingSettings",
    "check_polarity",
    "compare_folder",
    "evaluate",
    "explain_folder",
    "explain_recording",
    "fix_data_folder",
    "judge",
    "load_black_box",
    "load_explanation",
    "load_neighbourhood",
    "paired_comparison",
    "perturbation_curves",
    "plot_comparison",
    "plot_confusion",
    "plot_explanation",
    "plot_history",
    "plot_segments",
    "plot_summary",
    "read_data_folder",
    "read_events",
    "read_recording",
    "read_utterance",
    "sanity_check",
    "save_black_box",
    "save_explanation",
    "save_neighbourhood",
    "score_folder",
    "validate_data_folder",
    "write_data_folder",
    "write_events",
    "write_recording",
]
