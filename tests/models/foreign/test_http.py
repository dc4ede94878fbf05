"""A service fails in every way: results are those without faults, or one clear line."""

import threading

import pytest
import torch
from faulty_service import (
    changed,
    drop,
    half,
    late,
    scores_of,
    send,
    serving,
    shuffled,
    status,
)

from daxaudio.models.foreign.http import open_http
from daxaudio.models.foreign.runner import Opening

INPUTS = torch.randn(13, 50, generator=torch.Generator().manual_seed(0))
RIGHT = torch.tensor(scores_of(INPUTS))


def opened(service, **settings):
    quick = {"wait": 0.01, "patience": 60.0, "request_size": 3, **settings}
    return open_http(service.address, Opening({"service": quick}))


def mixed_up(handler, right):
    """Fault: the answer is about inputs of somebody else."""
    return {**right, "ids": [f"x-{row}" for row in range(len(right["ids"]))]}


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        status(502),
        status(503, Retry_After=0),
        status(429),
        drop,
        half,
        late(0.4),
        shuffled,
        mixed_up,
    ],
    ids=["500", "502", "503", "429", "drop", "half", "late", "shuffled", "mixed up"],
)
def test_results_are_those_without_faults(fault):
    with serving({0: fault, 2: fault, 6: fault}) as service:
        assert torch.equal(opened(service, timeout=0.3)(INPUTS), RIGHT)


@pytest.mark.parametrize("n_answered", [1, 3, 5])
def test_an_answer_to_another_request_is_asked_for_again_whatever_its_size(n_answered):
    others = {"ids": [f"x-{row}" for row in range(n_answered)], "scores": [[0.0, 0.0]] * n_answered}
    with serving({0: changed(**others)}) as service:
        assert torch.equal(opened(service)(INPUTS[:3]), RIGHT[:3])
        assert service.requests == 2


def test_answers_keep_the_order_of_the_inputs_whichever_comes_first():
    with serving({0: late(0.1), 1: late(0.05)}) as service:
        assert torch.equal(opened(service)(INPUTS), RIGHT)


def test_no_more_requests_at_once_than_are_allowed():
    with serving(always=late(0.02)) as service:
        opened(service, at_once=2, request_size=1)(INPUTS)
        assert service.most_at_once == 2


def test_a_service_that_dies_and_comes_back_delays_only():
    with serving() as service:
        runner, port, address = opened(service), service.port, service.address
    found = []
    asking = threading.Thread(target=lambda: found.append(runner(INPUTS)))
    asking.start()
    asking.join(0.2)
    assert asking.is_alive()
    with serving(port=port) as again:
        assert again.address == address
        asking.join(10)
    assert torch.equal(found[0], RIGHT)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (changed(scores=[[1.0, 2.0]]), "answers with 1 scores and 3 ids for 3 inputs"),
        (changed(scores=[[1.0, 2.0]] * 4), "answers with 4 scores"),
        (changed(scores=[[1.0, float("nan")]] * 3), "answers with NaN or infinite scores"),
        (changed(scores=[[1.0, 1e39]] * 3), "answers with NaN or infinite scores"),
        (changed(scores=[[1.0, None]] * 3), "missing or no numbers"),
        (changed(scores=[["1.0", "2.0"]] * 3), "missing or no numbers"),
        (changed(scores=[[1.0], [1.0, 2.0], [1.0]]), "different number of scores"),
        (changed(scores=None), "without its lists of ids and scores"),
        (changed(scores=[1.0, 2.0, 3.0]), r"shape \[3\]"),
        (changed(ids=["x-1"] * 3), "mixed up"),
        (changed(digest="model b"), "another model answers"),
        (lambda handler, right: send(handler, b"no JSON"), "no JSON"),
        (lambda handler, right: send(handler, b"[1]"), "no object"),
        (
            lambda handler, right: send(handler, right, Content_Type="text/html"),
            "answers with 'text/html', not application/json",
        ),
        (status(302, Location="http://127.0.0.1:9/scores"), "redirect, which is not followed"),
        (status(404), "answers with status 404: busy"),
        (status(401), "DAXAUDIO_TOKEN"),
        (status(500), r"status 500: busy \(asked 4 times"),
        (status(503, Retry_After=3600), "status 503"),
        (lambda handler, right: send(handler, b" " * (1 << 21)), "more than 1048576 bytes"),
    ],
)
def test_wrong_answers_are_one_clear_line(fault, text, monkeypatch):
    monkeypatch.setattr("daxaudio.models.foreign.connection.MOST_BYTES", 1 << 20)
    with serving(always=fault) as service:
        runner = opened(service)
        with pytest.raises(ValueError, match=f"^{service.address}: .*{text}") as caught:
            runner(INPUTS[:3])
    assert "\n" not in str(caught.value)


