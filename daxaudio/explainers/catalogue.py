"""The methods by the names that tables and commands use."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daxaudio.containers import Event, Explainer
from daxaudio.explainers.all_ones import AllOnes
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.explained_student import ExplainStudent
from daxaudio.explainers.dax.joint import Counterfactual, Dax, SparseMatching
from daxaudio.explainers.energy import Energy
from daxaudio.explainers.grad_cam import GradCam, GradCamPlusPlus, GuidedGradCam
from daxaudio.explainers.gradient import (
    Gradient,
    InputXGradient,
    IntegratedGradients,
    SmoothGrad,
)
from daxaudio.explainers.kernel_shap import KernelShap
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.explainers.oracle import Oracle
from daxaudio.explainers.random_mask import RandomMask
from daxaudio.explainers.rise import Rise
from daxaudio.perturbation.masks import Fill
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segments import QuickShift
from daxaudio.runs.batches import BatchSize, check_batch_size
from daxaudio.runs.config import build, check_keys, keys_of
from daxaudio.runs.seeds import derive_seed

METHODS = {
    "dax_v1": "mask net and student trained together, small masks (paper, V1)",
    "dax_v2": "mask net and student trained together, counterfactual (paper, V2)",
    "dax_v4": "mask net tied to the salience of a student, all in closed form",
    "base1": "student without a mask net, then RISE on the student (paper, Base1)",
    "base2": "student without a mask net, then LIME on the student (paper, Base2)",
    "lime": "weighted linear regression on segments",
    "kernel_shap": "Shapley values of segments by weighted regression",
    "rise": "mean of random smooth grids, weighted by score",
    "occlusion": "drop of the score where a window hides the input",
    "gradient": "absolute gradient of the class's logit",
    "smooth_grad": "the same, averaged over noisy copies of the input",
    "integrated_gradients": "gradient along the way from the background to the input",
    "input_x_gradient": "input above the background, times the gradient",
    "grad_cam": "last convolution's channels, weighted by their mean gradient",
    "guided_grad_cam": "the same, times guided backpropagation",
    "grad_cam_plus_plus": "Grad-CAM with weights for several events",
    "random": "reference: random values",
    "energy": "reference: the spectrogram itself",
    "all_ones": "reference: everything is salient",
    "oracle": "reference: the true event",
}
"""Names of the methods, and what each does in a line."""

REFERENCE_METHODS = ("random", "energy", "all_ones", "oracle")
"""Rows of a table that explain nothing and show what a score is worth."""

GRADIENT_METHODS = {
    "gradient": Gradient,
    "smooth_grad": SmoothGrad,
    "integrated_gradients": IntegratedGradients,
    "input_x_gradient": InputXGradient,
    "grad_cam": GradCam,
    "guided_grad_cam": GuidedGradCam,
    "grad_cam_plus_plus": GradCamPlusPlus,
}
"""The methods that need the module; all others need query access only."""

DEFAULT_METHOD = "dax_v4"


@dataclasses.dataclass(frozen=True)
class MethodSettings:
    """What the methods of one run share, and what each is given beyond its defaults.

    Args:
        queries: black-box evaluations that each perturbation method may ask.
        batch_size: inputs made at once, or "auto" (see `fit_batch`).
        fill: what stands where a part is masked off.
        quick_shift: arguments of `QuickShift`, whose segments LIME, KernelSHAP, DAX V1 and V2
            share.
        dax: arguments of `Dax` for V1 and V2, apart from loss, sampler and seed; Base1 and Base2
            train their student by the same ones, apart from `polarity`, which they have not.
        dax_v4: arguments of `DaxV4`, apart from sampler, filters and seed; `grids` and `keep` of
            its `MultiGridSampler`.
        lime: arguments of `Lime`, apart from its sampler.
        rise: arguments of RISE's `GridSampler`: `cells`, `keep`, `antithetic`.
        occlusion: arguments of `Occlusion`; its stride is what the queries allow.
        smooth_grad: arguments of `SmoothGrad`, apart from its seed.
        integrated_gradients: arguments of `IntegratedGradients`, apart from its fill.
        grad_cam: arguments of `GradCam`, `GuidedGradCam` and `GradCamPlusPlus`, for instance the
            name of the `layer`.

    Raises:
        ValueError: when the number of queries is too small or a part cannot be built.
    """

    queries: int = 1000
    batch_size: BatchSize = "auto"
    fill: Fill = "global_mean"
    quick_shift: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    dax: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    dax_v4: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    lime: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rise: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    occlusion: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    smooth_grad: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    integrated_gradients: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    grad_cam: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.queries < 10:
            raise ValueError(f"queries must be at least 10, got {self.queries}")
        check_batch_size(self.batch_size)
        for section, (constructor, known) in _parts().items():
            settings = getattr(self, section)
            check_keys(section, settings, known)
            build(constructor, section, settings)


def _parts() -> dict[str, tuple[Callable[..., Any], tuple[str, ...]]]:
    """What the sections of `MethodSettings` build, and their keys: the run sets the others."""
    asking = ("fill", "batch_size", "seed", "progress")
    dax_v4 = keys_of(DaxV4, but=("sampler", "filters", "seed"))
    return {
        "quick_shift": (QuickShift, keys_of(QuickShift)),
        "dax": (Dax, keys_of(Dax, but=("loss", "sampler", "seed"))),
        "dax_v4": (_make_dax_v4, (*dax_v4, "grids", "keep")),
        "lime": (Lime, keys_of(Lime, but=("sampler",))),
        "rise": (GridSampler, keys_of(GridSampler, but=("n_samples", *asking))),
        "occlusion": (Occlusion, keys_of(Occlusion, but=("stride", *asking))),
        "smooth_grad": (SmoothGrad, keys_of(SmoothGrad, but=("seed",))),
        "integrated_gradients": (
            IntegratedGradients,
            keys_of(IntegratedGradients, but=("fill", "seed")),
        ),
        "grad_cam": (GradCam, keys_of(GradCam)),
    }


_SEGMENTS = ("queries", "fill", "quick_shift")
_GRIDS = ("queries", "fill", "rise")

SETTINGS_OF = {
    "dax_v1": (*_SEGMENTS, "dax"),
    "dax_v2": (*_SEGMENTS, "dax"),
    "dax_v4": ("queries", "fill", "dax_v4"),
    "base1": (*_SEGMENTS, "dax", "rise"),
    "base2": (*_SEGMENTS, "dax", "lime"),
    "lime": (*_SEGMENTS, "lime"),
    "kernel_shap": _SEGMENTS,
    "rise": _GRIDS,
    "occlusion": ("queries", "fill", "occlusion"),
    "smooth_grad": ("smooth_grad",),
    "integrated_gradients": ("fill", "integrated_gradients"),
    "input_x_gradient": ("fill",),
    **dict.fromkeys(("grad_cam", "guided_grad_cam", "grad_cam_plus_plus"), ("grad_cam",)),
}
"""Fields of `MethodSettings` on which a method's explanation depends; the others need none."""


