"""What the methods of one run are set to, and what one explainer is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

from daxaudio.containers import Event, Spectrogram
from daxaudio.explainers.dax.as_authors import DaxAsAuthors
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.dax.named_part import GRIDS, DaxV5
from daxaudio.explainers.expected_gradients import ExpectedGradients
from daxaudio.explainers.forest import Forest
from daxaudio.explainers.grad_cam import GradCam
from daxaudio.explainers.gradient import IntegratedGradients, SmoothGrad
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.perturbation.fills import FILLS, Fill, check_fill
from daxaudio.perturbation.quasi_random import QuasiRandomSampler, ReplicatedSampler
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segmenters import SEGMENTERS, make_segmenter
from daxaudio.perturbation.segments import QuickShift, Segmenter
from daxaudio.perturbation.stft_grids import StftGridSampler
from daxaudio.perturbation.time_runs import RunSampler
from daxaudio.runs.batches import BatchSize, check_batch_size
from daxaudio.runs.config import build, check_keys, keys_of, section_of, sections_in
from daxaudio.runs.kinds import check_whole
from daxaudio.runs.provenance import describe
from daxaudio.runs.seeds import derive_seed

_ASKING = ("n_samples", "fill", "batch_size", "seed")
"""What the run sets of every sampler."""


def _make_segmenter(**settings: Any) -> Segmenter:
    return make_segmenter(settings)


def _with_sampler(
    section: str, constructor: Callable[..., Any], sampler: Callable[..., Any], settings: Any
) -> Any:
    """A method of settings that are its own, or its sampler's."""
    own = keys_of(constructor, but=("sampler", "filters", "seed"))
    drawn = keys_of(sampler, but=_ASKING)
    check_keys(section, settings, (*own, *drawn))
    draws = {key: settings.pop(key) for key in drawn if key in settings}
    return build(constructor, section, {**settings, "sampler": build(sampler, section, draws)})


def _make_dax_v4(**settings: Any) -> DaxV4:
    return cast(DaxV4, _with_sampler("dax_v4", DaxV4, MultiGridSampler, settings))


def _make_dax_v5(**settings: Any) -> DaxV5:
    own = {"grids": GRIDS, **settings}
    return cast(DaxV5, _with_sampler("dax_v5", DaxV5, MultiGridSampler, own))


def _make_forest(**settings: Any) -> Forest:
    return cast(Forest, _with_sampler("forest", Forest, RunSampler, settings))


_WITH_SAMPLER = ("dax_v4", "dax_v5", "forest")
"""Sections in which settings of the sampler stand beside the method's own."""


