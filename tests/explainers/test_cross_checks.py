"""Ours against other projects' on one input, one set of samples and one black box.

KernelSHAP's checks are in `test_cross_checks_shap.py`.
"""

import numpy as np
import pytest
import torch
from captum.attr import Occlusion as CaptumOcclusion
from conftest import SMALL, Patches, entangled
from lime.lime_image import LimeImageExplainer
from skimage.transform import resize

from daxaudio.containers import Spectrogram
from daxaudio.explainers.kernel_shap import KernelShap
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import Occlusion, WindowMasks
from daxaudio.explainers.rise import Rise
from daxaudio.perturbation.masks import GridMasks, SegmentMasks, cell_size, draw_kept
from daxaudio.perturbation.query import answer, unasked
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def spectrogram_of(values):
    bins, frames = (torch.arange(float(size)) for size in values.shape)
    return Spectrogram(values, bins, frames)


# LIME


class OurRows(np.random.RandomState):
    """Gives lime the samples that we drew; it overwrites the first row with the input itself."""

    def __init__(self, kept):
        super().__init__(0)
        rows = torch.cat([torch.zeros_like(kept[:1]), kept])
        self.drawn = rows.long().numpy().ravel()

    def randint(self, low, high=None, size=None):
        assert (low, high, size) == (0, 2, len(self.drawn))
        return self.drawn.copy()


def lime_of_the_package(spectrogram, perturbation, hide_color, **how):
    def classifier(images):
        return entangled(torch.from_numpy(images[..., 0]).float())[:, None].numpy()

    explained = LimeImageExplainer(random_state=OurRows(perturbation.kept)).explain_instance(
        spectrogram.values.double().numpy(),
        classifier,
        labels=(0,),
        top_labels=None,
        hide_color=hide_color,
        num_samples=len(perturbation) + 1,
        segmentation_fn=lambda image: perturbation.segments.numpy(),
        random_seed=0,
        **how,
    )
    return dict(explained.local_exp[0])


@pytest.mark.parametrize("n_parts", [4, 9])
@pytest.mark.parametrize("fill", ["segment_mean", "global_mean"])
def test_lime_agrees_with_the_image_explainer_of_the_lime_package(small_spectrogram, fill, n_parts):
    drawn = SegmentSampler(300, Patches(n_parts), fill=fill)(small_spectrogram, entangled)
    hide_color = None if fill == "segment_mean" else float(small_spectrogram.values.mean())
    theirs = lime_of_the_package(small_spectrogram, drawn.perturbation, hide_color)
    found = Lime().fit(drawn).attribution
    expected = np.vectorize(theirs.__getitem__)(drawn.perturbation.segments.numpy())
    assert np.ptp(expected) > 0.02
    # Both regress in float64, but scores and coefficients are rounded to float32 with us, and a
    # segment's mean is summed in another order. A ridge of 1.01 in place of 1 would show as 7e-5.
    np.testing.assert_allclose(found, expected, atol=1e-7, rtol=0)


def test_lime_gives_every_segment_a_coefficient_where_the_package_may_choose_some(
    small_spectrogram,
):
    drawn = SegmentSampler(300, Patches(9), fill="segment_mean")(small_spectrogram, entangled)
    theirs = lime_of_the_package(small_spectrogram, drawn.perturbation, None, num_features=3)
    found = Lime().fit(drawn).attribution
    assert len(theirs) == 3
    assert len(found.unique()) == 9


# occlusion


def captum_occlusion(spectrogram, window, stride, baseline, score_fn=entangled):
    found = CaptumOcclusion(score_fn).attribute(
        spectrogram.values[None],
        sliding_window_shapes=window,
        strides=stride,
        baselines=baseline,
    )
    return found[0].float()


@pytest.mark.parametrize(
    ("window", "stride"),
    [((4, 5), (4, 5)), ((4, 5), (2, 3)), ((6, 20), (1, 1)), ((1, 4), (1, 4)), ((12, 20), (1, 1))],
)
@pytest.mark.parametrize("fill", ["floor", "global_mean"])
def test_occlusion_equals_captum_where_the_stride_ends_at_the_edge(
    small_spectrogram, fill, window, stride
):
    values = small_spectrogram.values
    baseline = float(values.min() if fill == "floor" else values.mean())
    ours = Occlusion(window, stride, fill)(small_spectrogram, entangled).attribution
    theirs = captum_occlusion(small_spectrogram, window, stride, baseline)
    assert theirs.abs().max() > 0.01
    # The windows are the same to the bit; scores are rounded to float32 once with us.
    torch.testing.assert_close(ours, theirs, atol=2e-7, rtol=0)


def test_occlusion_keeps_the_last_window_whole_where_captum_cuts_it():
    line = spectrogram_of(torch.arange(8.0)[None])
    ours = Occlusion((1, 3), (1, 2), "floor")(line, lambda inputs: inputs.sum(dim=(1, 2)))
    theirs = captum_occlusion(line, (1, 3), (1, 2), 0.0, lambda inputs: inputs.sum(dim=(1, 2)))
    # Levels 0 to 7, their sum is the score. Windows:  012   234   456  and then
    # ours 567, which drops the score by 18; captum's   67, which drops it by 13.
    assert ours.attribution.tolist() == [[3, 3, 6, 9, 12, 16.5, 16.5, 18]]
    assert theirs.tolist() == [[3, 3, 6, 9, 12, 15, 14, 13]]


# RISE


def petsiuk(masks, scores, keep):
    """Their saliency: scores times masks, over N and the probability of keeping a cell."""
    return np.tensordot(scores.double().numpy(), masks, axes=1) / len(scores) / keep


