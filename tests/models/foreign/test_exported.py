"""Files of torch.export say which sizes they take, and run nothing that their maker wrote."""

import io
import json
import logging
import pickle
import warnings
import zipfile

import pytest
import torch
from torch import Tensor, nn

from daxaudio.models.foreign.exported import open_exported
from daxaudio.models.foreign.runner import Opening

RATE = 8000


class Hears(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(1, 4, 9, stride=4)
        self.norm = nn.BatchNorm1d(4)
        self.out = nn.Linear(4, 2)

    def forward(self, x: Tensor):
        window = torch.hann_window(64)
        level = torch.stft(x, 64, 16, window=window, return_complex=True).abs().mean(dim=(1, 2))
        heard = torch.relu(self.norm(self.convolution(x[:, None])))
        with torch.no_grad():
            return self.out(heard.mean(dim=2)) + level[:, None]


class Chunks(nn.Module):
    def forward(self, x: Tensor, *, h: Tensor):
        state = h + x.mean(dim=1, keepdim=True)
        return state, state


N = torch.export.Dim("N", min=1, max=16)
LENGTH = torch.export.Dim("LENGTH", min=200, max=4000)
NETWORK = Hears().eval()


def sounds(n=2, n_samples=800):
    return torch.randn(n, n_samples, generator=torch.Generator().manual_seed(0))


def exported(path, *, shapes=({0: N, 1: LENGTH},), module=NETWORK, kwargs=None):
    program = torch.export.export(module, (sounds(3),), kwargs, dynamic_shapes=shapes)
    torch.export.save(program, path)
    return path


@pytest.fixture(scope="module")
def free(tmp_path_factory):
    """Any batch of up to 16, any length from 200 to 4000."""
    return exported(tmp_path_factory.mktemp("free") / "network.pt2")


@pytest.fixture(scope="module")
def fixed(tmp_path_factory):
    """Three inputs of 800 samples."""
    return exported(tmp_path_factory.mktemp("fixed") / "network.pt2", shapes=None)


def told(**entries):
    return Opening(told={"sample_rate": RATE, **entries})


def test_answers_are_those_of_the_module(free):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        runner = open_exported(free, told())
    for inputs in (sounds(), sounds(16, 1601), sounds(1, 200)):
        assert torch.allclose(runner(inputs), NETWORK(inputs), atol=1e-5)


def test_batch_and_length_are_read_off(free, fixed):
    anything = open_exported(free, told()).described
    assert anything == {"batch_size": 16, "layout": "N S", "sample_rate": RATE}
    one_size = open_exported(fixed, told()).described
    assert (one_size["batch_size"], one_size["seconds"]) == (3, 0.1)


def test_a_batch_that_is_too_small_is_filled_up(fixed):
    answer = open_exported(fixed, told())(sounds())
    assert torch.allclose(answer, NETWORK(sounds()), atol=1e-5)


@pytest.mark.parametrize(
    ("file", "n_samples", "shape"), [("fixed", 801, r"\(3, 800\)"), ("free", 99, "200 to 4000")]
)
def test_another_length_is_one_line(file, n_samples, shape, request):
    runner = open_exported(request.getfixturevalue(file), told())
    with pytest.raises(ValueError, match=rf"exported for inputs of shape .*{shape}.*`seconds`"):
        runner(sounds(3, n_samples))


def test_a_state_is_handed_from_chunk_to_chunk(tmp_path):
    module, h = Chunks(), {"h": torch.zeros(3, 1)}
    shapes = {"x": {0: N}, "h": {0: N}}
    path = exported(tmp_path / "network.pt2", shapes=shapes, module=module, kwargs=h)
    streaming = {"chunk": 800, "state": {"h": "1"}, "output_name": "0"}
    runner = open_exported(path, told(**streaming, state_shapes={"h": [-1, 1]}))
    answer = runner(sounds(2, 2400))[..., 0]
    assert torch.allclose(answer, sounds(2, 2400).unflatten(1, (3, 800)).mean(2).cumsum(1))


class Bomb:
    """A pickle that writes a file when it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def spoilt(source, path, **records):
    """A copy of an archive with other records, as functions of what they held."""
    with zipfile.ZipFile(source) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    root = next(iter(held)).partition("/")[0]
    with zipfile.ZipFile(path, "w") as archive:
        for name in [*held, *(f"{root}/{record}" for record in records)]:
            change = records.get(name.partition("/")[2])
            if name in held or change is not None:
                content = held.get(name, b"")
                if name not in archive.namelist():
                    archive.writestr(name, change(content) if change else content)
    return path


def in_program(change):
    def apply(content):
        program = json.loads(content)
        change(program)
        return json.dumps(program).encode()

    return {"models/model.json": apply}


def code(path):
    return f"__import__('pathlib').Path({str(path)!r}).touch()"


def all_pickled(content):
    config = json.loads(content)
    for entry in config["config"].values():
        entry["use_pickle"] = True
    return json.dumps(config).encode()


def saved(thing):
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def pickled_weights(path):
    bombs = {f"data/weights/weight_{n}": lambda _: saved(Bomb(path)) for n in range(9)}
    return {"data/weights/model_weights_config.json": all_pickled, **bombs}


def rename(program, path):
    """A name of an input that is code, where the source of a function is put together."""
    text = json.dumps(program).replace('"x"', json.dumps(f"x={code(path)}"))
    program.clear()
    program.update(json.loads(text))


def size(program, path):
    text = json.dumps(program)
    symbol = json.dumps(next(iter(program["graph_module"]["graph"]["sym_int_values"].values())))
    inner = json.loads(symbol)["as_expr"]["expr_str"]
    program.update(json.loads(text.replace(json.dumps(inner), json.dumps(code(path)))))


def tree(program, path):
    module = path.with_name("imported_by_a_tree.py")
    module.write_text(f"open({str(path)!r}, 'w')\n")
    call = program["graph_module"]["module_call_graph"][0]["signature"]
    name = {"__enum__": True, "fqn": "imported_by_a_tree:A", "name": "A"}
    context = {"type": "builtins.dict", "context": json.dumps([name]), "children_spec": []}
    call["in_spec"] = json.dumps([1, context])


def node(target):
    def change(program, path):
        program["graph_module"]["graph"]["nodes"][0]["target"] = target

    return change


def guards(program, path):
    program["guards_code"] = [code(path)]


ATTACKS = {
    "weights": pickled_weights,
    "sample inputs": lambda path: {"data/sample_inputs/model.pt": lambda _: saved(Bomb(path))},
    "old weights": lambda path: {"data/weights/model.pt": lambda _: pickle.dumps(Bomb(path))},
    "library": lambda path: {"data/aotinductor/model/x.so": lambda _: b"\x7fELF"},
    "older format": lambda path: {"version": lambda _: b"8.14"},
    "name": lambda path: in_program(lambda program: rename(program, path)),
    "size": lambda path: in_program(lambda program: size(program, path)),
    "guards": lambda path: in_program(lambda program: guards(program, path)),
    "tree": lambda path: in_program(lambda program: tree(program, path)),
    "operator": lambda path: in_program(
        lambda program: node("torch.serialization.os.system")(program, path)
    ),
    "file": lambda path: in_program(
        lambda program: node("torch.ops.aten.from_file.default")(program, path)
    ),
}


@pytest.mark.parametrize("kind", ATTACKS)
def test_nothing_of_a_hostile_file_is_run(kind, free, tmp_path, monkeypatch):
    proof = tmp_path / "proof"
    monkeypatch.syspath_prepend(tmp_path)
    path = spoilt(free, tmp_path / "network.pt2", **ATTACKS[kind](proof))
    with pytest.raises(ValueError, match=r"network.pt2: holds .*could run code.*--allow_code$"):
        open_exported(path, told())
    assert not proof.exists()


@pytest.mark.parametrize("kind", ["weights", "sample inputs", "size", "guards", "tree"])
def test_these_files_would_run_code_were_it_allowed(kind, free, tmp_path, monkeypatch):
    proof = tmp_path / "proof"
    monkeypatch.syspath_prepend(tmp_path)
    path = spoilt(free, tmp_path / "network.pt2", **ATTACKS[kind](proof))
    opening = Opening(told={"sample_rate": RATE}, allow_code=True)
    with pytest.raises(ValueError, match=r"network.pt2: ") as found:
        open_exported(path, opening)(sounds())
    assert "\n" not in str(found.value)
    assert proof.exists()


def test_a_copy_that_is_not_spoilt_is_opened(free, tmp_path):
    path = spoilt(free, tmp_path / "network.pt2")
    assert open_exported(path, told())(sounds()).shape == (2, 2)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_of_another_kind_is_one_line(content, tmp_path):
    path = tmp_path / "network.pt2"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"network.pt2: (no such file|it is no archive of torch)"):
        open_exported(path, told())


def test_weights_alone_are_one_line(tmp_path):
    path = tmp_path / "network.pt2"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"it is no archive of torch.export: it has no models"):
        open_exported(path, told())


def test_what_cannot_be_read_is_said_once(tmp_path, caplog):
    (tmp_path / "x.pt2").write_bytes(b"junk")
    with caplog.at_level(logging.WARNING), pytest.raises(ValueError, match="cannot read it"):
        open_exported(tmp_path / "x.pt2", Opening(allow_code=True))
    assert caplog.text == ""