def test_a_service_that_stays_away_is_one_clear_line():
    with serving() as service:
        runner = opened(service, patience=0.1)
    with pytest.raises(ValueError, match=r"cannot be reached .*is the service running\?"):
        runner(INPUTS)


@pytest.mark.parametrize(
    "wait", ["0", "9" * 400, "9" * 5000, "Mon, 01 Jan 99999 00:00:00 GMT", "-1", "soon"]
)
def test_a_service_that_asks_for_a_strange_wait_is_asked_seldom(wait):
    with serving(always=status(503, Retry_After=wait)) as service:
        with pytest.raises(ValueError, match=f"^{service.address}: answers with status 503"):
            opened(service, wait=0.1, patience=0.25)(INPUTS[:3])
        assert service.requests <= 3


def test_what_a_service_says_cannot_steer_a_terminal():
    fault = lambda handler, right: send(handler, {"error": "a\x1b[31m\nb" + "c" * 999}, 400)  # noqa: E731
    with serving(always=fault) as service, pytest.raises(ValueError, match=r"a \[31m b") as caught:
        opened(service)(INPUTS)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"protocol": 2}, "protocol 2"),
        ({"digest": None}, "digest"),
        ({"model": ["dog"]}, "does not describe"),
        ({"model": {"classes": "/etc/passwd"}}, "classes must be a list"),
        ({"model": {"classes": ["a"], "reset": "system"}}, "'reset'"),
        ({"model": {"classes": ["a"], "batch_size": 0}}, "batch_size"),
        ({"accepts": ["text/plain"]}, "accepts neither"),
    ],
)
def test_services_that_speak_otherwise_are_refused(said, text):
    entries = said.pop("model", {"classes": ["a"], "sample_rate": 8000})
    with (
        serving(entries=entries, **said) as service,
        pytest.raises(ValueError, match=f"{service.address}: .*{text}"),
    ):
        opened(service)


@pytest.mark.parametrize(
    "address", ["http://", "http://user:word@127.0.0.1", "http://127.0.0.1:x", "http://a?b=1"]
)
def test_addresses_that_are_none_are_refused(address):
    with pytest.raises(ValueError, match="address"):
        open_http(address, Opening())


def test_settings_of_a_service_are_checked():
    with pytest.raises(ValueError, match="at_once must be from 1"):
        open_http("http://127.0.0.1:9", Opening({"service": {"at_once": 0}}))
    with pytest.raises(ValueError, match="unknown key 'time_out'"):
        open_http("http://127.0.0.1:9", Opening({"service": {"time_out": 3}}))


def test_the_token_goes_to_the_service_and_never_over_a_network_in_the_clear(monkeypatch):
    monkeypatch.setenv("DAXAUDIO_TOKEN", "secret")
    with serving() as service:
        opened(service)(INPUTS)
        assert {headers["Authorization"] for headers in service.headers} == {"Bearer secret"}
    with pytest.raises(ValueError, match="would travel unencrypted"):
        open_http("http://example.org", Opening())


def test_proxies_of_the_environment_hear_nothing(monkeypatch):
    with serving() as proxy, serving() as service:
        monkeypatch.setenv("http_proxy", proxy.address)
        assert torch.equal(opened(service)(INPUTS), RIGHT)
        assert proxy.requests == 0


def test_its_digest_is_that_of_the_model_behind_it():
    with serving() as one, serving() as same, serving(digest="model b") as other:
        assert opened(one).digest() == opened(same).digest() != opened(other).digest()
