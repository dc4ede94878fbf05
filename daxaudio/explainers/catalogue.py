"""The methods by the names that tables and commands use: one row a method.

To add a method: its file, and its row here. Commands, tables, pictures, verdicts and the
documentation read the rows; nothing else lists methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from daxaudio.containers import Event, Explainer, Spectrogram
from daxaudio.explainers.dax.explained_student import ExplainStudent, SamplingExplainer
from daxaudio.explainers.dax.joint import Counterfactual, Dax, SparseMatching
from daxaudio.explainers.grad_cam import GradCamPlusPlus, GuidedGradCam
from daxaudio.explainers.gradient import (
    Gradient,
    InputXGradient,
)
from daxaudio.explainers.kernel_shap import KernelShap
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.method import Method
from daxaudio.explainers.references import AllOnes, Energy, OnsetStrength, Oracle, RandomMask
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.settings import Making, MethodSettings
from daxaudio.perturbation.fills import fill_of_picture
from daxaudio.runs.config import keys_of
from daxaudio.runs.kinds import as_listed

DEFAULT_METHOD = "dax_v4"


def _dax(made: Making, loss: SparseMatching | Counterfactual) -> Dax:
    own = made.settings.dax
    return replace(own, loss=loss, sampler=made.segments(), seed=made.own_seed)


def _lime(made: Making) -> Lime:
    return replace(made.settings.lime, sampler=made.segments())


def _rise(made: Making) -> Rise:
    return Rise(made.grid())


def _explain_student(
    made: Making, explain: Callable[[Making], SamplingExplainer]
) -> ExplainStudent:
    """Base1 or Base2 by the settings of DAX; theirs is no mask with a sign to check.

    The student is asked about spectrograms, whatever the classifier hears.
    """
    fill = fill_of_picture(made.fill)
    inner = explain(replace(made, settings=replace(made.settings, fill=fill)))
    dax = made.settings.dax
    training = {name: getattr(dax, name) for name in keys_of(ExplainStudent) if hasattr(dax, name)}
    own = {**training, "sampler": made.segments(), "seed": made.own_seed}
    return ExplainStudent(inner, made.method, **own)


def _oracle(made: Making) -> Oracle:
    if not made.events:
        name = made.spectrogram.recording_id
        raise ValueError(f"method {made.method!r} needs a true event of recording {name!r}")
    return Oracle(tuple(made.events))


_SEGMENTS = ("queries", "fill", "segmenter")

METHODS = {
    row.name: row
    for row in (
        Method(
            "dax_v1",
            "mask net and student trained together, small masks (paper, V1)",
            lambda made: _dax(made, SparseMatching()),
            (*_SEGMENTS, "dax"),
            queries="Q + 2",
            perturbs="segments",
            learned=True,
            trains=True,
            draws=True,
        ),
        Method(
            "dax_v2",
            "mask net and student trained together, counterfactual (paper, V2)",
            lambda made: _dax(made, Counterfactual()),
            (*_SEGMENTS, "dax"),
            queries="Q + 2",
            perturbs="segments",
            learned=True,
            trains=True,
            draws=True,
        ),
        Method(
            "dax_v4",
            "mask net tied to the salience of a student, all in closed form",
            lambda made: replace(made.settings.dax_v4, sampler=made.grids(), seed=made.own_seed),
            ("queries", "fill", "dax_v4"),
            queries="Q + 4",
            perturbs="grids of several resolutions",
            learned=True,
            draws=True,
            signed=True,
            standard_error=True,
        ),
        Method(
            "base1",
            "student without a mask net, then RISE on the student (paper, Base1)",
            lambda made: _explain_student(made, _rise),
            (*_SEGMENTS, "dax", "rise"),
            queries="Q + 2",
            perturbs="segments",
            trains=True,
            draws=True,
        ),
        Method(
            "base2",
            "student without a mask net, then LIME on the student (paper, Base2)",
            lambda made: _explain_student(made, _lime),
            (*_SEGMENTS, "dax", "lime"),
            queries="Q + 2",
            perturbs="segments",
            trains=True,
            draws=True,
            signed=True,
        ),
        Method(
            "lime",
            "weighted linear regression on segments",
            _lime,
            (*_SEGMENTS, "lime"),
            queries="Q + 2",
            perturbs="segments",
            draws=True,
            signed=True,
        ),
        Method(
            "kernel_shap",
            "Shapley values of segments by weighted regression",
            lambda made: KernelShap(made.segments("shapley")),
            _SEGMENTS,
            queries="Q + 2",
            perturbs="segments, as the Shapley kernel weighs them",
            draws=True,
            signed=True,
        ),
        Method(
            "rise",
            "mean of random smooth grids, weighted by score",
            lambda made: Rise(made.grid()),
            ("queries", "fill", "rise"),
            queries="Q + 2",
            perturbs="grids",
            draws=True,
        ),
        Method(
            "occlusion",
            "drop of the score where a window hides the input",
            Making.windows,
            ("queries", "fill", "occlusion"),
            queries="at most Q + 2",
            perturbs="windows",
            signed=True,
        ),
        Method(
            "gradient",
            "absolute gradient of the class's logit",
            lambda made: Gradient(),
            gradients="1",
            signed=True,
        ),
        Method(
            "smooth_grad",
            "the same, averaged over noisy copies of the input",
            lambda made: replace(made.settings.smooth_grad, seed=made.own_seed),
            ("smooth_grad",),
            gradients="50",
            draws=True,
            signed=True,
        ),
        Method(
            "integrated_gradients",
            "gradient along the way from the background to the input",
            lambda made: replace(
                made.settings.integrated_gradients,
                fill=made.fill,
                seed=made.own_seed,
            ),
            ("fill", "integrated_gradients"),
            queries="3",
            gradients="50",
            signed=True,
        ),
        Method(
            "input_x_gradient",
            "input above the background, times the gradient",
            lambda made: InputXGradient(fill=made.fill, seed=made.own_seed),
            ("fill",),
            gradients="1",
            signed=True,
        ),
        Method(
            "grad_cam",
            "last convolution's channels, weighted by their mean gradient",
            lambda made: made.settings.grad_cam,
            ("grad_cam",),
            gradients="1",
        ),
        Method(
            "guided_grad_cam",
            "the same, times guided backpropagation",
            lambda made: GuidedGradCam(**vars(made.settings.grad_cam)),
            ("grad_cam",),
            gradients="2",
            signed=True,
        ),
        Method(
            "grad_cam_plus_plus",
            "Grad-CAM with weights for several events",
            lambda made: GradCamPlusPlus(**vars(made.settings.grad_cam)),
            ("grad_cam",),
            gradients="1",
        ),
        Method(
            "random",
            "reference: random values",
            lambda made: RandomMask(made.own_seed),
            draws=True,
            reference="its values are drawn at random and say nothing about the classifier",
            floor=True,
        ),
        Method(
            "energy",
            "reference: the spectrogram itself",
            lambda made: Energy(),
            reference="it shows what is loud, whatever the classifier does with it",
            floor=True,
        ),
        Method(
            "onset_strength",
            "reference: how much louder it becomes, at all frequencies alike",
            lambda made: OnsetStrength(),
            reference="it shows where sounds begin, whatever the classifier does with them",
            floor=True,
        ),
        Method(
            "all_ones",
            "reference: everything is salient",
            lambda made: AllOnes(),
            reference="it marks everything",
        ),
        Method(
            "oracle",
            "reference: the true event",
            _oracle,
            needs_events=True,
            reference="it marks the true events, whether the classifier listens to them or not",
        ),
    )
}
"""The methods by name, in the order of tables."""


def references() -> list[str]:
    """Names of the rows that other methods are compared with.

    Example:
        >>> references()
        ['random', 'energy', 'onset_strength', 'all_ones', 'oracle']
    """
    return [name for name, row in METHODS.items() if row.reference]


def floors() -> list[str]:
    """Names of the references that every method has to beat.

    Example:
        >>> floors()
        ['random', 'energy', 'onset_strength']
    """
    return [name for name, row in METHODS.items() if row.floor]


def learned_masks() -> list[str]:
    """Names of the methods whose mask a network gives.

    Example:
        >>> learned_masks()
        ['dax_v1', 'dax_v2', 'dax_v4']
    """
    return [name for name, row in METHODS.items() if row.learned]


def order_methods(names: Iterable[str]) -> list[str]:
    """Each name once, in the order of tables; unknown ones last, sorted.

    Example:
        >>> order_methods(["zebra", "random", "lime", "ape", "lime"])
        ['lime', 'random', 'ape', 'zebra']
    """
    found = set(names)
    return [name for name in METHODS if name in found] + sorted(found - METHODS.keys())


def check_methods(names: Sequence[str]) -> list[str]:
    """The names, each once, in the order of tables.

    Raises:
        ValueError: when a name is unknown; lists the known ones.
        TypeError: when they are no list.

    Example:
        >>> check_methods(["rise", "lime", "rise"])
        ['lime', 'rise']
    """
    names = as_listed(names, "give a list of methods, such as ['rise', 'lime']")
    for name in names:
        if not isinstance(name, str) or name not in METHODS:
            raise ValueError(f"method {name!r} is unknown; choose from {', '.join(METHODS)}")
    if not names:
        raise ValueError(f"no method named; choose from {', '.join(METHODS)}")
    return order_methods(names)


def check_events(names: Sequence[str], advice: str) -> None:
    """Refuse methods that need true events, where there are none.

    Args:
        names: of methods.
        advice: what to do, for the error.

    Raises:
        ValueError: names the method.
    """
    for name in names:
        if METHODS[name].needs_events:
            raise ValueError(f"method {name!r} needs the true events: {advice}")


def list_methods() -> list[str]:
    """A line for each method, its name and what it does, as the commands' help shows them."""
    return [f"  {name:<22}{row.text}" for name, row in METHODS.items()]