@dataclasses.dataclass(frozen=True)
class MethodSettings:
    """What the methods of one run share, and what each is given beyond its defaults.

    The sections hold the parts themselves; what the run sets in them stays at its default. In a
    configuration they are keys and values.

    Args:
        queries: black-box evaluations that each perturbation method may ask.
        batch_size: inputs made at once, or "auto" (see `fit_batch`).
        fill: what stands where a part is masked off (see `FILLS`); "auto" goes by the model (see
            `resolved`).
        segmenter: cuts the segments that LIME, KernelSHAP, DAX V1 and V2 share; in a configuration
            `kind` (quick_shift where it is not named) and its arguments (see `make_segmenter`).
        dax: V1 and V2, apart from loss, sampler and seed; Base1 and Base2 train their student by
            the same, apart from `polarity`, which they have not.
        dax_authors: DAX as its authors run it, apart from sampler and seed.
        dax_v4: DAX V4, apart from filters and seed; of its sampler `grids` and `keep` count, which
            in a configuration stand beside its own.
        dax_v5: DAX V5, likewise.
        lime: LIME, apart from its sampler.
        rise: RISE's sampler: `cells`, `keep`, `antithetic`.
        occlusion: its window; its stride is what the queries allow.
        forest: the random forest, apart from its seed; of its sampler `duration`, `runs` and
            `shares` count, which in a configuration stand beside its own.
        hsic: HSIC's sampler: `cells`.
        sobol: the sampler of the Sobol indices: `cells`.
        freq_rise: FreqRISE's sampler: `cells`, `keep`, `window`.
        smooth_grad: SmoothGrad, apart from its seed.
        integrated_gradients: integrated gradients, apart from fill and seed.
        expected_gradients: expected gradients, apart from its seed; it has fills of its own.
        grad_cam: Grad-CAM, guided Grad-CAM and Grad-CAM++, for instance the name of the `layer`.

    Raises:
        ValueError: when the number of queries is too small, or a part holds what the run sets.
        TypeError: when it is no whole number, or a part is none.

    Example:
        >>> MethodSettings(lime=Lime(ridge=0.1)).as_dict()["lime"]
        {'ridge': 0.1}
    """

    queries: int = 1000
    batch_size: BatchSize = "auto"
    fill: Literal["auto", Fill] = "auto"
    segmenter: Segmenter = section_of(_make_segmenter)
    dax: Dax = section_of(Dax, "loss", "sampler", "seed")
    dax_authors: DaxAsAuthors = section_of(DaxAsAuthors, "sampler", "seed")
    dax_v4: DaxV4 = section_of(_make_dax_v4, "filters", "seed")
    dax_v5: DaxV5 = section_of(_make_dax_v5, "filters", "seed")
    lime: Lime = section_of(Lime, "sampler")
    rise: GridSampler = section_of(GridSampler, *_ASKING)
    occlusion: Occlusion = section_of(Occlusion, "stride", "fill", "batch_size", "seed")
    forest: Forest = section_of(_make_forest, "seed")
    hsic: QuasiRandomSampler = section_of(QuasiRandomSampler, *_ASKING)
    sobol: ReplicatedSampler = section_of(ReplicatedSampler, *_ASKING)
    freq_rise: StftGridSampler = section_of(StftGridSampler, "n_samples", "batch_size", "seed")
    smooth_grad: SmoothGrad = section_of(SmoothGrad, "seed")
    integrated_gradients: IntegratedGradients = section_of(IntegratedGradients, "fill", "seed")
    expected_gradients: ExpectedGradients = section_of(ExpectedGradients, "seed")
    grad_cam: GradCam = section_of(GradCam)

    def __post_init__(self) -> None:
        check_whole(self.queries, "queries")
        if self.queries < 10:
            raise ValueError(f"queries must be at least 10, got {self.queries}")
        check_batch_size(self.batch_size)
        check_fill(self.fill, ("auto", *FILLS))
        for section, (constructor, set_by_run) in sections_in(self).items():
            part, default = getattr(self, section), constructor()
            if isinstance(part, Mapping):
                raise TypeError(
                    f"{section} must be a part such as {type(default).__name__}(...), got keys and "
                    "values; those of a configuration are read by runs.config.build"
                )
            _check_unset(section, part, default, set_by_run)
        for section in _WITH_SAMPLER:
            drawn = getattr(self, section).sampler
            _check_unset(section, drawn, type(drawn)(), _ASKING)

    def resolved(self, masks_sound: bool = False) -> MethodSettings:
        """The same settings with what "auto" means for a model.

        Args:
            masks_sound: it hears masked sound. Then the fill is "floor", so that removal adds no
                energy; a model that takes spectrograms gets their "global_mean", as ever.

        Example:
            >>> MethodSettings().resolved().fill, MethodSettings(fill="quiet").resolved(True).fill
            ('global_mean', 'quiet')
        """
        if self.fill != "auto":
            return self
        return dataclasses.replace(self, fill="floor" if masks_sound else "global_mean")

    def as_dict(self) -> dict[str, Any]:
        """As a configuration has them: of each section what is not at its default."""
        return {
            field.name: _plain(getattr(self, field.name), field.name)
            for field in dataclasses.fields(self)
        }


