"""A service whose model is known, and that fails as it is told."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from daxaudio.models.foreign.protocol import unpack_npz

ENTRIES = {"classes": ["loud", "quiet"], "sample_rate": 8000, "output": "regression"}


def scores_of(inputs):
    """Two numbers an input, which no other input shares."""
    return [[float(one.abs().mean()), float(one[0])] for one in inputs]


class FaultyService:
    """Answers right but where a fault is told for the n-th request, counted from 0.

    A fault is a function of the handler and of the right answer, which sends what it likes and may
    raise; a fault that returns the answer lets it be sent.
    """

    def __init__(self, faults=None, entries=ENTRIES, always=None, port=0, **said):
        self.faults, self.always = faults or {}, always
        self.said = {"protocol": 1, "digest": "model a", "model": entries, **said}
        self.requests, self.inputs, self.headers, self.most_at_once = 0, [], [], 0
        self.now, self.lock = 0, threading.Lock()
        handler = type("Handler", (_Handler,), {"service": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def serving(*args, **kwargs):
    service = FaultyService(*args, **kwargs)
    try:
        yield service
    finally:
        service.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service = None

    def do_GET(self):
        self.service.headers.append(dict(self.headers))
        send(self, self.service.said)

    def do_POST(self):
        service = self.service
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with service.lock:
            number, service.requests = service.requests, service.requests + 1
            service.now += 1
            service.most_at_once = max(service.most_at_once, service.now)
            service.headers.append(dict(self.headers))
        try:
            inputs, ids = unpack_npz(body, 1 << 26)
            answer = {"digest": "model a", "ids": ids, "scores": scores_of(inputs)}
            answer = service.faults.get(number, service.always or (lambda handler, right: right))(
                self, answer
            )
            if answer is not None:
                with service.lock:
                    service.inputs += [one.tolist() for one in inputs]
                send(self, answer)
        finally:
            with service.lock:
                service.now -= 1

    def log_message(self, *args):
        pass


def send(handler, answer, status=200, **headers):
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    handler.send_response(status)
    sent = {"Content-Type": "application/json", "Content-Length": len(content)}
    for name, value in {**sent, **{k.replace("_", "-"): v for k, v in headers.items()}}.items():
        handler.send_header(name, str(value))
    handler.end_headers()
    handler.wfile.write(content)


def status(code, **headers):
    """Fault: an answer with another status."""
    return lambda handler, right: send(handler, {"error": "busy"}, code, **headers)


def drop(handler, right):
    """Fault: the connection breaks before the answer."""
    handler.close_connection = True
    handler.connection.shutdown(2)


def half(handler, right):
    """Fault: the connection breaks in the middle of the answer."""
    content = json.dumps(right).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])
    handler.wfile.flush()
    drop(handler, right)


def late(seconds):
    """Fault: the answer comes later."""

    def fault(handler, right):
        time.sleep(seconds)
        return right

    return fault


def shuffled(handler, right):
    """Fault: the inputs are answered in another order."""
    return {**right, "ids": right["ids"][::-1], "scores": right["scores"][::-1]}


def changed(**values):
    """Fault: something else stands in the answer."""
    return lambda handler, right: {**right, **values}
