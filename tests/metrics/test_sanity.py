import math

import pytest
import torch
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.references import Energy
from daxaudio.explainers.rise import Rise
from daxaudio.metrics.sanity import (
    SanityCheck,
    Stage,
    complexity_rise,
    randomise_cascade,
    sanity_check,
)
from daxaudio.models.module_score import ModuleScore
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler

N_BINS, N_FRAMES = 24, 60
EVENT, DISTRACTOR = 15, 8


class Small(nn.Module):
    """Two convolutions with batch norm; averages over time, not over frequency."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2, padding=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d((6, 1)),
            nn.Flatten(),
            nn.Linear(96, 2),
        )

    def forward(self, spectrograms):
        return self.layers(((spectrograms + 58) / 8)[:, None])


def draw(labels, random):
    """Noise at -60 dB; class 0 has an event low down, class 1 higher up; a louder distractor on
    top, anywhere in time, tells nothing."""
    values = -60 + 3 * torch.randn(len(labels), N_BINS, N_FRAMES, generator=random)
    for row, label in zip(values, labels.tolist(), strict=True):
        bottom = 12 if label else 4
        start = int(torch.randint(N_FRAMES - EVENT, (1,), generator=random))
        row[bottom : bottom + 4, start : start + EVENT] += 20
        start = int(torch.randint(N_FRAMES - DISTRACTOR, (1,), generator=random))
        row[18:23, start : start + DISTRACTOR] += 35
    return values


@pytest.fixture(scope="module")
def trained():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module, random = Small(), torch.Generator().manual_seed(0)
        optimiser = torch.optim.Adam(module.parameters(), 3e-3)
        for _ in range(60):
            labels = torch.randint(2, (32,), generator=random)
            loss = nn.functional.cross_entropy(module(draw(labels, random)), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    module.eval()
    labels = torch.randint(2, (200,), generator=random)
    with torch.no_grad():
        accuracy = (module(draw(labels, random)).argmax(1) == labels).float().mean()
    assert accuracy > 0.95, "the toy must have learned what its evidence is"
    return module


@pytest.fixture
def clip():
    values = draw(torch.tensor([0]), torch.Generator().manual_seed(5))[0]
    return Spectrogram(values, torch.arange(24.0), 0.02 * torch.arange(60.0), "toy")


def score_fn(module, index):
    def ask(spectrograms):
        with torch.no_grad():
            return module(spectrograms).softmax(dim=1)

    return ModuleScore(module, index, ask)


EXPLAINERS = {
    "dax_v4": DaxV4(MultiGridSampler(300)),
    "rise": Rise(GridSampler(300)),
    "energy": Energy(),
}


def check(name, module, clip, classes=(0,), n_models=32):
    explainer = EXPLAINERS[name]
    return sanity_check(
        lambda other: torch.stack([explainer(clip, score_fn(other, k)).mask for k in classes]),
        module,
        explainer(clip, score_fn(module, 0)).mask,
        n_stages=1,
        n_models=n_models,
    )


@pytest.mark.parametrize("name", ["dax_v4", "rise"])
def test_what_listens_to_the_classifier_passes(name, trained, clip):
    found = check(name, trained, clip)
    assert found.passes
    # single correlations deviate by about 0.55, so that the mean of 32 is sure to about 0.1
    assert abs(found.correlation) < 0.4
    assert found.absolute > abs(found.correlation)
    assert check(name, trained, clip, classes=(0, 1), n_models=1).passes


def test_what_shows_the_recording_alone_fails(trained, clip):
    found = check("energy", trained, clip)
    assert found.correlation == pytest.approx(1)
    assert found.ssim == pytest.approx(1)
    assert not found.passes
    assert not check("energy", trained, clip, classes=(0, 1), n_models=1).passes


def test_a_cascade_compares_at_every_stage(trained, clip):
    rise = EXPLAINERS["rise"]
    mask = rise(clip, score_fn(trained, 0)).mask
    found = sanity_check(lambda module: rise(clip, score_fn(module, 0)).mask, trained, mask)
    assert [stage.name for stage in found.stages] == ["layers.8", "layers.3", "layers.0"]
    assert found.correlation == found.stages[-1].correlation
    assert all(stage.absolute == pytest.approx(abs(stage.correlation)) for stage in found.stages)


def test_masks_that_became_flat_pass_and_are_left_out_of_the_mean():
    mask, net = torch.arange(12.0).view(3, 4), nn.Linear(4, 2)
    flat = sanity_check(lambda module: torch.zeros(3, 4), net, mask)
    assert math.isnan(flat.correlation)
    assert flat.passes
    half = sanity_check(lambda module: torch.stack([torch.zeros(3, 4), mask]), net, mask)
    assert half.correlation == pytest.approx(1)
    assert not half.passes


def test_the_opposite_mask_is_alike_unless_it_cancels():
    mask, net = torch.arange(12.0).view(3, 4), nn.Linear(4, 2)
    assert not sanity_check(lambda module: -mask, net, mask).passes
    both = sanity_check(lambda module: torch.stack([mask, -mask]), net, mask)
    assert both.correlation == pytest.approx(0)
    assert both.absolute == pytest.approx(1)
    assert both.passes


def test_every_value_is_kept_but_moved(trained):
    *_, (_, randomised) = randomise_cascade(trained, seed=3)
    before, after = trained.state_dict(), randomised.state_dict()
    for name in before:
        torch.testing.assert_close(
            before[name].flatten().sort().values, after[name].flatten().sort().values
        )
        if before[name].unique().numel() > 2:
            assert not torch.equal(before[name], after[name]), name


def test_channels_of_batch_norm_keep_their_four_values_together(trained):
    *_, (_, randomised) = randomise_cascade(trained)

    def channels(norm):
        rows = [norm.weight, norm.bias, norm.running_mean, norm.running_var]
        return sorted(zip(*(row.tolist() for row in rows), strict=True))

    assert channels(trained.layers[1]) == channels(randomised.layers[1])


def test_the_model_and_the_global_random_state_are_untouched():
    module = SpectrogramResNet(3, depth=10, width=8, mean=-40.0, std=15.0).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.get_rng_state()
    copies = list(randomise_cascade(module, seed=1))
    assert torch.equal(torch.get_rng_state(), state)
    assert module.training
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
    for _, randomised in copies:
        assert (randomised.mean, randomised.std) == (-40.0, 15.0)
        assert not torch.equal(randomised.network.fc.weight, module.network.fc.weight)


def test_stages_go_from_the_output_to_the_input_and_keep_what_is_random():
    module = SpectrogramResNet(3, depth=10, width=8)
    stages = [name.removeprefix("network.") for name, _ in randomise_cascade(module)]
    assert stages == ["fc", "layer4", "layer3", "layer2", "layer1", "conv1"]
    copies = dict(randomise_cascade(module))
    for done, (name, randomised) in enumerate(copies.items(), start=1):
        for place, layer in enumerate(copies, start=1):
            weights = {
                key: value
                for key, value in module.state_dict().items()
                if key.startswith(layer) and "weight" in key and value.ndim > 1
            }
            same = [torch.equal(randomised.state_dict()[key], weights[key]) for key in weights]
            assert not any(same) if place <= done else all(same), (name, layer)


@pytest.mark.parametrize(("n_stages", "ends"), [(1, ["conv1"]), (3, ["layer4", "layer2", "conv1"])])
def test_layers_are_put_together_into_stages(n_stages, ends):
    module = SpectrogramResNet(3, depth=10, width=8)
    stages = list(randomise_cascade(module, n_stages=n_stages))
    assert [name.removeprefix("network.") for name, _ in stages] == ends
    *_, (_, last) = randomise_cascade(module)
    for name, value in stages[-1][1].state_dict().items():
        assert torch.equal(value, last.state_dict()[name])  # the same draws, however grouped
    assert len(list(randomise_cascade(module, n_stages=99))) == 6


def test_the_same_seed_gives_the_same_model_and_another_one_another():
    module = SpectrogramResNet(3, depth=10, width=8)
    first, same, other = (
        next(randomise_cascade(module, seed))[1].network.fc.weight for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def warmed_up_resnet():
    """Batch norm has seen some inputs, as after training."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = SpectrogramResNet(10, depth=18, width=16, mean=-60.0, std=10.0)
        with torch.no_grad():
            for _ in range(30):
                module(-60 + 10 * torch.randn(4, 32, 40))
    return module.eval()


