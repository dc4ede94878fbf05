"""Rows of the methods that need nothing of a classifier but its scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.explained_student import ExplainStudent, SamplingExplainer
from daxaudio.explainers.dax.joint import Counterfactual, Dax, SparseMatching
from daxaudio.explainers.dax.named_part import DaxV5
from daxaudio.explainers.freq_rise import FreqRise
from daxaudio.explainers.hsic import Hsic
from daxaudio.explainers.kernel_shap import KernelShap
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.method import Method
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.settings import Making
from daxaudio.explainers.sobol import Sobol
from daxaudio.perturbation.fills import fill_of_picture
from daxaudio.runs.config import keys_of


def _dax(made: Making, loss: SparseMatching | Counterfactual) -> Dax:
    own = made.settings.dax
    return replace(own, loss=loss, sampler=made.segments(), seed=made.own_seed)


def _on_grids(made: Making, section: DaxV4 | DaxV5) -> DaxV4 | DaxV5:
    return replace(section, sampler=made.grids(section), seed=made.own_seed)


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


_SEGMENTS = ("queries", "fill", "segmenter")

BY_QUERIES = (
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
        "dax_authors",
        "V2 as its authors' code has it: masks in blocks, averaged over the first epochs",
        lambda made: replace(
            made.settings.dax_authors, sampler=made.segments_by_mean(), seed=made.own_seed
        ),
        ("queries", "segmenter", "dax_authors"),
        queries="Q + 2",
        perturbs="segments that become their mean",
        learned=True,
        trains=True,
        draws=True,
    ),
    Method(
        "dax_v4",
        "mask net tied to the salience of a student, all in closed form",
        lambda made: _on_grids(made, made.settings.dax_v4),
        ("queries", "fill", "dax_v4"),
        queries="Q + 4",
        perturbs="grids of several resolutions",
        learned=True,
        draws=True,
        signed=True,
        has_form=True,
        standard_error=True,
    ),
    Method(
        "dax_v5",
        "frames and bins that alone keep the class, as the classifier itself confirms",
        lambda made: _on_grids(made, made.settings.dax_v5),
        ("queries", "fill", "dax_v5"),
        queries="at most Q + 14",
        perturbs="such grids, one more fine in frequency",
        learned=True,
        draws=True,
        signed=True,
        has_form=True,
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
        "freq_rise",
        "RISE on the short-time Fourier transform of the sound (of waveforms only)",
        lambda made: FreqRise(made.grid_of_sound()),
        ("queries", "freq_rise"),
        queries="Q + 2",
        perturbs="grids on the sound's transform",
        needs_sound=True,
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
        "forest",
        "importances of a random forest on runs of short segments of time",
        lambda made: replace(made.settings.forest, sampler=made.runs(), seed=made.own_seed),
        ("queries", "fill", "forest"),
        queries="Q + 2",
        perturbs="runs of segments of time",
        draws=True,
    ),
    Method(
        "hsic",
        "how strongly the score depends on a cell (HSIC), for better or worse",
        lambda made: Hsic(made.cells()),
        ("queries", "fill", "hsic"),
        queries="Q + 2",
        perturbs="cells in even combinations",
        draws=True,
    ),
    Method(
        "sobol",
        "share of the score's variance in which a cell has a part (Sobol)",
        lambda made: Sobol(made.replicated_cells()),
        ("queries", "fill", "sobol"),
        queries="at most Q + 2",
        perturbs="cells, one changed at a time",
        draws=True,
    ),
)
"""In the order of tables."""
