"""daxaudio shows what an audio classifier listened to, from query access alone.

The public names are imported when they are first used: `import daxaudio` costs next to nothing.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daxaudio.annotations import (
        read_events as read_events,
        write_events as write_events,
    )
    from daxaudio.audio import (
        read_recording as read_recording,
        write_recording as write_recording,
    )
    from daxaudio.blackbox import (
        BlackBox as BlackBox,
        load_black_box as load_black_box,
        save_black_box as save_black_box,
    )
    from daxaudio.compare import explain_folder as explain_folder
    from daxaudio.comparison import compare_folder as compare_folder
    from daxaudio.containers import (
        Event as Event,
        Explanation as Explanation,
        Neighbourhood as Neighbourhood,
        Recording as Recording,
        Spectrogram as Spectrogram,
    )
    from daxaudio.explainers.all_ones import AllOnes as AllOnes
    from daxaudio.explainers.dax import (
        Counterfactual as Counterfactual,
        Dax as Dax,
        SparseMatching as SparseMatching,
    )
    from daxaudio.explainers.dax_v4 import DaxV4 as DaxV4
    from daxaudio.explainers.energy import Energy as Energy
    from daxaudio.explainers.explained_student import ExplainStudent as ExplainStudent
    from daxaudio.explainers.grad_cam import (
        GradCam as GradCam,
        GradCamPlusPlus as GradCamPlusPlus,
        GuidedGradCam as GuidedGradCam,
    )
    from daxaudio.explainers.gradient import (
        Gradient as Gradient,
        InputXGradient as InputXGradient,
        IntegratedGradients as IntegratedGradients,
        SmoothGrad as SmoothGrad,
    )
    from daxaudio.explainers.lime import Lime as Lime
    from daxaudio.explainers.occlusion import Occlusion as Occlusion
    from daxaudio.explainers.oracle import Oracle as Oracle
    from daxaudio.explainers.random_mask import RandomMask as RandomMask
    from daxaudio.explainers.rise import Rise as Rise
    from daxaudio.explainers.shap import KernelShap as KernelShap
    from daxaudio.frontends import (
        LinearStft as LinearStft,
        LogMel as LogMel,
    )
    from daxaudio.kaldi import (
        DataFolder as DataFolder,
        RecordingSegment as RecordingSegment,
        fix_data_folder as fix_data_folder,
        read_data_folder as read_data_folder,
        read_utterance as read_utterance,
        validate_data_folder as validate_data_folder,
        write_data_folder as write_data_folder,
    )
    from daxaudio.measuring import MeasureSettings as MeasureSettings
    from daxaudio.methods import MethodSettings as MethodSettings
    from daxaudio.metrics import (
        evaluate as evaluate,
        paired_comparison as paired_comparison,
        perturbation_curves as perturbation_curves,
    )
    from daxaudio.models.augmentation import Augmentation as Augmentation
    from daxaudio.models.resnet import SpectrogramResNet as SpectrogramResNet
    from daxaudio.models.training import (
        Trainer as Trainer,
        TrainingSettings as TrainingSettings,
    )
    from daxaudio.neighbourhood import (
        GridSampler as GridSampler,
        MultiGridSampler as MultiGridSampler,
        SegmentSampler as SegmentSampler,
    )
    from daxaudio.neighbourhood_files import (
        load_neighbourhood as load_neighbourhood,
        save_neighbourhood as save_neighbourhood,
    )
    from daxaudio.padding import (
        NoisePadding as NoisePadding,
        PaddedRecording as PaddedRecording,
    )
    from daxaudio.plot import (
        plot_comparison as plot_comparison,
        plot_confusion as plot_confusion,
        plot_explanation as plot_explanation,
        plot_history as plot_history,
        plot_segments as plot_segments,
        plot_summary as plot_summary,
    )
    from daxaudio.polarity import check_polarity as check_polarity
    from daxaudio.randomisation import sanity_check as sanity_check
    from daxaudio.results import score_folder as score_folder
    from daxaudio.segments import (
        Grid as Grid,
        QuickShift as QuickShift,
        Slic as Slic,
        TimeBands as TimeBands,
    )
    from daxaudio.shared_queries import explain_recording as explain_recording
    from daxaudio.store import (
        load_explanation as load_explanation,
        save_explanation as save_explanation,
    )
    from daxaudio.textures import SharedFilters as SharedFilters
    from daxaudio.verdict import judge as judge

_NAMES = {
    "annotations": ["read_events", "write_events"],
    "audio": ["read_recording", "write_recording"],
    "blackbox": ["BlackBox", "load_black_box", "save_black_box"],
    "compare": ["explain_folder"],
    "comparison": ["compare_folder"],
    "containers": ["Event", "Explanation", "Neighbourhood", "Recording", "Spectrogram"],
    "explainers.all_ones": ["AllOnes"],
    "explainers.dax": ["Counterfactual", "Dax", "SparseMatching"],
    "explainers.dax_v4": ["DaxV4"],
    "explainers.energy": ["Energy"],
    "explainers.explained_student": ["ExplainStudent"],
    "explainers.grad_cam": ["GradCam", "GradCamPlusPlus", "GuidedGradCam"],
    "explainers.gradient": ["Gradient", "InputXGradient", "IntegratedGradients", "SmoothGrad"],
    "explainers.lime": ["Lime"],
    "explainers.occlusion": ["Occlusion"],
    "explainers.oracle": ["Oracle"],
    "explainers.random_mask": ["RandomMask"],
    "explainers.rise": ["Rise"],
    "explainers.shap": ["KernelShap"],
    "frontends": ["LinearStft", "LogMel"],
    "kaldi": [
        "DataFolder",
        "RecordingSegment",
        "fix_data_folder",
        "read_data_folder",
        "read_utterance",
        "validate_data_folder",
        "write_data_folder",
    ],
    "measuring": ["MeasureSettings"],
    "methods": ["MethodSettings"],
    "metrics": ["evaluate", "paired_comparison", "perturbation_curves"],
    "models.augmentation": ["Augmentation"],
    "models.resnet": ["SpectrogramResNet"],
    "models.training": ["Trainer", "TrainingSettings"],
    "neighbourhood": ["GridSampler", "MultiGridSampler", "SegmentSampler"],
    "neighbourhood_files": ["load_neighbourhood", "save_neighbourhood"],
    "padding": ["NoisePadding", "PaddedRecording"],
    "plot": [
        "plot_comparison",
        "plot_confusion",
        "plot_explanation",
        "plot_history",
        "plot_segments",
        "plot_summary",
    ],
    "polarity": ["check_polarity"],
    "randomisation": ["sanity_check"],
    "results": ["score_folder"],
    "segments": ["Grid", "QuickShift", "Slic", "TimeBands"],
    "shared_queries": ["explain_recording"],
    "store": ["load_explanation", "save_explanation"],
    "textures": ["SharedFilters"],
    "verdict": ["judge"],
}
"""Public names by the module that they come from; the block above says the same to editors."""

_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted(_MODULE_OF)


if not TYPE_CHECKING:  # type checkers would take any misspelt name for granted

    def __getattr__(name: str) -> object:
        """A public name or a module of the package, imported when it is first asked for."""
        if name in _MODULE_OF:
            value = getattr(importlib.import_module(f"daxaudio.{_MODULE_OF[name]}"), name)
        elif name in _module_names():
            value = importlib.import_module(f"daxaudio.{name}")
        else:
            raise AttributeError(f"module 'daxaudio' has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """All public names and modules, whether they are imported yet or not."""
    return sorted({*globals(), *_MODULE_OF, *_module_names()})


def _module_names() -> set[str]:
    return {module.name for module in pkgutil.iter_modules(__path__)}