def test_logits_of_a_random_resnet_are_finite_and_spread():
    module = warmed_up_resnet()
    inputs = -60 + 10 * torch.randn(16, 32, 40, generator=torch.Generator().manual_seed(1))
    inputs[:8, 8:16, 10:20] += 30
    for seed in range(3):
        *_, (_, randomised) = randomise_cascade(module, seed, n_stages=1)
        with torch.no_grad():
            logits = randomised(inputs)
        assert float(logits.abs().max()) < 20
        scores = logits.softmax(dim=1)
        # DAX V4 explains nothing where the deviation is below 0.1 % of the score
        assert float((scores.std(dim=0) / scores.amax(dim=0)).min()) > 1e-3


def test_parameters_without_a_layer_of_their_own_are_shuffled_too():
    class Attending(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.arange(6.0))
            self.attention = nn.MultiheadAttention(6, 2)
            self.norm = nn.LayerNorm(6)
            self.out = nn.Linear(6, 2)

    module = Attending()
    stages = list(randomise_cascade(module))
    assert [name for name, _ in stages] == ["out", "attention", "token"]
    assert torch.equal(stages[1][1].token, module.token)
    last = stages[-1][1]
    assert not torch.equal(last.token, module.token)
    assert not torch.equal(last.attention.in_proj_weight, module.attention.in_proj_weight)
    assert not torch.equal(last.attention.out_proj.weight, stages[0][1].attention.out_proj.weight)


