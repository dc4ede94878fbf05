"""Any model behind HTTP gives the numbers that it gives without."""

import contextlib
import dataclasses
import http.client
import io
import json
import socket
import threading

import numpy as np
import pytest
import soundfile
import torch

from daxaudio.commands import serve
from daxaudio.commands.main import main
from daxaudio.containers import Recording
from daxaudio.features.mel import LogMel
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.load import load_model
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.foreign.protocol import JSON, NPZ, WAV, pack_npz, pack_wav
from daxaudio.models.foreign.service import Handler, Server
from daxaudio.models.resnet import SpectrogramResNet

NOISE = torch.randn(1, 4000, generator=torch.Generator().manual_seed(0)) * 0.1


class Levels:
    """Mean level and first sample, of waveforms in the layout that it is told."""

    described = None

    def __init__(self, shape):
        self.shape = shape

    def __call__(self, inputs):
        flat = inputs.reshape(1 if inputs.ndim == 1 else len(inputs), -1)
        both = torch.stack([flat.abs().mean(1), flat.abs().amax(1)], 1)
        return both.reshape(self.shape) if self.shape else both

    def digest(self):
        return "levels"


class Layouts:
    """Answers the shape of what it takes."""

    described = None

    def __call__(self, inputs):
        return torch.tensor([[float(size) for size in inputs.shape[1:]]] * len(inputs))

    def digest(self):
        return "layouts"


@pytest.mark.parametrize(
    ("layout", "shape"),
    [("N C S", (2, 400)), ("N S C", (400, 2))],
)
def test_a_wav_comes_to_the_model_in_its_layout(layout, shape):
    told = Description(["a", "b"], 8000, output="regression", channels=2, layout=layout)
    with serving(ForeignModel(Layouts(), told)) as server:
        body = pack_wav(torch.zeros(2, 400), 8000)
        assert ask(server, body=body, Content_Type=WAV)[1]["scores"] == [list(shape)]


def levels(shape=None, **entries):
    told = {"output": "regression", **entries}
    return ForeignModel(Levels(shape), Description(["mean", "peak"], 8000, **told))


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    module = SpectrogramResNet(2, depth=10, width=8, mean=-40.0, std=15.0)
    return BlackBox(module, LogMel(8000, 256, 128, 16), ["cat", "dog"], precision="fp32")


@contextlib.contextmanager
def serving(model, **settings):
    server = Server(model, "127.0.0.1", 0, **settings)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def ask(server, method="POST", path="/scores", body=b"", **headers):
    """Status and answer of one request."""
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=10)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, sent)
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == JSON
    return answer.status, json.loads(answer.read())


@pytest.mark.parametrize(
    "model",
    [
        levels(),
        levels(scale=32768.0, layout="N 1 S", batch_size=1),
        levels(shape=(2,), layout="S", batch_size=1),
        levels(shape=(1, 2, 1), batch_size=1, output_layout="N K L"),
        levels(seconds=0.2, overlap=0.5, frames="max"),
        levels(channels=2, layout="N C S"),
        levels(channels=2, layout="N S C", scale=4.0),
    ],
    ids=["plain", "scaled", "one by one", "frames", "windows", "stereo", "behind"],
)
@pytest.mark.parametrize("accepts", [[NPZ, WAV], [WAV]])
def test_a_served_model_gives_the_numbers_that_it_gives_without(model, accepts):
    recording = Recording(NOISE, 8000)
    directly = model.about(recording)
    spectrograms = torch.stack([directly.spectrogram.values - 3.0 * n for n in range(5)])
    with serving(model) as server:
        server.service.said = dataclasses.replace(server.service.said, accepts=accepts)
        asked = load_model(server.address, cache=None).about(recording)
        assert asked.class_names == directly.class_names
        assert torch.equal(asked.probabilities(spectrograms), directly.probabilities(spectrograms))


