import dataclasses

import pandas as pd
import pytest
import torch

from daxaudio.commands.main import main
from daxaudio.containers import Event, Recording, Spectrogram
from daxaudio.experiments.explain import explain
from daxaudio.experiments.verdict import judge
from daxaudio.explainers.catalogue import (
    METHODS,
    check_methods,
    floors,
    make_explainer,
    order_methods,
    references,
)
from daxaudio.explainers.dax.as_authors import DaxAsAuthors
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.dax.named_part import DaxV5
from daxaudio.explainers.expected_gradients import ExpectedGradients
from daxaudio.explainers.forest import Forest
from daxaudio.explainers.grad_cam import GradCam
from daxaudio.explainers.gradient import IntegratedGradients, SmoothGrad
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.method import Method
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.explainers.references import Oracle
from daxaudio.explainers.settings import MethodSettings
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.perturbation.quasi_random import QuasiRandomSampler, ReplicatedSampler
from daxaudio.perturbation.sampling import GridSampler
from daxaudio.perturbation.segments import QuickShift
from daxaudio.perturbation.stft_grids import StftGridSampler
from daxaudio.report.measures import tabulate_measures
from daxaudio.runs.config import build

PICTURE = Spectrogram(torch.zeros(64, 200), torch.arange(64.0), torch.arange(200.0), "a")

CHANGES = {
    "queries": 400,
    "fill": "floor",
    "segmenter": QuickShift(max_dist=5.0),
    "dax": Dax(epochs=3),
    "dax_authors": DaxAsAuthors(epochs=3),
    "dax_v4": DaxV4(n_splits=2),
    "dax_v5": DaxV5(n_splits=2),
    "lime": Lime(kernel_width=0.5),
    "rise": GridSampler(cells=(3, 9)),
    "occlusion": Occlusion(window=(8, 8)),
    "forest": Forest(n_trees=7),
    "hsic": QuasiRandomSampler(cells=(3, 9)),
    "sobol": ReplicatedSampler(cells=(2, 3)),
    "freq_rise": StftGridSampler(cells=(3, 9)),
    "smooth_grad": SmoothGrad(n_samples=7),
    "integrated_gradients": IntegratedGradients(n_steps=9),
    "expected_gradients": ExpectedGradients(n_samples=7),
    "grad_cam": GradCam(of="probability"),
}


def explainer_of(method, settings):
    return make_explainer(method, PICTURE, settings, events=[Event(0.5, 1.0)])


def test_every_field_of_the_settings_is_tried_but_one_that_changes_no_result():
    fields = {field.name for field in dataclasses.fields(MethodSettings)}
    assert fields - set(CHANGES) == {"batch_size"}


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_depends_on_the_settings_that_are_listed_for_it_and_no_other(method, field):
    changed = dataclasses.replace(MethodSettings(), **{field: CHANGES[field]})
    before, after = (explainer_of(method, settings) for settings in (MethodSettings(), changed))
    assert (repr(before) != repr(after)) == (field in METHODS[method].settings)


def test_names_come_once_and_in_the_order_of_tables():
    assert check_methods(["random", "rise", "rise", "dax_v4"]) == ["dax_v4", "rise", "random"]


def test_unknown_method_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="method 'shap' is unknown; choose from dax_v1"):
        check_methods(["shap"])


def test_grids_of_dax_v4_are_among_its_settings():
    section = {"queries": 60, "dax_v4": {"grids": [[2, 8], [4, 8]], "keep": 0.4}}
    settings = build(MethodSettings, "explain", section)
    explainer = make_explainer("dax_v4", PICTURE, settings)
    assert explainer.sampler.grids == ((2, 8), (4, 8))
    assert (explainer.sampler.keep, explainer.sampler.n_samples) == (0.4, 60)
    with pytest.raises(ValueError, match="grids need one or more"):
        build(MethodSettings, "explain", {"dax_v4": {"grids": [[2, 0]]}})


def test_oracle_needs_an_event():
    with pytest.raises(ValueError, match="'oracle' needs a true event of recording 'a'"):
        make_explainer("oracle", PICTURE, MethodSettings())


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"grad_cam": {"depth": 3}}, "section 'grad_cam'"),
        ({"dax_v4": {"grid": [[2, 8]]}}, "section 'dax_v4'.*'grid'"),
        ({"smooth_grad": {"n_samples": 0}}, "n_samples must be at least 1"),
        ({"queries": 3}, "queries must be at least 10"),
    ],
)
def test_settings_that_do_not_fit_are_refused_at_once(section, message):
    with pytest.raises(ValueError, match=message):
        build(MethodSettings, "explain", section)


def test_methods_stand_in_one_order_each_once_and_unknown_ones_last():
    names = ["zeta", "random", "alpha", "lime", "lime"]
    assert order_methods(names) == ["lime", "random", "alpha", "zeta"]


def test_references_are_rows_that_say_what_they_show_instead():
    assert set(floors()) < set(references())
    assert all(METHODS[name].reference for name in references())


