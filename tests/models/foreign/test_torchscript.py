"""TorchScript files run where code is allowed, begin anew for every batch, or say what is wrong."""

import warnings
import zipfile
from typing import Optional

import pytest
import torch
from torch import Tensor, nn

from daxaudio.models.foreign.network import Argument, Network
from daxaudio.models.foreign.runner import Opening
from daxaudio.models.foreign.torchscript import open_torchscript

RATE = 8000


class Loudness(nn.Module):
    def forward(self, x: Tensor):
        level = x.abs().mean(dim=1, keepdim=True)
        return torch.cat([level, 1 - level], dim=1)


class Streaming(nn.Module):
    """The mean of all chunks so far; keeps them inside."""

    def __init__(self):
        super().__init__()
        self.total = torch.zeros(1)
        self.n = 0

    @torch.jit.export
    def reset_states(self):
        self.total = torch.zeros(1)
        self.n = 0

    def forward(self, x: Tensor, sr: int):
        assert sr == 8000
        assert x.shape[1] == 100
        self.total = self.total + x.mean(dim=1)
        self.n += 1
        return self.total[:, None] / self.n


class Handed(nn.Module):
    """The same, with its state handed in and out; hears 10 samples of the chunk before."""

    def forward(self, x: Tensor, gain: float, h: Optional[Tensor] = None):  # noqa: UP045
        assert x.shape[1] == 110
        state = torch.zeros(2, x.shape[0]) if h is None else h
        state = torch.stack([state[0] + x[:, 10:].mean(dim=1), state[1] + 1])
        return gain * (state[0] / state[1])[:, None], x[:, :10].mean(dim=1), state


class OneAtATime(nn.Module):
    def forward(self, x: Tensor):
        return x.reshape(1, 800).mean(dim=1, keepdim=True)


@pytest.fixture
def scripted(tmp_path):
    def save(module):
        path = tmp_path / "network.pt"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.jit.save(torch.jit.script(module), path)
        return path

    return save


def opened(path, **told):
    return open_torchscript(path, Opening(told=told, allow_code=True))


def sounds(n=3, n_samples=800):
    return torch.randn(n, n_samples, generator=torch.Generator().manual_seed(0))


