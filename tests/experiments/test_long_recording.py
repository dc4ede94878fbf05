"""Recordings of minutes explained in windows: what is found, kept, held in memory, and refused."""

import types

import numpy as np
import pandas as pd
import pytest
from long_recordings import HOP, RATE, bytes_of, hear, make_model, write_tones

from daxaudio.containers import Events
from daxaudio.data.formats.catalogue import read_annotations
from daxaudio.experiments import explaining_run, predict, window_scores
from daxaudio.experiments.long_recording import explain_long
from daxaudio.experiments.windows import Windowing
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import load_explanation, load_facts
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.model import ForeignModel

STARTS = (31.0, 100.2, 171.7)
SECONDS = 180.0
SETTINGS = MethodSettings(queries=60)
WINDOWING = Windowing(6.0, threshold=0.5)


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    return folder / "night.wav", write_tones(folder / "night.wav", SECONDS, STARTS)


def run(source, out, model=None, **options):
    options = {"windowing": WINDOWING, "target": "tone", "settings": SETTINGS} | options
    model = model or make_model()
    return explain_long(model, source, ["rise"], out, recording_id="night", **options)


@pytest.fixture(scope="module")
def explained(night, tmp_path_factory):
    source, events = night
    out = tmp_path_factory.mktemp("out")
    return run(source, out, events=events), out


def test_every_event_is_found_at_its_time_and_nothing_far_from_one(night, explained):
    whole, out = explained
    table = pd.read_csv(out / "marked.csv")
    assert all(any((table["start"] < e.end) & (table["end"] > e.start)) for e in night[1])
    starts = np.array(STARTS)
    assert all(np.abs(starts - row.start).min() < 6 for row in table.itertuples())
    assert whole.stretches.duration < 0.2 * SECONDS


def test_every_window_has_its_score_and_only_those_above_the_threshold_are_explained(explained):
    table = pd.read_csv(explained[1] / "windows.csv")
    assert len(table) == 59
    assert (table["explained"] == (table["score"] >= 0.5)).all()
    near = [any(row.start < s + 0.5 and row.end > s for s in STARTS) for row in table.itertuples()]
    assert set(np.flatnonzero(table["explained"])) <= set(np.flatnonzero(near))


def test_what_was_not_explained_is_not_on_the_time_axis(explained):
    whole, out = explained
    stored = load_explanation(out)
    times = stored.spectrogram.times.numpy()
    inside = whole.stretches.at(times)
    assert inside[times < SECONDS - HOP / RATE].mean() > 0.99  # a last frame stands at the end
    assert len(times) * HOP / RATE == pytest.approx(whole.stretches.duration, rel=0.02)
    (found,) = read_annotations(out / "marked.TextGrid")
    assert found.events("explained") == tuple(whole.stretches)
    assert [tier.name for tier in found.tiers] == ["rise", "explained"]
    assert found.duration == SECONDS


def test_marked_stretches_are_the_same_in_every_file(explained):
    whole, out = explained
    marked, table = whole.stitched["rise"].marked, pd.read_csv(out / "marked.csv")
    assert [round(event.start, 3) for event in marked] == table["start"].tolist()
    (labels,) = read_annotations(out / "marked.txt")
    assert labels.events() == tuple(marked)
    assert load_facts(out)["marked"] == [[event.start, event.end] for event in marked]
    assert set(table["label"]) == {"tone"}
    assert table["from"].iloc[-1].startswith("0:02:5")


def test_the_seed_of_a_window_comes_from_its_name(night, explained, tmp_path):
    """Explained alone, among windows of another choice, it is the same."""
    best = run(night[0], tmp_path, windowing=Windowing(6.0, top_k=1), events=night[1])
    (name,) = best.explained["recording_id"]
    place = f"windows/rise/{name}/explanation.npz"
    assert (tmp_path / place).read_bytes() == (explained[1] / place).read_bytes()


