"""What stands where a part is masked off: by hand, and what each fill never does."""

from typing import get_args

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.metrics.deletion import perturbation_curves
from daxaudio.metrics.faithfulness import faithfulness_measures
from daxaudio.perturbation.fills import FILLS, Fill, inpaint, make_background, mix_of
from daxaudio.perturbation.query import ask_masked
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid
from daxaudio.perturbation.storage import load_neighbourhood, save_neighbourhood

PICTURE = Spectrogram(
    torch.tensor([[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]]), torch.arange(2.0), torch.arange(3.0)
)
ADDING = [fill for fill, facts in FILLS.items() if facts.adds_energy and not facts.in_sound]
SEGMENTS = torch.tensor([[0, 0, 1], [1, 2, 2]])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noisy_picture(n_bins=12, n_frames=40):
    values = 10 * torch.randn(n_bins, n_frames, generator=seeded()) - 40
    return Spectrogram(values, torch.arange(float(n_bins)), torch.arange(float(n_frames)), "a")


def test_every_fill_has_its_row():
    assert tuple(FILLS) == get_args(Fill)


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ("floor", [[0, 0, 0], [0, 0, 0]]),
        ("quiet", [[0, 0, 0], [6, 6, 6]]),
        ("global_mean", [[5, 5, 5], [5, 5, 5]]),
        ("inpaint", [[5, 5, 5], [5, 5, 5]]),
        ("segment_mean", [[1, 1, 5], [5, 9, 9]]),
    ],
)
def test_background_by_hand(fill, expected):
    assert make_background(PICTURE, fill, SEGMENTS).tolist() == expected


def test_the_quiet_level_is_that_of_a_tenth_of_the_frames():
    values = torch.stack([torch.arange(100.0), torch.arange(100.0).flip(0) - 50])
    picture = Spectrogram(values, torch.arange(2.0), torch.arange(100.0))
    quiet = make_background(picture, "quiet")
    assert quiet.amax(dim=1).tolist() == [9, -41]
    assert (quiet == values).sum(dim=1).tolist() == [10, 10]


@pytest.mark.parametrize("fill", [fill for fill, facts in FILLS.items() if not facts.adds_energy])
def test_what_adds_no_energy_makes_no_bin_louder(fill):
    picture = noisy_picture()
    for sampler in (SegmentSampler(60, Grid(3, 5), fill=fill), MultiGridSampler(60, fill=fill)):
        inputs = sampler.draw(picture).inputs(slice(None))
        assert bool((inputs <= picture.values).all())
        assert float((picture.values - inputs).mean()) > 1


@pytest.mark.parametrize("fill", ADDING)
def test_what_may_add_energy_does_so_somewhere(fill):
    picture = noisy_picture()
    inputs = SegmentSampler(60, Grid(3, 5), fill=fill).draw(picture).inputs(slice(None))
    assert bool((inputs > picture.values + 1).any())


def test_noise_background_has_the_level_of_each_bin():
    levels = torch.tensor([[-80.0], [-20.0]])
    widths = torch.tensor([[1.0], [5.0]])
    values = levels + widths * torch.randn(2, 5000, generator=seeded())
    spectrogram = Spectrogram(values, torch.arange(2.0), torch.arange(5000.0))
    noise = make_background(spectrogram, "noise", seed=3)
    torch.testing.assert_close(noise.mean(dim=1), levels[:, 0], atol=0.3, rtol=0)
    torch.testing.assert_close(noise.std(dim=1), widths[:, 0], atol=0.2, rtol=0)
    assert torch.equal(noise, make_background(spectrogram, "noise", seed=3))
    assert not torch.equal(noise, make_background(spectrogram, "noise", seed=4))


@pytest.mark.parametrize(
    ("fill", "message"),
    [("segment_mean", "needs segments"), ("zero", "fill must be one of floor, quiet, global_mean")],
)
def test_background_that_cannot_be_made_is_refused(fill, message):
    with pytest.raises(ValueError, match=message):
        make_background(PICTURE, fill)


# inpainting


def random_masks(n=6, n_bins=13, n_frames=37):
    return (torch.rand(n, n_bins, n_frames, generator=seeded(1)) > 0.5).float()