def test_bad_input_is_refused():
    net, mask = nn.Linear(4, 2), torch.arange(12.0).view(3, 4)
    with pytest.raises(ValueError, match="n_stages must be at least 1"):
        randomise_cascade(net, n_stages=0)
    with pytest.raises(ValueError, match="no parameters"):
        randomise_cascade(nn.ReLU())
    with pytest.raises(ValueError, match="n_models must be at least 1"):
        sanity_check(lambda module: mask, net, mask, n_models=0)
    with pytest.raises(ValueError, match="flat"):
        sanity_check(lambda module: mask, net, torch.zeros(3, 4))
    with pytest.raises(ValueError, match="one shape"):
        sanity_check(lambda module: mask.T, net, mask)
    with pytest.raises(ValueError, match="at least one stage"):
        SanityCheck(())


@pytest.mark.parametrize(
    ("correlation", "passes"), [(0.49, True), (-0.49, True), (0.5, False), (-0.6, False)]
)
def test_a_quarter_of_the_variance_in_common_is_too_much(correlation, passes):
    assert SanityCheck((Stage("fc", correlation, abs(correlation), 0.0),)).passes is passes


def test_complexity_rises_from_a_map_that_stands_out_to_noise_and_not_where_nothing_changes():
    peak, noise = torch.eye(6), torch.arange(36.0).view(6, 6).sin()
    assert complexity_rise(peak, [noise]) > 1
    assert complexity_rise(noise, [peak]) < 0
    assert complexity_rise(noise, [-2 * noise + 1]) == pytest.approx(0)
    assert complexity_rise(noise, [noise, torch.ones(6, 6)]) == pytest.approx(-0.5)
    assert math.isnan(complexity_rise(torch.ones(6, 6), [noise]))


def test_the_rise_is_that_of_quantus():
    """Value of EfficientMPRT of Quantus 0.6.0, its explanations before and after as below."""
    places = torch.arange(48, dtype=torch.float64).view(6, 8)
    before, after = (0.7 * places).sin() ** 3, (1.3 * places).cos()
    assert complexity_rise(before, [after]) == pytest.approx(-0.1665860471)