class Waveforms:
    """A score of masked spectrograms, and of masked waveforms, by the same classifier."""

    def __init__(self, score_fn, front_end, sound):
        self.score_fn, self.front_end, self.sound = score_fn, front_end, sound

    def __call__(self, spectrograms):
        return self.score_fn(spectrograms)

    def of_sounds(self, waveforms):
        return self.score_fn(torch.stack([self.front_end(one[0]) for one in waveforms]))


@pytest.fixture(scope="module")
def asked():
    """Explanations of one recording by every method from 24 queries, and by other draws."""
    torch.manual_seed(0)
    front_end = LogMel(sample_rate=16000, n_fft=512, hop_length=320, n_mels=16)
    module = SpectrogramResNet(3, depth=10, mean=-40.0, std=15.0, width=8)
    score_fn = BlackBox(module, front_end, ["cat", "dog", "rain"]).score_fn("dog")
    values = torch.randn(16, 40, generator=torch.Generator().manual_seed(0))
    clip = Spectrogram(values, 100.0 * torch.arange(16), 0.02 * torch.arange(40), "clip")
    settings = MethodSettings(
        queries=24,
        segmenter=QuickShift(max_dist=3.0),
        dax=Dax(epochs=1, pool=2),
        dax_authors=DaxAsAuthors(epochs=1, side=32),
        dax_v4=DaxV4(n_splits=2),
        occlusion=Occlusion(window=(8, 8)),
        grad_cam=GradCam(layer="network.layer2.0.conv2"),
    )

    sound = Recording(torch.randn(1, 12800, generator=torch.Generator().manual_seed(1)), 16000)
    heard = Waveforms(score_fn, front_end, sound)

    def explain(method, seed):
        explainer = make_explainer(method, clip, settings, seed=seed, events=[Event(0.1, 0.3)])
        return explainer(clip, heard if METHODS[method].needs_sound else score_fn)

    return {name: (explain(name, 0), explain(name, 1)) for name in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_a_row_says_what_its_explanations_cost(method, asked):
    row, found = METHODS[method], asked[method][0]
    most = row.queries.startswith("at most ")
    formula = row.queries.removeprefix("at most ").replace("Q", "24")
    allowed = sum(map(int, formula.split("+")))
    assert found.n_queries <= allowed if most else found.n_queries == allowed
    assert found.n_gradients == int(row.gradients or 0)
    assert row.needs_module == (found.n_gradients > 0)


@pytest.mark.parametrize("method", METHODS)
def test_a_row_says_whether_its_masks_are_drawn_signed_and_sure(method, asked):
    row, (found, other) = METHODS[method], asked[method]
    # where V4 marks nothing, as rounding may decide here, its draws show in the warning's numbers
    same = torch.equal(found.mask, other.mask) and found.warnings == other.warnings
    assert row.draws == (not same)
    assert row.standard_error == (found.standard_error is not None)
    assert found.method == method
    if row.signed:
        assert found.attribution.min() < 0


@pytest.mark.parametrize("method", METHODS)
def test_methods_that_perturb_the_same_share_their_queries(method):
    def sampler_of(name):
        return getattr(make_explainer(name, PICTURE, MethodSettings()), "sampler", None)

    if METHODS[method].needs_events:
        return
    for other, row in METHODS.items():
        if not row.needs_events and sampler_of(method) and sampler_of(other):
            same = row.perturbs == METHODS[method].perturbs
            assert (sampler_of(method) == sampler_of(other)) == same


def test_a_method_is_added_by_one_row(monkeypatch, tmp_path, capsys):
    row = Method(
        "made_up",
        "marks the first frames",
        lambda made: Oracle((Event(0.0, 3.0),)),
        reference="it marks the first frames",
    )
    monkeypatch.setitem(METHODS, "made_up", row)
    assert check_methods(["made_up", "lime"]) == ["lime", "made_up"]
    assert order_methods(["oracle", "zeta", "made_up"]) == ["oracle", "made_up", "zeta"]
    assert references()[-1] == "made_up"
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    assert "made_up" in capsys.readouterr().out
    found = explain(PICTURE, lambda inputs: inputs[:, 0, 0], "made_up")
    found = dataclasses.replace(found, method="made_up")
    assert found.profile[:4].tolist() == [1, 1, 1, 0]
    verdict = judge(found, lambda inputs: inputs[:, 0, 0], row.build)
    assert "made_up is a reference: it marks the first frames." in [
        finding.sentence for finding in verdict.findings
    ]
    summary = pd.DataFrame([("made_up", "iou", 0.5, 0.1, 9), ("lime", "iou", 0.4, 0.1, 9)])
    summary.columns = ["method", "metric", "mean", "std", "n"]
    table = tabulate_measures(summary, ["iou"], {})
    assert [cells[0] for cells in table.rows] == ["lime", "made_up"]
    assert "**" not in table.rows[1][1]  # never the best: it is a reference
