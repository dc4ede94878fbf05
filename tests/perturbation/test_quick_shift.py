import pytest
import torch
from skimage.filters import gaussian
from skimage.segmentation import quickshift

from daxaudio.containers import Spectrogram
from daxaudio.perturbation import quick_shift as module
from daxaudio.perturbation.quick_shift import quick_shift
from daxaudio.perturbation.segments import QuickShift


def noise(seed=0, shape=(24, 90)):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def silence_and_a_tone():
    """Digital silence: many equal levels, so that many neighbours are equally near."""
    picture = torch.zeros(24, 90, dtype=torch.float64)
    picture[8:14, 30:50] = 1.0
    return picture


PICTURES = {
    "noise": noise(),
    "coarse levels": (4 * noise(1)).round() / 4,
    "silence and a tone": silence_and_a_tone(),
    "one bin high": noise(2, (1, 60)),
    "one frame": noise(3, (40, 1)),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize(("kernel_size", "max_dist"), [(3.0, 10.0), (1.0, 4.0), (2.5, 30.0)])
@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_segments_are_those_of_scikit_image(picture, kernel_size, max_dist, sigma):
    expected = quickshift(
        picture.numpy()[..., None],
        ratio=40.0,
        kernel_size=kernel_size,
        max_dist=max_dist,
        sigma=sigma,
        convert2lab=False,
        rng=0,
        channel_axis=-1,
    )
    smooth = torch.from_numpy(40.0 * gaussian(picture.numpy(), sigma, mode="reflect"))
    found = quick_shift(smooth, kernel_size, max_dist).unique(return_inverse=True)[1]
    assert torch.equal(found, torch.from_numpy(expected))


def test_stretches_of_a_long_recording_are_cut_nowhere(monkeypatch):
    whole = quick_shift(40 * noise(), 3.0, 10.0)
    monkeypatch.setattr(module, "_MOST_PAIRS", 24 * 19**2 * 7)
    assert torch.equal(quick_shift(40 * noise(), 3.0, 10.0), whole)


def test_segments_on_an_accelerator_are_those_on_the_processor(accelerator):
    for values in (PICTURES["noise"], PICTURES["silence and a tone"]):
        here = Spectrogram(values.float(), torch.arange(24.0), torch.arange(90.0))
        there = QuickShift()(here.to(accelerator))
        assert there.device.type == "cuda"
        assert torch.equal(there.cpu(), QuickShift()(here))