def read_stored_settings(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What `MethodSettings.as_dict` gave once, as it gives it today.

    Raises:
        ValueError: when they were of a version whose settings are no more.

    Example:
        >>> read_stored_settings({"queries": 60, "rise": {"cells": [4, 12]}})["rise"]
        {}
    """
    names = {"quick_shift": "segmenter"}  # as it was called
    known = {names.get(name, name): value for name, value in stored.items()}
    known.setdefault("fill", "global_mean")  # what stood there before it could be chosen
    return build(MethodSettings, "explain", known).as_dict()


def _check_unset(section: str, part: Any, default: Any, names: Sequence[str]) -> None:
    for name in names:
        if getattr(part, name) != getattr(default, name):
            raise ValueError(f"{name} of {section!r} is set by the run; leave it out")


def _plain(part: Any, section: str) -> Any:
    if section == "segmenter" and not isinstance(part, QuickShift):
        kinds = [kind for kind, made in SEGMENTERS.items() if made is type(part)]
        if not kinds:
            return {"kind": repr(part)}
        # not against what is made without arguments: `TimeBands` needs one
        fields = {field.name: field.default for field in dataclasses.fields(part)}
        own = {name: getattr(part, name) for name in fields}
        changed = {name: value for name, value in own.items() if value != fields[name]}
        return {"kind": kinds[0], **changed}
    if section in _WITH_SAMPLER:
        own = _changes(dataclasses.replace(part, sampler=type(part)().sampler))
        return {**own, **_changes(part.sampler)}
    return _changes(part) if dataclasses.is_dataclass(part) else part


def _changes(part: Any) -> dict[str, Any]:
    """Fields that are not at their default, as plain values."""
    mine, default = describe(part), describe(type(part)())
    return {name: value for name, value in mine.items() if value != default[name]}


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

    @property
    def fill(self) -> Fill:
        """What stands where a part is masked off; the run knows what "auto" is."""
        return cast(Fill, self.settings.fill)

    def segments(self, sampling: Literal["bernoulli", "shapley"] = "bernoulli") -> SegmentSampler:
        """Draws segments."""
        asked = self._asked("segments")
        return SegmentSampler(segmenter=self.settings.segmenter, sampling=sampling, **asked)

    def segments_by_mean(self) -> SegmentSampler:
        """Draws segments that become their mean, whatever the fill."""
        return dataclasses.replace(self.segments(), fill="segment_mean")

    def grid(self) -> GridSampler:
        """Draws grids of one resolution."""
        return dataclasses.replace(self.settings.rise, **self._asked("grid"))

    def grids(self, section: DaxV4 | DaxV5) -> MultiGridSampler | GridSampler:
        """Draws grids of several resolutions, as a section of the settings has them."""
        return dataclasses.replace(section.sampler, **self._asked("grids"))

    def runs(self) -> RunSampler | SegmentSampler:
        """Draws runs of segments of time."""
        return dataclasses.replace(self.settings.forest.sampler, **self._asked("runs"))

    def cells(self) -> QuasiRandomSampler:
        """Draws cells that are kept or not, in even combinations."""
        return dataclasses.replace(self.settings.hsic, **self._asked("cells"))

    def replicated_cells(self) -> ReplicatedSampler:
        """Draws cells that are kept by any part, and changes one at a time."""
        return dataclasses.replace(self.settings.sobol, **self._asked("replicated cells"))

    def grid_of_sound(self) -> StftGridSampler:
        """Draws grids on the transform of the sound."""
        asked = self._asked("transform")
        del asked["fill"]  # what is masked off is silent
        return dataclasses.replace(self.settings.freq_rise, **asked)

    def windows(self) -> Occlusion:
        """Occlusion with as fine a stride as the queries allow."""
        asked = self._asked(self.method)
        n_queries = asked.pop("n_samples")
        bins, frames = self.spectrogram.values.shape
        return dataclasses.replace(self.settings.occlusion, **asked).within(
            n_queries, (bins, frames)
        )

    def _asked(self, kind: str) -> dict[str, Any]:
        return {
            "n_samples": self.settings.queries,
            "fill": self.fill,
            "batch_size": self.settings.batch_size,
            "seed": self._seed_of(kind),
        }

    def _seed_of(self, name: str) -> int:
        return derive_seed(self.seed, self.spectrogram.recording_id, name)