def settings_of(method: str) -> tuple[str, ...]:
    """Fields of `MethodSettings` on which an explanation depends; none of an unknown method."""
    return METHODS[method].settings if method in METHODS else ()


def most_queries(names: Sequence[str], settings: MethodSettings) -> int:
    """Black-box evaluations that explaining one recording by some methods takes at most.

    A few more for each method, such as of the input itself, are left out; methods that perturb
    alike share theirs.

    Example:
        >>> most_queries(["rise", "gradient", "energy"], MethodSettings(queries=500))
        500
    """
    return settings.queries * sum("queries" in settings_of(name) for name in names)


def make_explainer(
    method: str,
    spectrogram: Spectrogram,
    settings: MethodSettings,
    *,
    seed: int = 0,
    events: Sequence[Event] = (),
) -> Explainer:
    """The explainer of one method for one recording.

    Its random draws are seeded by (seed, recording, method); the draws of perturbations by (seed,
    recording) alone, so that the methods that perturb alike can share their queries.

    Args:
        method: one of `METHODS`.
        spectrogram: the recording.
        settings: of the run; the fill "auto" is that of models of spectrograms.
        seed: of the run.
        events: its true events; only the oracle sees them.

    Returns:
        The explainer.

    Raises:
        ValueError: when the method is unknown, a setting does not fit the recording, or the oracle
            has no event.
    """
    check_methods([method])
    made = Making(method, spectrogram, settings.resolved(), seed, events)
    return METHODS[method].build(made)