def test_answers_are_those_of_the_module(scripted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runner = opened(scripted(Loudness()))
    assert torch.equal(runner(sounds()), Loudness()(sounds()))


def test_code_runs_only_where_it_is_allowed(scripted):
    with pytest.raises(ValueError, match=r"holds code.*whatever you can.*--allow_code$"):
        open_torchscript(scripted(Loudness()), Opening())


def test_a_streaming_network_begins_anew_for_every_batch(scripted):
    runner = opened(scripted(Streaming()), chunk=100, sample_rate=RATE)
    first = runner(sounds())
    chunks = sounds().unflatten(1, (8, 100)).mean(dim=2)
    expected = chunks.cumsum(dim=1) / torch.arange(1, 9)
    assert torch.allclose(first, expected[..., None], atol=1e-6)
    assert torch.equal(runner(sounds()), first)
    assert torch.allclose(runner(sounds()[1:2]), first[1:2], atol=1e-6)
    assert runner.described["reset"] == "reset_states"
    assert runner.described["frame_hop"] == 100 / RATE


def test_a_state_that_is_handed_on_begins_as_zeros(scripted):
    told = {"chunk": 100, "context": 10, "state": {"h": "2"}, "output_name": "0"}
    runner = opened(scripted(Handed()), inputs={"gain": 2}, **told)
    chunks = sounds().unflatten(1, (8, 100)).mean(dim=2)
    expected = 2 * chunks.cumsum(dim=1) / torch.arange(1, 9)
    assert torch.allclose(runner(sounds())[..., 0], expected, atol=1e-6)
    shaped = opened(scripted(Handed()), inputs={"gain": 2}, state_shapes={"h": [2, -1]}, **told)
    assert torch.equal(shaped(sounds()), runner(sounds()))


def test_the_context_is_the_end_of_the_chunk_before(scripted):
    told = {"chunk": 100, "context": 10, "state": {"h": "2"}, "output_name": "1"}
    heard = opened(scripted(Handed()), inputs={"gain": 2}, **told)(sounds())[..., 0]
    before = sounds().unflatten(1, (8, 100))[:, :-1, 90:].mean(dim=2)
    assert torch.allclose(heard[:, 1:], before)
    assert torch.equal(heard[:, 0], torch.zeros(3))


def test_the_last_chunk_is_filled_up_with_zeros(scripted):
    runner = opened(scripted(Streaming()), chunk=100, sample_rate=RATE)
    filled = torch.cat([sounds()[:, :730], torch.zeros(3, 70)], dim=1)
    assert torch.equal(runner(sounds()[:, :730]), runner(filled))


@pytest.mark.parametrize(("told", "expected"), [({"threads": 2}, 2), ({"chunk": 100}, 1), ({}, 3)])
def test_threads_are_as_told_and_as_before_afterwards(told, expected):
    seen = []

    def network(arguments):
        seen.append(torch.get_num_threads())
        return arguments["x"].mean(dim=1)

    before, device = torch.get_num_threads(), torch.device("cpu")
    torch.set_num_threads(3)
    try:
        Network(network, [Argument("x")], told, device=device, source="x.pt")(sounds())
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {expected}


@pytest.mark.parametrize(
    ("module", "told", "line"),
    [
        (Handed(), {}, r"it takes gain, too; write the values.*inputs: \{gain: 16000\}"),
        (Handed(), {"inputs": {"gain": "loud"}}, "gain takes a float, got 'loud'"),
        (Handed(), {"inputs": {"volume": 1}}, "has no input 'volume'; it takes x, gain, h"),
        (Handed(), {"inputs": {"gain": 1}, "state": {"h": "2"}}, "in chunks; write.*chunk: 512"),
        (Handed(), {"input_name": "gain"}, "input_name must be one of x, h inputs, got 'gain'"),
        (Loudness(), {"reset": "reset"}, "it has no method 'reset' without arguments"),
        (Loudness(), {"chunk": 9, "input": "spectrogram"}, "chunk goes with networks of waveforms"),
    ],
)
def test_what_does_not_fit_the_network_is_one_line(module, told, line, scripted):
    with pytest.raises(ValueError, match=line) as found:
        opened(scripted(module), **told)
    assert "\n" not in str(found.value)


def test_a_state_whose_shape_is_unknown_is_asked_for(scripted):
    class Needed(nn.Module):
        def forward(self, x: Tensor, h: Tensor):
            return x.mean(dim=1), h

    with pytest.raises(ValueError, match=r"state h cannot be read off.*state_shapes: \{h: \["):
        opened(scripted(Needed()), chunk=100, state={"h": "1"})


def test_a_state_that_is_no_output_is_one_line(scripted):
    told = {"chunk": 100, "context": 10, "output_name": "0", "inputs": {"gain": 1}}
    with pytest.raises(ValueError, match=r"state: '3' is none of its outputs \(0, 1, 2\)"):
        opened(scripted(Handed()), state={"h": "3"}, **told)(sounds(1))


def test_a_network_of_one_input_at_a_time_says_what_to_write(scripted):
    runner = opened(scripted(OneAtATime()))
    assert runner(sounds(1)).shape == (1, 1)
    with pytest.raises(ValueError, match=r"fails on .*\(2, 800\).*write batch_size: 1") as found:
        runner(sounds(2))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "content", [{"weight": torch.zeros(2)}, Loudness()], ids=["weights", "module"]
)
def test_weights_alone_are_not_unpickled_but_told_apart(content, tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    with pytest.raises(ValueError, match=r"holds weights alone, or a pickle, no TorchScript; save"):
        open_torchscript(path, Opening(allow_code=True))


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_of_another_kind_is_one_line(content, tmp_path):
    path = tmp_path / "network.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"network.pt: (.*no TorchScript|no such file)") as found:
        open_torchscript(path, Opening(allow_code=True))
    assert "\n" not in str(found.value)


def test_an_archive_of_broken_code_is_one_line(scripted):
    path = scripted(Loudness())
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content.replace(b"torch.abs", b"torch.abz"))
    with pytest.raises(ValueError, match="is no TorchScript file that can be read") as found:
        opened(path)
    assert "\n" not in str(found.value)


def test_another_file_has_another_digest(scripted):
    first = opened(scripted(Loudness())).digest()
    assert opened(scripted(Loudness())).digest() == first
    assert opened(scripted(OneAtATime())).digest() != first


@pytest.mark.parametrize("layout", ["N S", "N 1 S", "N S 1"])
def test_chunks_lie_along_the_samples_in_every_layout(layout):
    sizes = {"N": 2, "1": 1, "S": 800}
    network = Network(
        lambda arguments: arguments["x"].flatten(1).mean(dim=1),
        [Argument("x")],
        {"chunk": 100, "layout": layout},
        device=torch.device("cpu"),
        source="x.pt",
    )
    found = network(sounds()[:2].reshape([sizes[letter] for letter in layout.split()]))
    expected = sounds()[:2].unflatten(1, (8, 100)).mean(dim=2)
    torch.testing.assert_close(found[..., 0], expected)