class StoppedError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("n_reads", [0, 7, 58, 60, 63])
def test_a_run_that_is_stopped_anywhere_goes_on_to_the_same_bytes(
    night, explained, tmp_path, monkeypatch, n_reads
):
    left = [n_reads]

    def read(*what):
        if left[0] == 0:
            raise StoppedError
        left[0] -= 1
        return predict.read_for(*what)

    with monkeypatch.context() as patched:
        for module in (window_scores, explaining_run):
            patched.setattr(module, "read_for", read)
        with pytest.raises(StoppedError):
            run(night[0], tmp_path, events=night[1], engine=Alone())
    run(night[0], tmp_path, events=night[1])
    assert bytes_of(tmp_path) == bytes_of(explained[1])


class Alone:
    """An engine that ends with the first error, as a killed process does."""

    here, n_workers = True, 1

    def run(self, units, job, *, together=1, heard=lambda outcome: None):
        worker, outcomes = job.open(None), []
        for unit in units:
            outcomes += worker((unit,))
        return outcomes


def test_what_is_stored_is_not_asked_for_again(night, explained):
    model = make_model()
    run(night[0], explained[1], model, events=night[1])
    assert model.n_queries == 0


def test_no_more_than_a_window_is_read_at_a_time(night, tmp_path, monkeypatch):
    from daxaudio.data.kaldi import audio

    longest, read = [], audio.read_samples

    def counting(*what):
        samples, rate = read(*what)
        longest.append(len(samples) / rate)
        return samples, rate

    monkeypatch.setattr(audio, "read_samples", counting)
    run(night[0], tmp_path, windowing=Windowing(6.0, top_k=1))
    assert len(longest) > 50
    assert max(longest) == 6.0


def test_windows_of_digital_silence_are_said_and_are_no_evidence_of_anything(tmp_path):
    path = tmp_path / "gaps.wav"
    write_tones(path, 30.0, (20.0,), silent=[(0.0, 9.1)])
    whole = run(path, tmp_path / "out")
    silent = whole.table[whole.table["problem"] != ""]
    assert silent["end"].tolist() == [6.0, pytest.approx(9.0, abs=0.1)]
    assert silent["score"].isna().all()
    assert not silent["explained"].any()
    assert "2 of 9 windows could not be heard" in whole.stitched["rise"].explanation.warnings[0]


def test_where_nothing_is_decided_nothing_is_explained_and_old_results_are_removed(night, tmp_path):
    run(night[0], tmp_path, windowing=Windowing(6.0, top_k=1))
    told = []
    options = {"windowing": Windowing(6.0, threshold=1.0), "tell": told.append}
    whole = run(night[0], tmp_path, **options)
    assert whole.explained.empty
    assert whole.stitched == {}
    assert whole.stretches == Events()
    assert "none scores 1 for tone" in told[0]
    assert not (tmp_path / "explanation.json").exists()
    assert not (tmp_path / "marked.csv").exists()


class Ear:
    """The classifier of waveforms as a runner."""

    described = types.MappingProxyType({})

    def __call__(self, sounds):
        return hear(sounds)

    def digest(self):
        return "ear"


def test_a_classifier_of_waveforms_is_explained_in_windows(night, tmp_path):
    model = ForeignModel(Ear(), Description(["tone"], RATE, output="multi_label"))
    whole = run(night[0], tmp_path, model)
    assert whole.stretches.duration < 0.2 * SECONDS
    table = pd.read_csv(tmp_path / "marked.csv")
    assert all(any((table["start"] < e.end) & (table["end"] > e.start)) for e in night[1])
    assert load_facts(tmp_path)["description"]["input"] == "waveform"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "cow"}, "'cow' is unknown"),
        ({"windowing": Windowing(0.01)}, "shorter than one analysis window"),
        ({"seed": 1}, "explanation of another seed"),
    ],
)
def test_what_does_not_go_is_said(night, explained, options, said):
    with pytest.raises(ValueError, match=said):
        run(night[0], explained[1], **options)


def test_a_folder_of_another_class_is_refused(night, explained):
    with pytest.raises(ValueError, match="another class"):
        run(night[0], explained[1], target="none")


def test_a_recording_that_is_silent_altogether_is_one_line(tmp_path):
    write_tones(tmp_path / "still.wav", 10.0, (), silent=[(0.0, 10.0)])
    with pytest.raises(ValueError, match=r"still\.wav: no window can be heard"):
        run(tmp_path / "still.wav", tmp_path / "out")