def test_a_trained_model_is_served_as_one_of_waveforms(trained):
    recording = Recording(NOISE, 8000)
    own = trained.probabilities(trained.front_end.spectrogram(recording).values[None])[0]
    with serving(trained) as server:
        asked = load_model(server.address, cache=None)
        assert asked.masks_sound
        assert asked.front_end.settings == trained.front_end.settings
        about = asked.about(recording)
        found = about.probabilities(about.spectrogram.values[None])[0]
    assert torch.allclose(found, own, atol=1e-4)


def test_a_wav_is_scored_as_its_samples_are():
    body = io.BytesIO()
    soundfile.write(body, NOISE[0].numpy(), 8000, format="WAV", subtype="FLOAT")
    with serving(levels(scale=100.0)) as server:
        status, answer = ask(server, body=body.getvalue(), Content_Type=WAV, X_Input_Id="a")
        assert (status, answer["ids"]) == (200, ["a"])
        assert torch.allclose(torch.tensor(answer["scores"]), Levels(None)(NOISE * 100))
        body.seek(0)
        soundfile.write(body, NOISE[0].numpy(), 16000, format="WAV")
        status, answer = ask(server, body=body.getvalue(), Content_Type=WAV)
        assert status == 422
        assert "at 8000 Hz, the WAV file has 1 at 16000 Hz" in answer["error"]


def pickled():
    body = io.BytesIO()
    np.savez(body, inputs=np.array([{}], dtype=object), ids=np.array(["a"]))
    return body.getvalue()


def bomb():
    body = io.BytesIO()
    np.savez_compressed(body, inputs=np.zeros((1, 1 << 25), np.float32), ids=np.array(["a"]))
    return body.getvalue()


def encrypted():
    """An npz file whose members say that they are encrypted."""
    body = bytearray(pack_npz(torch.zeros(1, 4), ["a"]))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for part in range(body.count(mark)):
            start = body.index(mark, body.index(mark) + 1 if part else 0)
            body[start + place] |= 1
    return bytes(body)


def flac():
    """Silence of 16 MB that takes a few kilobytes."""
    body = io.BytesIO()
    soundfile.write(body, np.zeros(1 << 22, np.float32), 8000, format="FLAC")
    return body.getvalue()


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        (b"x", {"Content_Type": "text/plain"}, 415, "application/x-npz or audio/wav"),
        (b"x", {"Content_Type": NPZ}, 422, "must be an npz file"),
        (b"x", {"Content_Type": WAV}, 422, "must be a WAV file"),
        (pickled(), {"Content_Type": NPZ}, 422, "allow_pickle=False"),
        (bomb(), {"Content_Type": NPZ}, 422, "once unpacked"),
        (encrypted(), {"Content_Type": NPZ}, 422, "is encrypted"),
        (flac(), {"Content_Type": WAV}, 422, "must be a WAV file of at most"),
        (b"", {"Content_Type": NPZ, "Content_Length": "x"}, 411, "Content-Length"),
        (b"", {"Content_Type": NPZ, "Content_Length": "99999999999"}, 413, "at most"),
        (pack_npz(torch.zeros(2, 3, 4), ["a", "b"]), {"Content_Type": NPZ}, 422, "laid out as N S"),
        (pack_npz(torch.zeros(65, 4), list("ab") * 32 + ["a"]), {"Content_Type": NPZ}, 422, "65"),
        (pack_npz(torch.zeros(2, 4), ["a"]), {"Content_Type": NPZ}, 422, "2 texts"),
        (pack_npz(torch.full((1, 4), torch.nan), ["a"]), {"Content_Type": NPZ}, 422, "NaN"),
    ],
)
def test_requests_that_are_wrong_are_one_line(body, headers, status, text):
    with serving(levels()) as server:
        found, answer = ask(server, body=body, **headers)
    assert found == status
    assert text in answer["error"]
    assert "\n" not in answer["error"]


