"""daxaudio shows what an audio classifier listened to, from query access alone.

The public names are imported when they are first used: `import daxaudio` costs next to nothing.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daxaudio.containers import (
        Event as Event,
        Explanation as Explanation,
        Recording as Recording,
        Spectrogram as Spectrogram,
    )
    from daxaudio.data.audio import (
        read_recording as read_recording,
        write_recording as write_recording,
    )
    from daxaudio.data.events import (
        read_events as read_events,
        write_events as write_events,
    )
    from daxaudio.data.kaldi import (
        DataFolder as DataFolder,
        RecordingSegment as RecordingSegment,
        fix_data_folder as fix_data_folder,
        read_data_folder as read_data_folder,
        read_utterance as read_utterance,
        validate_data_folder as validate_data_folder,
        write_data_folder as write_data_folder,
    )
    from daxaudio.data.padding import (
        NoisePadding as NoisePadding,
        PaddedRecording as PaddedRecording,
    )
    from daxaudio.experiments.compare import compare_folder as compare_folder
    from daxaudio.experiments.explain import explain as explain
    from daxaudio.experiments.folder import explain_folder as explain_folder
    from daxaudio.experiments.measure import MeasureSettings as MeasureSettings
    from daxaudio.experiments.score import score_folder as score_folder
    from daxaudio.experiments.verdict import judge as judge
    from daxaudio.explainers.dax.closed_form import DaxV4 as DaxV4
    from daxaudio.explainers.dax.explained_student import ExplainStudent as ExplainStudent
    from daxaudio.explainers.dax.joint import (
        Counterfactual as Counterfactual,
        Dax as Dax,
        SparseMatching as SparseMatching,
    )
    from daxaudio.explainers.dax.polarity import check_polarity as check_polarity
    from daxaudio.explainers.dax.shared_filters import SharedFilters as SharedFilters
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
    from daxaudio.explainers.kernel_shap import KernelShap as KernelShap
    from daxaudio.explainers.lime import Lime as Lime
    from daxaudio.explainers.occlusion import Occlusion as Occlusion
    from daxaudio.explainers.references import (
        AllOnes as AllOnes,
        Energy as Energy,
        Oracle as Oracle,
        RandomMask as RandomMask,
    )
    from daxaudio.explainers.rise import Rise as Rise
    from daxaudio.explainers.settings import MethodSettings as MethodSettings
    from daxaudio.explainers.shared_queries import SharedQueries as SharedQueries
    from daxaudio.explainers.storage import (
        load_explanation as load_explanation,
        save_explanation as save_explanation,
    )
    from daxaudio.features.frontends import (
        LinearStft as LinearStft,
        LogMel as LogMel,
    )
    from daxaudio.metrics import (
        evaluate as evaluate,
        paired_comparison as paired_comparison,
        perturbation_curves as perturbation_curves,
    )
    from daxaudio.metrics.sanity import sanity_check as sanity_check
    from daxaudio.models.augmentation import Augmentation as Augmentation
    from daxaudio.models.blackbox import (
        BlackBox as BlackBox,
        load_black_box as load_black_box,
        save_black_box as save_black_box,
    )
    from daxaudio.models.resnet import SpectrogramResNet as SpectrogramResNet
    from daxaudio.models.training import (
        Trainer as Trainer,
        TrainingSettings as TrainingSettings,
    )
    from daxaudio.perturbation.neighbourhood import Neighbourhood as Neighbourhood
    from daxaudio.perturbation.sampling import (
        GridSampler as GridSampler,
        MultiGridSampler as MultiGridSampler,
        SegmentSampler as SegmentSampler,
    )
    from daxaudio.perturbation.segments import (
        Grid as Grid,
        QuickShift as QuickShift,
        Slic as Slic,
        TimeBands as TimeBands,
    )
    from daxaudio.perturbation.storage import (
        load_neighbourhood as load_neighbourhood,
        save_neighbourhood as save_neighbourhood,
    )
    from daxaudio.plot import (
        plot_comparison as plot_comparison,
        plot_confusion as plot_confusion,
        plot_explanation as plot_explanation,
        plot_history as plot_history,
        plot_segments as plot_segments,
        plot_summary as plot_summary,
    )

_NAMES = {
    "data.events": ["read_events", "write_events"],
    "data.audio": ["read_recording", "write_recording"],
    "models.blackbox": ["BlackBox", "load_black_box", "save_black_box"],
    "experiments.explain": ["explain"],
    "experiments.folder": ["explain_folder"],
    "experiments.compare": ["compare_folder"],
    "containers": ["Event", "Explanation", "Recording", "Spectrogram"],
    "explainers.references": ["AllOnes", "Energy", "Oracle", "RandomMask"],
    "explainers.dax.joint": ["Counterfactual", "Dax", "SparseMatching"],
    "explainers.dax.closed_form": ["DaxV4"],
    "explainers.dax.explained_student": ["ExplainStudent"],
    "explainers.grad_cam": ["GradCam", "GradCamPlusPlus", "GuidedGradCam"],
    "explainers.gradient": ["Gradient", "InputXGradient", "IntegratedGradients", "SmoothGrad"],
    "explainers.lime": ["Lime"],
    "explainers.occlusion": ["Occlusion"],
    "explainers.rise": ["Rise"],
    "explainers.kernel_shap": ["KernelShap"],
    "features.frontends": ["LinearStft", "LogMel"],
    "data.kaldi": [
        "DataFolder",
        "RecordingSegment",
        "fix_data_folder",
        "read_data_folder",
        "read_utterance",
        "validate_data_folder",
        "write_data_folder",
    ],
    "experiments.measure": ["MeasureSettings"],
    "explainers.settings": ["MethodSettings"],
    "metrics": ["evaluate", "paired_comparison", "perturbation_curves"],
    "models.augmentation": ["Augmentation"],
    "models.resnet": ["SpectrogramResNet"],
    "models.training": ["Trainer", "TrainingSettings"],
    "perturbation.neighbourhood": ["Neighbourhood"],
    "perturbation.sampling": ["GridSampler", "MultiGridSampler", "SegmentSampler"],
    "perturbation.storage": ["load_neighbourhood", "save_neighbourhood"],
    "data.padding": ["NoisePadding", "PaddedRecording"],
    "plot": [
        "plot_comparison",
        "plot_confusion",
        "plot_explanation",
        "plot_history",
        "plot_segments",
        "plot_summary",
    ],
    "explainers.dax.polarity": ["check_polarity"],
    "metrics.sanity": ["sanity_check"],
    "experiments.score": ["score_folder"],
    "perturbation.segments": ["Grid", "QuickShift", "Slic", "TimeBands"],
    "explainers.shared_queries": ["SharedQueries"],
    "explainers.storage": ["load_explanation", "save_explanation"],
    "explainers.dax.shared_filters": ["SharedFilters"],
    "experiments.verdict": ["judge"],
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
