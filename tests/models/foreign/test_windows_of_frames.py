"""Models of spectrograms with a fixed number of frames hear longer recordings window by window."""

from types import MappingProxyType

import pytest
import torch
from onnx import TensorProto
from onnx_models import node, save, tensor, value

from daxaudio.containers import Recording
from daxaudio.experiments.explain import explain
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.load import load_model
from daxaudio.models.foreign.model import ForeignModel

RATE, HOP, BINS = 8000, 80, 20
FRONT_END = {"kind": "log_mel", "n_fft": 256, "hop_length": HOP, "n_mels": BINS}
N_FRAMES = 40  # 0.4 s


class Keeps:
    """Answers with what it is asked about, and keeps it."""

    described = MappingProxyType({})

    def __init__(self, answer):
        self.seen, self.answer = [], answer

    def __call__(self, inputs):
        self.seen.append(inputs)
        return self.answer(inputs)

    def digest(self):
        return "keeps"


def loudest(inputs):
    """Of each input `[N, F, T]` the largest value: one number a window."""
    return inputs.amax(dim=(1, 2))[:, None]


def model(runner, **entries):
    told = {"input": "spectrogram", "output": "regression", "front_end": FRONT_END}
    told |= {"seconds": N_FRAMES * HOP / RATE, **entries}
    return ForeignModel(runner, Description(["loud"], RATE, **told))


def spectrograms(n_frames, n=2):
    return torch.randn(n, BINS, n_frames, generator=torch.Generator().manual_seed(0))


def test_each_window_has_as_many_frames_as_the_model_takes():
    runner, asked = Keeps(loudest), spectrograms(100)
    found = model(runner, batch_size=1).outputs(asked)
    assert [tuple(one.shape) for one in runner.seen] == [(1, BINS, N_FRAMES)] * 6
    by_hand = [asked[:, :, start : start + N_FRAMES].amax(dim=(1, 2)) for start in (0, 40, 80)]
    assert torch.equal(found[:, :, 0], torch.stack(by_hand, dim=1))


def test_windows_overlap_as_described():
    runner, asked = Keeps(loudest), spectrograms(80, n=1)
    model(runner, overlap=0.5).outputs(asked)
    (seen,) = runner.seen
    assert torch.equal(seen, asked[0].unfold(1, N_FRAMES, N_FRAMES // 2).transpose(0, 1))


@pytest.mark.parametrize("n_frames", [30, 50])
def test_what_is_lacking_is_the_lowest_value_of_each_spectrogram(n_frames):
    runner, asked = Keeps(loudest), spectrograms(n_frames)
    model(runner).outputs(asked)
    n_windows = 1 + (n_frames > N_FRAMES)
    heard = torch.cat(runner.seen).unflatten(0, (2, n_windows)).transpose(1, 2).flatten(2)
    assert torch.equal(heard[:, :, :n_frames], asked)
    behind = heard[:, :, n_frames:]
    assert torch.equal(behind, asked.amin(dim=(1, 2))[:, None, None].expand_as(behind))


def test_padding_may_repeat_the_recording():
    runner, asked = Keeps(loudest), spectrograms(30)
    model(runner, padding="repeat").outputs(asked)
    assert torch.equal(runner.seen[0], torch.cat([asked, asked], dim=2)[:, :, :N_FRAMES])


@pytest.mark.parametrize("entries", [{}, {"seconds": None}, {"overlap": 0.5, "frames": "max"}])
def test_frames_of_answers_lie_where_those_of_the_spectrogram_do(entries):
    asked = spectrograms(120, n=1)
    each_frame = Keeps(lambda inputs: inputs.mean(dim=1)[:, :, None])
    for frame in (0, 1, 57, 118):
        middle = frame * HOP / RATE
        target = f"loud@{max(0.0, middle - 0.001):.4f}-{middle + 0.001:.4f}"
        score = model(each_frame, **entries).score_fn(target)(asked)
        torch.testing.assert_close(score, asked[:, :, frame].mean(dim=1))


def test_a_target_with_times_is_the_window_that_lies_there():
    asked = spectrograms(100)
    by_hand = asked[:, :, 40:80].amax(dim=(1, 2))
    assert torch.equal(model(Keeps(loudest)).score_fn("loud@0.5-0.7")(asked), by_hand)


@pytest.mark.parametrize("n_frames", [40, 100])
def test_a_target_behind_the_end_is_refused(n_frames):
    score_fn = model(Keeps(loudest)).score_fn("loud@3-4")
    with pytest.raises(ValueError, match=r"begins at 3 s, but the last frame of the model lies"):
        score_fn(spectrograms(n_frames))


def save_patches(path):
    """Takes patches of 40 frames, one at a time; answers with the mean of each."""
    return save(
        path,
        [
            node("ReduceMean", "patch", "mean", axes=[1, 2, 3], keepdims=0),
            node("Unsqueeze", "mean axis", "score"),
        ],
        [value("patch", [1, 1, N_FRAMES, BINS])],
        [value("score", [1, 1])],
        tensors=[tensor("axis", [1], TensorProto.INT64)],
    )


def test_a_file_that_takes_patches_is_explained(tmp_path):
    entries = f"classes: [loud]\nsample_rate: {RATE}\noutput: regression\nfront_end: {FRONT_END}\n"
    path = save_patches(tmp_path / "x.onnx")
    (tmp_path / "x.onnx.yaml").write_text(entries.replace("'", ""))
    opened = load_model(path)
    at = torch.arange(2 * RATE) / RATE
    noise = 1e-3 * torch.randn(len(at), generator=torch.Generator().manual_seed(0))
    tone = torch.sin(2 * torch.pi * 1000 * at) * ((at >= 1.0) & (at < 1.4))
    found = explain(Recording((tone + noise)[None], RATE, "a"), opened, "rise", queries=100)
    assert found.target == "loud"
    assert 0.9 < float(found.spectrogram.times[found.profile.argmax()]) < 1.5
    assert opened.n_windows(2.0) == 6  # 201 frames
