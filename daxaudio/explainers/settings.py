"""What the methods of one run are set to, and what one explainer is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from daxaudio.containers import Event, Spectrogram
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.grad_cam import GradCam
from daxaudio.explainers.gradient import IntegratedGradients, SmoothGrad
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.perturbation.masks import Fill
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segmenters import make_segmenter
from daxaudio.runs.batches import BatchSize, check_batch_size
from daxaudio.runs.config import build, check_keys, keys_of
from daxaudio.runs.seeds import derive_seed

Part = TypeVar("Part")


@dataclasses.dataclass(frozen=True)
class MethodSettings:
    """What the methods of one run share, and what each is given beyond its defaults.

    Args:
        queries: black-box evaluations that each perturbation method may ask.
        batch_size: inputs made at once, or "auto" (see `fit_batch`).
        fill: what stands where a part is masked off.
        segmenter: cuts the segments that LIME, KernelSHAP, DAX V1 and V2 share, as settings of
            `make_segmenter`: `kind` (quick_shift where it is not named) and its arguments.
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
    segmenter: Mapping[str, Any] = dataclasses.field(default_factory=dict)
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
        make_segmenter(self.segmenter)
        for section, (constructor, known) in _parts().items():
            settings = getattr(self, section)
            check_keys(section, settings, known)
            build(constructor, section, settings)


def _parts() -> dict[str, tuple[Callable[..., Any], tuple[str, ...]]]:
    """What the sections of `MethodSettings` build, and their keys: the run sets the others."""
    asking = ("fill", "batch_size", "seed")
    dax_v4 = keys_of(DaxV4, but=("sampler", "filters", "seed"))
    return {
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


@dataclasses.dataclass(frozen=True, eq=False)
class Making:
    """What one explainer is made of: its method, the recording, and the settings of the run.

    Random draws are seeded by (seed, recording, method); those of perturbations by (seed,
    recording, kind) alone, so that methods that perturb alike can share their queries.

    Args:
        method: its name.
        spectrogram: what will be explained.
        settings: of the run.
        seed: of the run.
        events: true events of the recording.
    """

    method: str
    spectrogram: Spectrogram
    settings: MethodSettings
    seed: int
    events: Sequence[Event]

    @property
    def own_seed(self) -> int:
        """Seed of the method's own draws."""
        return self._seed_of(self.method)

    def part(self, constructor: Callable[..., Part], section: str, **set_by_run: Any) -> Part:
        """A part by its section of the settings, and by what the run sets."""
        return build(constructor, section, {**getattr(self.settings, section), **set_by_run})

    def segments(self, sampling: Literal["bernoulli", "shapley"] = "bernoulli") -> SegmentSampler:
        """Draws segments."""
        segmenter, asked = make_segmenter(self.settings.segmenter), self._asked("segments")
        return SegmentSampler(segmenter=segmenter, sampling=sampling, **asked)

    def grid(self) -> GridSampler:
        """Draws grids of one resolution."""
        return self.part(GridSampler, "rise", **self._asked("grid"))

    def closed_form(self) -> DaxV4:
        """DAX V4, which draws grids of several resolutions."""
        settings = {**self.settings.dax_v4, "seed": self.own_seed}
        return _make_dax_v4(self._asked("grids"), **settings)

    def windows(self) -> Occlusion:
        """Occlusion with as fine a stride as the queries allow."""
        asked = {**self._asked(self.method)}
        n_queries = asked.pop("n_samples")
        bins, frames = self.spectrogram.values.shape
        return self.part(Occlusion, "occlusion", **asked).within(n_queries, (bins, frames))

    def _asked(self, kind: str) -> dict[str, Any]:
        return {
            "n_samples": self.settings.queries,
            "fill": self.settings.fill,
            "batch_size": self.settings.batch_size,
            "seed": self._seed_of(kind),
        }

    def _seed_of(self, name: str) -> int:
        return derive_seed(self.seed, self.spectrogram.recording_id, name)


def _make_dax_v4(sampler: Mapping[str, Any] | None = None, /, **settings: Any) -> DaxV4:
    """DAX V4 of settings that are its own, or its sampler's."""
    grids: dict[str, Any] = dict(sampler or {})
    grids |= {key: settings.pop(key) for key in ("grids", "keep") if key in settings}
    return build(DaxV4, "dax_v4", {**settings, "sampler": build(MultiGridSampler, "dax_v4", grids)})