def draw_grids(spectrogram, n_samples, keep=0.5, score_fn=entangled):
    drawn = GridSampler(n_samples, cells=(3, 5), keep=keep)(spectrogram, score_fn)
    return drawn, drawn.perturbation.masks(slice(None)).double().numpy()


def test_rise_by_hand():
    # Frames 0 1 2 of level 1 on floor 0 and the score a + 2 b c. Keeping frame 0 alone gives 1,
    # frames 1 and 2 give 2, all of them 3, none 0:
    #   frame 0: (1 + 3) / 2     frames 1 and 2: (2 + 3) / 2     times their masks' sums, over N p:
    kept = torch.tensor([[1, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0]]).bool()
    line = spectrogram_of(torch.ones(1, 3))

    def score_fn(inputs):
        a, b, c = inputs[:, 0].T
        return a + 2 * b * c

    masks = SegmentMasks(torch.arange(3)[None], kept)
    drawn = answer(unasked(line, masks, torch.zeros(1, 3)), score_fn)
    assert Rise().fit(drawn).attribution.tolist() == [[2.0, 2.5, 2.5]]
    found = petsiuk(masks.masks(slice(None)).numpy(), drawn.scores, 0.5)
    assert found.tolist() == [[2.0, 2.5, 2.5]]


@pytest.mark.parametrize("keep", [0.1, 0.5])
def test_rise_is_petsiuks_saliency_over_how_much_chance_kept_a_pixel(small_spectrogram, keep):
    drawn, masks = draw_grids(small_spectrogram, 300, keep)
    luck = masks.mean(axis=0) / keep
    expected = petsiuk(masks, drawn.scores, keep) / luck
    assert np.ptp(luck) > 0.1
    # Batches of 128 products are summed in float32 with us.
    np.testing.assert_allclose(Rise().fit(drawn).attribution, expected, atol=2e-7, rtol=0)


def test_rise_tends_to_petsiuks_saliency_with_the_number_of_samples(small_spectrogram):
    apart = []
    for n_samples in (100, 20_000):
        drawn, masks = draw_grids(small_spectrogram, n_samples)
        theirs = petsiuk(masks, drawn.scores, 0.5)
        apart.append(np.abs(Rise().fit(drawn).attribution.numpy() - theirs).max())
    # They differ by the mean of a pixel's mask over p, whose deviation is at most
    # 1/2 / sqrt(N) / p = 0.0071 here; four of them, and scores are below 1.
    assert apart[1] < 4 * 0.0071
    assert apart[1] < apart[0] / 4


def test_rise_of_a_constant_score_is_flat_where_petsiuks_shows_the_masks(small_spectrogram):
    drawn, masks = draw_grids(
        small_spectrogram, 300, score_fn=lambda inputs: inputs.new_full([len(inputs)], 0.8)
    )
    assert Rise().fit(drawn).attribution.unique().tolist() == pytest.approx([0.8])
    assert np.ptp(petsiuk(masks, drawn.scores, 0.5)) > 0.05


def test_grids_are_stretched_as_petsiuk_does_but_flat_beyond_the_outer_cells_centres():
    cells, sizes, n_samples = (3, 5), (4, 4), 40
    assert sizes == tuple(cell_size(size, n) for size, n in zip(SMALL, cells, strict=True))
    shifts = torch.randint(4, (n_samples, 2), generator=seeded(1))
    kept = draw_kept(n_samples, 15, 0.5, seeded())
    ours = GridMasks(SMALL, cells, kept, shifts).masks(slice(None)).numpy()
    inner = np.zeros((16, 24), dtype=bool)
    inner[3:-3, 3:-3] = True  # a stretched cell is 5.3 by 4.8: its centre lies within 3
    for mask, row, (down, along) in zip(ours, kept, shifts, strict=True):
        grid, part = row.view(cells).float().numpy(), np.s_[down : down + 12, along : along + 20]
        flat, theirs = (
            resize(grid, inner.shape, order=1, mode=mode, anti_aliasing=False)[part]
            for mode in ("edge", "reflect")
        )
        # Weights between 0 and 1 in float32.
        np.testing.assert_allclose(mask, flat, atol=1e-6, rtol=0)
        np.testing.assert_allclose(mask[inner[part]], theirs[inner[part]], atol=1e-6, rtol=0)
        assert np.ptp(grid) == 0 or np.abs(mask - theirs).max() > 0.01


# what all four share


WATCHED = [
    Lime(SegmentSampler(300, Patches(9))),
    KernelShap(SegmentSampler(300, Patches(9), sampling="shapley")),
    Rise(GridSampler(300, cells=(3, 5))),
    Occlusion((4, 5), (1, 1)),
]
each = pytest.mark.parametrize("explainer", WATCHED, ids=lambda value: type(value).__name__)


@each
def test_no_score_is_asked_with_gradients(small_spectrogram, explainer):
    modes = []

    def score_fn(inputs):
        modes.append(torch.is_grad_enabled() or inputs.requires_grad)
        return entangled(inputs)

    with torch.enable_grad():
        explainer(small_spectrogram, score_fn)
    assert len(modes) > 2
    assert not any(modes)


@each
def test_masks_in_memory_do_not_grow_with_the_queries(small_spectrogram, explainer, monkeypatch):
    made = []
    for kind in (SegmentMasks, GridMasks, WindowMasks):

        def watched(self, rows, plain=kind.masks):
            masks = plain(self, rows)
            made.append(len(masks))
            return masks

        monkeypatch.setattr(kind, "masks", watched)
    explanation = explainer(small_spectrogram, entangled)
    assert sum(made) >= explanation.n_queries - 2 > 128
    assert max(made) <= 128