def check_methods(names: Sequence[str]) -> list[str]:
    """The names, each once, in the order of tables.

    Raises:
        ValueError: when a name is unknown; lists the known ones.

    Example:
        >>> check_methods(["rise", "lime", "rise"])
        ['lime', 'rise']
    """
    for name in names:
        if name not in METHODS:
            raise ValueError(f"method {name!r} is unknown; choose from {', '.join(METHODS)}")
    if not names:
        raise ValueError(f"no method named; choose from {', '.join(METHODS)}")
    return [name for name in METHODS if name in names]


def most_queries(names: Sequence[str], settings: MethodSettings) -> int:
    """Black-box evaluations that explaining one recording by some methods takes at most.

    A few more for each method, such as of the input itself, are left out; methods that perturb
    alike share theirs.

    Example:
        >>> most_queries(["rise", "gradient", "energy"], MethodSettings(queries=500))
        500
    """
    return settings.queries * sum("queries" in SETTINGS_OF.get(name, ()) for name in names)


def make_explainer(
    name: str,
    settings: MethodSettings,
    seed: int,
    recording_id: str,
    shape: tuple[int, int],
    events: Sequence[Event] = (),
    progress: bool = False,
) -> Explainer:
    """The explainer of one method for one recording.

    Its random draws are seeded by (seed, recording, method); the draws of segments by (seed,
    recording) alone, so that the methods that perturb segments alike can share their queries.

    Args:
        name: one of `METHODS`.
        settings: of the run.
        seed: of the run.
        recording_id: the recording.
        shape: (F, T) of its spectrogram.
        events: its true events; only "oracle" sees them.
        progress: show a bar while the black box is asked.

    Returns:
        The explainer.

    Raises:
        ValueError: when the method is unknown, a setting does not exist, or the oracle has no
            event.
    """
    check_methods([name])
    own_seed = derive_seed(seed, recording_id, name)
    segments = SegmentSampler(
        n_samples=settings.queries,
        segmenter=build(QuickShift, "quick_shift", settings.quick_shift),
        fill=settings.fill,
        batch_size=settings.batch_size,
        seed=derive_seed(seed, recording_id, "segments"),
        progress=progress,
    )
    grid = {
        "n_samples": settings.queries,
        "fill": settings.fill,
        "batch_size": settings.batch_size,
        "seed": derive_seed(seed, recording_id, "grid"),
        "progress": progress,
        **settings.rise,
    }
    grids = {
        "n_samples": settings.queries,
        "fill": settings.fill,
        "batch_size": settings.batch_size,
        "seed": derive_seed(seed, recording_id, "grids"),
        "progress": progress,
    }
    shapley = dataclasses.replace(segments, sampling="shapley")
    student = {"sampler": segments, "seed": own_seed}
    match name:
        case "dax_v1":
            return build(Dax, "dax", {**settings.dax, **student, "loss": SparseMatching()})
        case "dax_v2":
            return build(Dax, "dax", {**settings.dax, **student, "loss": Counterfactual()})
        case "dax_v4":
            return _make_dax_v4(grids, **{**settings.dax_v4, "seed": own_seed})
        case "base1":
            rise = Rise(build(GridSampler, "rise", grid))
            return _explain_student(name, rise, {**settings.dax, **student})
        case "base2":
            lime = build(Lime, "lime", {**settings.lime, "sampler": segments})
            return _explain_student(name, lime, {**settings.dax, **student})
        case "lime":
            return build(Lime, name, {**settings.lime, "sampler": segments})
        case "kernel_shap":
            return KernelShap(shapley)
        case "rise":
            return Rise(build(GridSampler, name, grid))
        case "occlusion":
            occlusion = {
                "fill": settings.fill,
                "batch_size": settings.batch_size,
                "seed": own_seed,
                "progress": progress,
                **settings.occlusion,
            }
            return build(Occlusion, name, occlusion).within(settings.queries, shape)
        case "smooth_grad":
            return build(SmoothGrad, name, {**settings.smooth_grad, "seed": own_seed})
        case "integrated_gradients":
            path = {**settings.integrated_gradients, "fill": settings.fill, "seed": own_seed}
            return build(IntegratedGradients, name, path)
        case "grad_cam" | "guided_grad_cam" | "grad_cam_plus_plus":
            return build(GRADIENT_METHODS[name], "grad_cam", settings.grad_cam)
        case "input_x_gradient":
            return InputXGradient(fill=settings.fill, seed=own_seed)
        case "gradient":
            return Gradient()
        case "random":
            return RandomMask(own_seed)
        case "energy":
            return Energy()
        case "all_ones":
            return AllOnes()
    if not events:
        raise ValueError(f"method 'oracle' needs a true event of recording {recording_id!r}")
    return Oracle(tuple(events))


def _make_dax_v4(sampler: Mapping[str, Any] | None = None, /, **settings: Any) -> DaxV4:
    """DAX V4 of settings that are its own, or its sampler's."""
    grids: dict[str, Any] = dict(sampler or {})
    grids |= {key: settings.pop(key) for key in ("grids", "keep") if key in settings}
    return build(DaxV4, "dax_v4", {**settings, "sampler": build(MultiGridSampler, "dax_v4", grids)})


def _explain_student(name: str, inner: Rise | Lime, dax: Mapping[str, Any]) -> ExplainStudent:
    """Base1 or Base2 by the settings of DAX; theirs is no mask with a sign to check."""
    training = {key: value for key, value in dax.items() if key != "polarity"}
    return build(ExplainStudent, "dax", {**training, "explainer": inner, "method": name})
