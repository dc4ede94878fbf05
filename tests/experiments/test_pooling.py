import dataclasses

import pytest
import torch
from torch import nn

from daxaudio.containers import Events, Spectrogram
from daxaudio.experiments.explain import Heard
from daxaudio.experiments.explaining_run import ExplainingRun
from daxaudio.experiments.folder import explain_folder
from daxaudio.experiments.pooling import (
    MOST_RECORDINGS,
    POOLED_QUERIES,
    prepare,
    recordings_together,
)
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import load_explanation
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.perturbation.query import answer, answer_together
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16)


class Bands(nn.Module):
    """Logits are the mean levels of two bands; notes the batches it saw."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.sizes = []

    def forward(self, spectrograms):
        self.sizes.append(len(spectrograms))
        return self.scale * torch.stack([spectrograms[:, :8], spectrograms[:, 8:]], 1).mean((2, 3))


def box_on(device="cpu", module=None):
    return BlackBox(module or Bands(), FRONT_END, ["low", "high"], device=device, precision="fp32")


def spectrogram(name, shape=(16, 30), device="cpu"):
    random = torch.Generator().manual_seed(len(name) + ord(name[0]))
    values = torch.randn(shape, generator=random)
    axes = (torch.arange(float(size)) for size in shape)
    return Spectrogram(values, *axes, name).to(device)


def samplers():
    return GridSampler(30), SegmentSampler(20, Grid(2, 3)), GridSampler(7, cells=(2, 2))


@pytest.mark.parametrize("batch_size", ["auto", 1, 11, 64])
def test_each_gets_the_answers_that_it_gets_alone(batch_size):
    box, names = box_on(), ("a", "b", "c")
    drawn = [one.draw(spectrogram(n)) for n, one in zip(names, samplers(), strict=True)]
    targets, classes = ["high", "low", "high"], [1, 0, 1]
    together = answer_together(drawn, box.probabilities, classes, targets, batch_size=batch_size)
    for one, target, found in zip(drawn, targets, together, strict=True):
        alone = answer(one, box.score_fn(target))
        torch.testing.assert_close(found.scores, alone.scores)
        assert found.original_score == pytest.approx(alone.original_score)
        assert found.background_score == pytest.approx(alone.background_score)
        assert (found.target, found.seed, found.settings) == (target, alone.seed, alone.settings)


def test_batches_are_full():
    box = box_on()
    drawn = [sampler.draw(spectrogram("a")) for sampler in samplers()]
    answer_together(drawn, box.probabilities, [0] * 3, ["low"] * 3, batch_size=25)
    assert box.module.sizes == [25, 25, 13]


def test_wrong_scores_are_refused():
    box = box_on()
    box.module.scale.data.fill_(torch.nan)
    drawn = [GridSampler(5).draw(spectrogram(name)) for name in "ab"]
    with pytest.raises(ValueError, match="NaN"):
        answer_together(drawn, box.probabilities, [0, 0], ["low", "low"])


def test_recordings_of_one_shape_are_asked_about_together():
    box = box_on()
    shapes = {"a": (16, 30), "b": (16, 40), "c": (16, 30)}
    explainers = [Rise(GridSampler(30)), Rise(GridSampler(30)), Rise(GridSampler(8, cells=(2, 2)))]
    found = prepare(box, [(spectrogram(n, s), "high", explainers) for n, s in shapes.items()])
    assert box.n_queries == 3 * (30 + 8 + 4)  # equal samplers ask once
    assert box.module.sizes == [32, 32, 20, 32, 10]  # two recordings of one shape, then the other
    for prepared in found:
        explanation = prepared.shared.share(explainers[0])(prepared.spectrogram, prepared.score_fn)
        alone = explainers[0](prepared.spectrogram, box_on().score_fn("high"))
        torch.testing.assert_close(explanation.attribution, alone.attribution)
        assert explanation.n_queries == 32
    assert box.n_queries == 3 * (30 + 8 + 4)


def test_what_cannot_be_drawn_is_left_to_the_explainer():
    box = box_on()
    too_short = spectrogram("a", (16, 3))
    (prepared,) = prepare(box, [(too_short, "low", [Rise(GridSampler(30))])])
    assert prepared.shared.answered == {}
    with pytest.raises(ValueError, match="finer than the spectrogram"):
        prepared.shared.share(Rise(GridSampler(30)))(too_short, prepared.score_fn)


def test_on_a_processor_each_recording_is_alone():
    assert recordings_together(10, on_accelerator=False) == 1


def test_on_an_accelerator_so_many_that_a_batch_is_full():
    assert recordings_together(POOLED_QUERIES, on_accelerator=True) == 1
    assert recordings_together(POOLED_QUERIES // 4, on_accelerator=True) == 4
    assert recordings_together(10, on_accelerator=True) == MOST_RECORDINGS


@pytest.fixture
def run_on(monkeypatch):
    """A black box and a folder of recordings that are made up."""

    def make(device):
        def hear(self, name):
            heard = spectrogram(name, device=device)
            return Heard(
                self.black_box, heard, None, {**self.facts, "input": "", "events": []}, Events()
            )

        monkeypatch.setattr(ExplainingRun, "hear", hear)

        @dataclasses.dataclass
        class Data:
            text: dict
            ids: tuple = ()

        return box_on(device), Data(dict.fromkeys(("a", "bb", "ccc"), "high"))

    return make


def test_a_folder_gives_the_same_together_and_alone(run_on, accelerator, tmp_path):
    box, data = run_on(accelerator)
    settings = MethodSettings(queries=20, rise=GridSampler(cells=(2, 3)))
    methods = ["rise", "dax_v4", "random"]
    explain_folder(
        box, data, methods, tmp_path / "all", recording_ids=list(data.text), settings=settings
    )
    assert box.module.sizes[:3] == [64, 64, 4]  # passes begin at 64
    for name in data.text:
        explain_folder(
            box, data, methods, tmp_path / "one", recording_ids=[name], settings=settings
        )
        for method in methods:
            together, alone = (
                load_explanation(tmp_path / part / method / name) for part in ("all", "one")
            )
            torch.testing.assert_close(together.attribution, alone.attribution, atol=1e-5, rtol=0)
            assert together.n_queries == alone.n_queries