def test_other_paths_and_other_names_of_this_machine_are_refused():
    with serving(levels()) as server:
        assert ask(server, "GET", "/other")[0] == 404
        assert ask(server, "GET", "/", Host="pages.example.org")[0] == 403
        assert ask(server, "GET", "/", Host="localhost:1")[0] == 200


def test_a_model_that_fails_is_one_line_and_serves_on(monkeypatch):
    model = levels()
    body = pack_npz(NOISE, ["a"])
    with serving(model) as server:
        with monkeypatch.context() as patched:
            patched.setattr(Levels, "__call__", lambda self, inputs: 1 / 0)
            status, answer = ask(server, body=body, Content_Type=NPZ)
        assert status == 500
        assert "division by zero" in answer["error"]
        assert ask(server, body=body, Content_Type=NPZ)[0] == 200


def test_a_client_that_falls_silent_is_left_and_is_no_fault_of_the_model(monkeypatch, caplog):
    monkeypatch.setattr(Handler, "timeout", 0.05)
    with serving(levels()) as server, socket.create_connection(server.server_address[:2]) as client:
        said = f"Host: localhost\r\nContent-Type: {NPZ}\r\nContent-Length: 99"
        client.sendall(f"POST /scores HTTP/1.1\r\n{said}\r\n\r\nabc".encode())
        assert client.recv(100) == b""
    assert "failed" not in caplog.text


def test_the_token_is_asked_for(monkeypatch):
    with serving(levels(), token="secret") as server:
        assert ask(server, "GET", "/")[0] == 401
        assert ask(server, "GET", "/", Authorization="Bearer secre")[0] == 401
        assert ask(server, "GET", "/", Authorization="Bearer secret")[0] == 200
        with pytest.raises(ValueError, match="DAXAUDIO_TOKEN"):
            load_model(server.address, cache=None)
        monkeypatch.setenv("DAXAUDIO_TOKEN", "secret")
        assert load_model(server.address, cache=None).class_names == ("mean", "peak")


def test_a_busy_port_is_one_clear_line():
    with serving(levels()) as server:
        port = server.server_address[1]
        with pytest.raises(ValueError, match=rf"127.0.0.1:{port}: .*choose another --port"):
            Server(levels(), "127.0.0.1", port)


def test_serve_says_what_explains_by_it_and_ends_well_by_the_keyboard(
    trained, tmp_path, capsys, monkeypatch
):
    save_black_box(trained, tmp_path / "model")

    def asked_and_stopped(server):
        thread = threading.Thread(target=lambda: server.handle_request())
        thread.start()
        assert ask(server, "GET", "/")[1]["model"]["classes"] == ["cat", "dog"]
        thread.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(serve.Server, "serve_forever", asked_and_stopped)
    assert main(["serve", "--model", str(tmp_path / "model"), "--port", "0"]) == 0
    out = capsys.readouterr().out
    assert "daxaudio explain AUDIO --model http://127.0.0.1:" in out


def test_a_stopped_explanation_of_a_service_pays_nothing_twice(
    trained, tmp_path, capsys, monkeypatch
):
    soundfile.write(tmp_path / "a.wav", NOISE[0].numpy(), 8000)
    asked = []
    with serving(trained) as server:
        numbers = server.service.numbers
        monkeypatch.setattr(
            server.service, "numbers", lambda inputs: asked.append(len(inputs)) or numbers(inputs)
        )
        words = ["explain", str(tmp_path / "a.wav"), "--model", server.address, "--quiet"]
        words += ["--method", "rise", "--queries", "20", "--check", "none", "--no_pictures"]
        words += ["--cache", str(tmp_path / "cache")]
        assert main([*words, "--out", str(tmp_path / "one")]) == 0
        assert f"{server.address}: at most 28 sounds are sent" in capsys.readouterr().out
        assert 20 < sum(asked) <= 28
        asked.clear()
        assert main([*words, "--out", str(tmp_path / "two")]) == 0
        assert not asked
    one, two = (np.load(tmp_path / name / "explanation.npz")["mask"] for name in ("one", "two"))
    assert np.array_equal(one, two)
