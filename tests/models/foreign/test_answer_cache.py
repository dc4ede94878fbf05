import multiprocessing
import sqlite3
import threading

import pytest
import torch
from faulty_service import drop, scores_of, serving

from daxaudio.models.foreign.answer_cache import ANSWERS_FILE, AnswerCache, RememberingRunner
from daxaudio.models.foreign.http import open_http
from daxaudio.models.foreign.runner import Opening

INPUTS = torch.randn(24, 40, generator=torch.Generator().manual_seed(0))
RIGHT = torch.tensor(scores_of(INPUTS))


class Counted:
    """A runner that counts what it is asked."""

    def __init__(self, name="a"):
        self.described, self.name, self.n_asked = {}, name, 0

    def __call__(self, inputs):
        self.n_asked += 1 if inputs.ndim == 1 else len(inputs)
        return torch.tensor(scores_of(inputs if inputs.ndim > 1 else inputs[None]))

    def digest(self):
        return self.name


def test_nothing_is_asked_twice_by_whatever_batches(tmp_path):
    for size in (5, 24, 1, 7):
        runner = Counted()
        asked = RememberingRunner(runner, AnswerCache(tmp_path))
        found = torch.cat([asked(part) for part in INPUTS.split(size)])
        assert torch.equal(found, RIGHT)
        assert runner.n_asked == (24 if size == 5 else 0)


def test_an_input_that_stands_twice_in_a_batch_is_asked_once(tmp_path):
    runner = Counted()
    found = RememberingRunner(runner, AnswerCache(tmp_path))(INPUTS[[0, 1, 0, 0]])
    assert torch.equal(found, RIGHT[[0, 1, 0, 0]])
    assert runner.n_asked == 2


def test_inputs_differ_by_every_bit_by_shape_and_by_model(tmp_path):
    answers, first, other = AnswerCache(tmp_path), Counted(), Counted("b")
    RememberingRunner(first, answers)(INPUTS[:1])
    changed = INPUTS[:1].clone()
    changed[0, -1] = torch.nextafter(changed[0, -1], torch.tensor(9.0))
    RememberingRunner(first, answers)(changed)
    RememberingRunner(first, answers)(INPUTS[:1, None].reshape(1, 2, 20)[:, 0])
    RememberingRunner(other, answers)(INPUTS[:1])
    assert (first.n_asked, other.n_asked) == (3, 1)


@pytest.mark.parametrize("shape", [(1, 2), (2,), (1, 5, 2), (5, 2)])
def test_answers_to_one_input_keep_their_shape(tmp_path, shape):
    answer = torch.randn(shape)
    for _ in range(2):
        found = AnswerCache(tmp_path).complete("a", INPUTS[:1], lambda inputs: answer)
        assert torch.equal(found, answer)
        found = AnswerCache(tmp_path).complete("b", INPUTS[0], lambda inputs: answer)
        assert torch.equal(found, answer)


def test_a_damaged_answer_is_asked_anew(tmp_path):
    RememberingRunner(Counted(), AnswerCache(tmp_path))(INPUTS)
    file = sqlite3.connect(tmp_path / ANSWERS_FILE)
    damaged = [
        ("numbers", b"\0\0\0\0\0\0\0\0"),
        ("numbers", None),
        ("shape", "[1]"),
        ("shape", "x"),
    ]
    for row, (column, value) in enumerate(damaged, 1):
        file.execute(f"UPDATE answers SET {column} = ? WHERE rowid = ?", (value, row))
    file.commit()
    file.close()
    runner = Counted()
    assert torch.equal(RememberingRunner(runner, AnswerCache(tmp_path))(INPUTS), RIGHT)
    assert runner.n_asked == len(damaged)