def test_what_is_kept_stays_and_what_is_masked_off_does_not_show_through():
    masks = random_masks()
    values, others = torch.randn(2, 13, 37, generator=seeded()).unbind()
    filled = inpaint(torch.zeros(13, 37), values, masks)
    assert torch.equal(filled[masks == 1], values.expand_as(masks)[masks == 1])
    # the values of one mask's hidden bins alone are changed
    changed = torch.where(masks[0] == 1, values, 5 + others)
    again = inpaint(torch.zeros(13, 37), changed, masks[:1])
    torch.testing.assert_close(again, filled[:1], atol=1e-5, rtol=0)


def test_a_gap_is_filled_from_its_own_surroundings():
    values = torch.cat([torch.full((8, 40), -60.0), torch.full((8, 40), -20.0)], dim=1)
    masks = torch.ones(2, 8, 80)
    masks[0, 2:6, 10:20], masks[1, :, 55:70] = 0, 0
    first, second = inpaint(torch.full((8, 80), -99.0), values, masks)
    torch.testing.assert_close(first, values, atol=0.5, rtol=0)
    torch.testing.assert_close(second[:, 58:67], values[:, 58:67], atol=3.0, rtol=0)


def test_a_gap_between_two_levels_goes_from_one_to_the_other():
    values = torch.linspace(-60, -20, 64).expand(4, 64).clone()
    masks = torch.ones(1, 4, 64)
    masks[0, :, 16:48] = 0
    row = inpaint(torch.zeros(4, 64), values, masks)[0, 0]
    assert bool((row.diff() > -0.5).all())
    assert float((row - values[0]).abs().max()) < 10


def test_nothing_kept_leaves_the_background_and_half_kept_gives_nothing():
    background, values = torch.randn(2, 5, 9, generator=seeded()).unbind()
    filled = inpaint(background, values, torch.stack([torch.zeros(5, 9), torch.full((5, 9), 0.5)]))
    torch.testing.assert_close(filled[0], background)
    torch.testing.assert_close(filled[1], (background + values) / 2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (3, 64), (64, 101)])
def test_each_input_is_drawn_from_its_own_mask_alone(shape):
    masks = (torch.rand(5, *shape, generator=seeded()) > 0.5).float()
    values = torch.randn(shape, generator=seeded(2))
    together = inpaint(values * 0, values, masks)
    alone = torch.cat([inpaint(values * 0, values, mask[None]) for mask in masks])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("sampler", [SegmentSampler(8, Grid(2, 3)), GridSampler(8, (2, 3))])
@pytest.mark.parametrize("fill", ["inpaint", "quiet"])
def test_stored_neighbourhoods_make_the_same_inputs(sampler, fill, tmp_path):
    own = type(sampler)(**{**vars(sampler), "fill": fill})
    drawn = own.draw(noisy_picture())
    save_neighbourhood(drawn, tmp_path / "a")
    again = load_neighbourhood(tmp_path / "a")
    assert torch.equal(again.inputs(slice(None)), drawn.inputs(slice(None)))


def test_whatever_masks_an_input_draws_it_from_what_is_kept():
    picture = noisy_picture()
    values, background = picture.values, make_background(picture, "inpaint")
    mask = torch.zeros(12, 40)
    mask[:, 10:20] = torch.linspace(0.9, 1, 120).view(12, 10)
    seen = []

    def score_fn(inputs):
        seen.append(inputs.clone())
        return torch.zeros(len(inputs))

    def probabilities(inputs):
        seen.append(inputs.clone())
        return torch.full((len(inputs), 2), 0.5)

    drawn = SegmentSampler(4, Grid(2, 3), fill="inpaint").draw(picture)
    ask_masked(drawn, 1 - mask[None], score_fn)
    faithfulness_measures(
        mask[None], values, background, probabilities, index=0, mix=mix_of("inpaint")
    )
    torch.testing.assert_close(seen[0][0], seen[1][2])
    seen.clear()
    binary = (mask > 0.95).float()
    for direction in ("deletion", "insertion"):
        perturbation_curves(
            binary[None],
            values,
            background,
            score_fn,
            direction=direction,
            n_steps=round(480 / int(binary.sum())),
            mix=mix_of("inpaint"),
        )
    whole, steps = seen[0], torch.cat(seen[1:2])
    torch.testing.assert_close(whole, torch.stack([values, background]))
    assert not bool((steps == background[0, 0]).any())
