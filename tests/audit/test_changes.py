"""Each change brings one thing from the donor and leaves the others as they were."""

import dataclasses

import numpy as np
import pytest
import torch
from made_coughs import EVENTS, RATE, SECONDS, made

from daxaudio.audit.changes import CHANGES, filtered
from daxaudio.audit.sound_parts import split


def parts(name="a", **trait):
    return split(made(name, **trait), EVENTS)


def changed(kind, own, donor):
    sound = CHANGES[kind](own, donor)
    return split(dataclasses.replace(own.recording, waveform=sound), EVENTS)


def colour(found):
    """How much louder the background is high up than low down, in dB."""
    bins = np.linspace(0, RATE / 2, len(found.floor))
    high, low = (found.floor[(bins > a) & (bins < b)].mean() for a, b in ((2000, 3500), (100, 500)))
    return 10 * np.log10(high / low)


def hum(found):
    """dB by which 300 Hz stands out of the background."""
    at = np.linspace(0, RATE / 2, len(found.spectrum))
    place = np.abs(at - 300).argmin()
    return 10 * np.log10(found.spectrum[place] / found.floor[place])


def features(found):
    return {
        "hum": hum(found),
        "level": found.loud,
        "bandwidth": found.edge,
        "equaliser": colour(found),
    }


TRAITS = {
    "hum": {"hum": 0.003},
    "level": {"gain": 0.25},
    "bandwidth": {"cut": 2500},
    "equaliser": {"colour": 0.8},
}
TOLERANCE = {"hum": 6.0, "level": 1.0, "bandwidth": 300.0, "equaliser": 3.0}


@pytest.mark.parametrize("kind", TRAITS)
def test_what_is_taken_from_the_donor_is_then_there(kind):
    own, donor = parts("a"), parts("b", **TRAITS[kind])
    found = features(changed(kind, own, donor))[kind]
    assert found == pytest.approx(features(donor)[kind], abs=TOLERANCE[kind])
    assert found != pytest.approx(features(own)[kind], abs=TOLERANCE[kind])


@pytest.mark.parametrize("kind", ["hum", "level", "equaliser"])
def test_what_the_donor_has_not_is_taken_away(kind):
    own, donor = parts("a", **TRAITS[kind]), parts("b")
    found = features(changed(kind, own, donor))[kind]
    assert found == pytest.approx(features(donor)[kind], abs=TOLERANCE[kind])


@pytest.mark.parametrize("kind", TRAITS)
@pytest.mark.parametrize("other", TRAITS)
def test_other_traits_of_the_donor_stay_with_the_donor(kind, other):
    if kind == other:
        return
    own, donor = parts("a"), parts("b", **TRAITS[other])
    before, after = features(own), features(changed(kind, own, donor))
    assert after[other] == pytest.approx(before[other], abs=TOLERANCE[other])


def test_a_band_that_was_cut_off_is_not_made_up():
    own = parts("a", cut=2500)
    assert torch.equal(CHANGES["bandwidth"](own, parts("b")), own.recording.waveform)


def test_events_keep_their_samples_and_everything_else_is_the_donors():
    own, donor = parts("a"), parts("b", hum=0.003)
    found = changed("background", own, donor)
    inside = own.inside == 1
    assert torch.equal(found.recording.waveform[0, inside], own.recording.waveform[0, inside])
    assert hum(found) == pytest.approx(hum(donor), abs=6)


def test_a_background_is_as_loud_against_the_events_as_it_was():
    own, donor = parts("a", gain=0.25), parts("b", noise=0.01)
    found = changed("background", own, donor)
    assert found.loud - found.quiet == pytest.approx(donor.loud - donor.quiet, abs=2)


def test_without_background_there_is_no_change_that_needs_it():
    own = split(made("a"), [dataclasses.replace(EVENTS[0], start=0.0, end=SECONDS)])
    assert own.background is None
    none = {kind for kind, change in CHANGES.items() if change(own, parts("b")) is None}
    assert none == {"background", "hum", "equaliser"}


def test_a_filter_of_gains_delays_nothing():
    click = torch.zeros(1, 4001)
    click[0, 2000] = 1.0
    gains = np.where(np.linspace(0, 1, 129) < 0.5, 1.0, 0.0)
    assert int(filtered(click, gains)[0].argmax()) == 2000
