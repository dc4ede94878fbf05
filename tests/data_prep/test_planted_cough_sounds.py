"""Made coughs: what is planted into them, where, and that nothing else tells the class."""

import math

import numpy as np
import pytest
import torch

from daxaudio.containers import Event
from daxaudio.features.frontends import LogMel
from daxaudio_data_prep.synthetic.cough_evidence import EVIDENCE, add_evidence, bands_of
from daxaudio_data_prep.synthetic.cough_files import (
    fold_label,
)
from daxaudio_data_prep.synthetic.cough_recordings import PHASES, Plant, make_recording
from daxaudio_data_prep.synthetic.cough_sounds import (
    MAKERS,
    SAMPLE_RATE,
    draw_speaker,
    root_mean_square,
)
from daxaudio_data_prep.synthetic.planted_coughs import choose_participants, describe

LABELS = ("noise", "inhale", "compres", "cough", " noise", "throatclear", "other", "4", "cough", "")
BREAKS = (0.0, 0.3, 0.7, 0.95, 1.3, 1.5, 1.8, 2.05, 2.3, 2.6, 3.0)
TIMING = [Event(a, b, label) for a, b, label in zip(BREAKS, BREAKS[1:], LABELS, strict=False)]


def inside(intervals, n):
    """Which samples some intervals cover."""
    covered = np.zeros(n, dtype=bool)
    for start, end in intervals:
        covered[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
    return covered


def auc(scores, labels):
    """The share of pairs of a positive and a negative that are in the right order."""
    difference = scores[labels][:, None] - scores[~labels][None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


@pytest.mark.parametrize("evidence", EVIDENCE)
@pytest.mark.parametrize("phase", PHASES[:-1])
def test_evidence_is_only_in_the_planted_intervals(phase, evidence):
    without, none = make_recording("a", TIMING, Plant(phase, evidence, 0.0))
    planted, intervals = make_recording("a", TIMING, Plant(phase, evidence, 1.0))
    covered = inside(intervals, len(planted))
    assert none == ()
    assert np.array_equal(planted[~covered], without[~covered])
    assert np.abs(planted - without)[covered].mean() > 0
    right = [e for e in TIMING if fold_label(e.label) == phase]
    assert len(intervals) == len(right)
    for (start, end), event in zip(intervals, right, strict=True):
        # exact to half a sample
        assert event.start - 1.2e-5 <= start < end <= event.end + 1.2e-5


@pytest.mark.parametrize("evidence", EVIDENCE)
@pytest.mark.parametrize("phase", PHASES[:-1])
def test_the_peak_of_a_recording_does_not_tell_the_class(phase, evidence):
    for name in "abcdef":
        without, _ = make_recording(name, TIMING, None)
        planted, _ = make_recording(name, TIMING, Plant(phase, evidence, 2.0))
        assert np.abs(planted).max() == pytest.approx(np.abs(without).max(), rel=1e-12)


def test_a_negative_recording_is_that_of_strength_0():
    negative, intervals = make_recording("a", TIMING, None)
    assert intervals == ()
    assert np.array_equal(negative, make_recording("a", TIMING, Plant(strength=0.0))[0])
    assert np.array_equal(negative, make_recording("a", TIMING, Plant("none"))[0])


@pytest.mark.parametrize("evidence", ["resonance", "wheeze", "hum"])
@pytest.mark.parametrize("trait", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_evidence_has_its_level_and_its_bands(evidence, trait, strength):
    own = np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    rng = np.random.default_rng(1)
    mixed, span = add_evidence(own, evidence, strength, trait, peak=99.0, draws=rng)
    assert span == (0, len(own))
    assert np.abs(mixed).max() == pytest.approx(np.abs(own).max())
    # what is left when own sound, scaled as it was, is taken away: project it out at high Hz
    spectra = [np.fft.rfft(samples) for samples in (own, mixed)]
    frequencies = np.fft.rfftfreq(len(own), 1 / SAMPLE_RATE)
    high = frequencies > 8000
    scale = np.abs(np.vdot(spectra[0][high], spectra[1][high])) / np.sum(
        np.abs(spectra[0][high]) ** 2
    )
    added = np.abs(spectra[1] / scale - spectra[0]) ** 2
    level = math.sqrt(2 * added.sum()) / len(own)
    assert level == pytest.approx(strength * root_mean_square(own), rel=0.03)
    bands = bands_of(evidence, trait)
    inside = sum((frequencies >= f_min) & (frequencies <= f_max) for f_min, f_max in bands) > 0
    assert added[inside].sum() / added.sum() > 0.9
    assert inside.mean() < 0.02  # and not everywhere


def test_a_second_burst_is_short_and_late():
    own = np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    mixed, (first, last) = add_evidence(
        own, "second_burst", 1.0, 0.3, peak=99.0, draws=np.random.default_rng(1)
    )
    assert 0.5 < first / len(own) < last / len(own) < 0.75
    burst = (mixed - own)[first:last]
    # 6 dB above the level of the phase
    assert root_mean_square(burst) == pytest.approx(2 * root_mean_square(own), rel=1e-6)
    assert (last - first) / SAMPLE_RATE == pytest.approx(0.05, abs=1e-3)


def test_the_confounder_is_in_every_phase_and_is_no_evidence():
    negative, _ = make_recording("a", TIMING, None)
    confounded, intervals = make_recording("a", TIMING, Plant("none", confounder="hum"))
    hum = confounded - negative
    assert intervals == ()
    parts = [hum[round(e.start * SAMPLE_RATE) : round(e.end * SAMPLE_RATE)] for e in TIMING]
    levels = [root_mean_square(part) for part in parts]
    assert max(levels) / min(levels) < 1.1


def test_intervals_that_are_too_short_hold_no_evidence():
    timing = [Event(0, 1, "noise"), Event(1, 1.01, "cough"), Event(1.01, 1.5, "cough")]
    _, intervals = make_recording("a", timing, Plant("cough"))
    assert len(intervals) == 1
    assert intervals[0][0] == pytest.approx(1.01, abs=1e-4)


def test_phases_differ_in_level_and_spectrum():
    speaker, n = draw_speaker(np.random.default_rng(0)), SAMPLE_RATE // 3
    level, centre = {}, {}
    for phase, make in MAKERS.items():
        sounds = [make(n, speaker, np.random.default_rng(k)) for k in range(8)]
        level[phase] = np.mean([20 * np.log10(root_mean_square(s)) for s in sounds])
        power = np.mean([np.abs(np.fft.rfft(s)) ** 2 for s in sounds], axis=0)
        centre[phase] = np.sum(power * np.fft.rfftfreq(n, 1 / SAMPLE_RATE)) / power.sum()
    assert level["cough"] > level["throat"] - 6
    assert min(level["cough"], level["throat"]) > level["inhale"] + 3
    assert level["inhale"] > level["compression"] + 6
    assert centre["inhale"] > centre["cough"] > 2 * centre["throat"]
    assert centre["throat"] > centre["compression"]


def test_a_cough_begins_loud_and_dies_away():
    speaker = draw_speaker(np.random.default_rng(2))
    sound = MAKERS["cough"](SAMPLE_RATE // 2, speaker, np.random.default_rng(0))
    tenths = [root_mean_square(part) for part in np.array_split(sound, 10)]
    assert tenths[0] > 2 * tenths[3] > 2 * tenths[9]


def test_speakers_differ():
    speakers = [draw_speaker(np.random.default_rng(k)) for k in range(30)]
    assert {s.gender for s in speakers} == {"male", "female"}
    pitch = {g: np.mean([s.pitch for s in speakers if s.gender == g]) for g in ("male", "female")}
    assert pitch["female"] > 1.3 * pitch["male"]


def test_recordings_and_seeds_differ_and_repeat():
    first, _ = make_recording("a", TIMING, None, 0)
    assert np.array_equal(first, make_recording("a", TIMING, None, 0)[0])
    assert not np.array_equal(first, make_recording("b", TIMING, None, 0)[0])
    assert not np.array_equal(first, make_recording("a", TIMING, None, 1)[0])


def test_only_status_and_test_know_the_class():
    for person in choose_participants(["A"], 40, 0.5, seed=2):
        other = type(person)(person.participant, person.textgrid, not person.positive)
        (row, quality), (row_of_other, quality_of_other) = (
            describe(p, seed=2) for p in (person, other)
        )
        different = {name for name in row if row[name] != row_of_other[name]}
        assert different == {"covid_status", "test_status"}
        assert quality == quality_of_other


@pytest.mark.parametrize(
    ("phase", "evidence"), [("cough", "resonance"), ("inhale", "wheeze"), ("background", "hum")]
)
def test_the_class_is_decoded_from_the_planted_phase_and_from_nothing_else(phase, evidence):
    """Mean spectra of the phase, and of all else, along the line between the classes' means."""
    front_end, plant, spectra, labels = (
        LogMel(SAMPLE_RATE, 1102, 441, 64),
        Plant(phase, evidence),
        [],
        [],
    )
    for person in choose_participants(["T"], 40, 0.5, seed=0):
        samples, _ = make_recording(person.participant, TIMING, plant if person.positive else None)
        peak = np.abs(samples).max()
        values = front_end(torch.from_numpy(samples / peak).float()).numpy()
        times = np.arange(values.shape[1]) / 100
        here, near = np.zeros((2, len(times)), dtype=bool)
        for event in TIMING:
            if fold_label(event.label) == phase:
                here |= (times >= event.start) & (times < event.end)
                # a window of 25 ms reaches over the border
                near |= (times > event.start - 0.0126) & (times < event.end + 0.0126)
        spectra.append([values[:, here].mean(axis=1), values[:, ~near].mean(axis=1)])
        labels.append(person.positive)
    parts, labels = np.array(spectra).transpose(1, 0, 2), np.array(labels)
    planted, others = (decode(part - part.mean(axis=1, keepdims=True), labels) for part in parts)
    assert planted > 0.9
    assert 0.3 < others < 0.7


def decode(spectra, labels):
    """AUC of a line between class means, fitted without the pair that it scores."""
    scores = np.zeros(len(labels))
    for first in range(0, len(labels), 2):
        rest = np.ones(len(labels), dtype=bool)
        rest[first : first + 2] = False
        positive, negative = (spectra[rest & (labels == c)] for c in (True, False))
        spread = spectra[rest].std(axis=0)
        line = (positive.mean(axis=0) - negative.mean(axis=0)) / spread**2
        scores[~rest] = spectra[~rest] @ line
    return auc(scores, labels)
