"""Methods, one a file; `catalogue` has a row for each."""

from typing import TYPE_CHECKING

from daxaudio.runs.lazy import lazily

if TYPE_CHECKING:
    from daxaudio.explainers.catalogue import METHODS as METHODS, make_explainer as make_explainer
    from daxaudio.explainers.dax.as_authors import DaxAsAuthors as DaxAsAuthors
    from daxaudio.explainers.dax.closed_form import DaxV4 as DaxV4
    from daxaudio.explainers.dax.explained_student import ExplainStudent as ExplainStudent
    from daxaudio.explainers.dax.joint import (
        Counterfactual as Counterfactual,
        Dax as Dax,
        SparseMatching as SparseMatching,
    )
    from daxaudio.explainers.dax.named_part import DaxV5 as DaxV5
    from daxaudio.explainers.dax.polarity import check_polarity as check_polarity
    from daxaudio.explainers.dax.shared_filters import SharedFilters as SharedFilters
    from daxaudio.explainers.expected_gradients import ExpectedGradients as ExpectedGradients
    from daxaudio.explainers.forest import Forest as Forest
    from daxaudio.explainers.freq_rise import FreqRise as FreqRise
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
    from daxaudio.explainers.hsic import Hsic as Hsic
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
    from daxaudio.explainers.sobol import Sobol as Sobol
    from daxaudio.explainers.storage import (
        load_explanation as load_explanation,
        save_explanation as save_explanation,
    )

if not TYPE_CHECKING:  # type checkers would take any misspelt name for granted
    __getattr__, __dir__, __all__ = lazily(__name__)