@pytest.mark.parametrize("keep", [0, 5000])
def test_a_damaged_file_is_begun_anew(tmp_path, keep):
    RememberingRunner(Counted(), AnswerCache(tmp_path))(INPUTS)
    path = tmp_path / ANSWERS_FILE
    path.write_bytes(path.read_bytes()[:keep] + b"damaged" * 2000)
    for n_asked in (24, 0):
        runner = Counted()
        assert torch.equal(RememberingRunner(runner, AnswerCache(tmp_path))(INPUTS), RIGHT)
        assert runner.n_asked == n_asked


def test_a_file_that_fails_in_the_middle_costs_answers_and_never_the_run(tmp_path, caplog):
    asked = RememberingRunner(Counted(), AnswerCache(tmp_path))
    file = sqlite3.connect(tmp_path / ANSWERS_FILE)
    file.execute("DROP TABLE answers")
    file.close()
    assert torch.equal(asked(INPUTS), RIGHT)
    assert "answers cannot be kept" in caplog.text


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match=r"file.*answers cannot be kept here .*--cache"):
        AnswerCache(tmp_path / "file")


def test_the_oldest_answers_make_room(tmp_path):
    answers = AnswerCache(tmp_path, most_bytes=1 << 16)
    for number in range(100):
        one = torch.full((1, 1), float(number))
        answers.complete("a", one, lambda inputs: inputs.expand(1, 1000))
    assert (tmp_path / ANSWERS_FILE).stat().st_size < 1 << 18
    answers.complete("a", torch.full((1, 1), 99.0), lambda inputs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        answers.complete("a", torch.zeros(1, 1), lambda inputs: 1 / 0)


def _fill(folder):
    asked = RememberingRunner(Counted(), AnswerCache(folder))
    for part in INPUTS.split(1):
        asked(part)


def test_two_processes_may_write_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=_fill, args=(tmp_path,)) for _ in range(2)]
    for one in others:
        one.start()
    for one in others:
        one.join(60)
    assert [one.exitcode for one in others] == [0, 0]
    runner = Counted()
    assert torch.equal(RememberingRunner(runner, AnswerCache(tmp_path))(INPUTS), RIGHT)
    assert runner.n_asked == 0


def opened(service, folder, **settings):
    quick = {"wait": 0.01, "patience": 0.05, "request_size": 3, "at_once": 2, **settings}
    return open_http(service.address, Opening({"service": quick})).remembering(AnswerCache(folder))


def test_a_run_that_ends_in_the_middle_of_a_recording_pays_no_query_twice(tmp_path):
    with serving(dict.fromkeys(range(4, 99), drop)) as service:
        with pytest.raises(ValueError, match="broke off"):
            opened(service, tmp_path)(INPUTS)
        paid = len(service.inputs)
        assert paid == 12
        service.faults.clear()
        assert torch.equal(opened(service, tmp_path, request_size=5)(INPUTS), RIGHT)
        assert len(service.inputs) == len(INPUTS)


def test_what_was_sent_when_the_keyboard_stops_a_run_is_kept(tmp_path, monkeypatch):
    held, sent = threading.Event(), threading.Event()

    def slowly(handler, right):
        sent.set()
        held.wait(10)
        return right

    def interrupted(*args, **kwargs):
        assert sent.wait(10)
        held.set()
        raise KeyboardInterrupt

    with serving(always=slowly) as service:
        with monkeypatch.context() as patched:
            patched.setattr("daxaudio.models.foreign.http.wait", interrupted)
            with pytest.raises(KeyboardInterrupt):
                opened(service, tmp_path)(INPUTS)
        paid = len(service.inputs)
        assert 0 < paid < len(INPUTS)
        opened(service, tmp_path)(INPUTS)
        assert len(service.inputs) == len(INPUTS)


def test_a_changed_service_gives_no_old_answers(tmp_path):
    with serving() as service:
        opened(service, tmp_path)(INPUTS)
    with serving(digest="model b") as other, pytest.raises(ValueError, match="another model"):
        opened(other, tmp_path)(INPUTS)
