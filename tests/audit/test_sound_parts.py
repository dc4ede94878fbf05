"""Events and background of a recording, and what they are like."""

import numpy as np
import pytest
import torch
from made_coughs import EVENTS, RATE, SECONDS, made

from daxaudio.audit.sound_parts import joined, quiet_noise, split
from daxaudio.containers import Event, Recording


def test_background_and_events_share_no_sample_at_full_level():
    found = split(made(), EVENTS)
    free = torch.from_numpy(found.free.at(np.arange(len(found.inside)) / RATE))
    assert float(found.inside[free].max()) == 0
    assert float(found.inside[round(0.6 * RATE)]) == 1


def test_events_that_nobody_knows_are_found_by_level():
    found, known = split(made()), split(made(), EVENTS)
    assert known.annotated
    assert not found.annotated
    both = (found.inside > 0.5) & (known.inside > 0.5)
    assert float(both.sum() / (found.inside > 0.5).sum()) > 0.9


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100])
def test_events_by_level_lie_where_they_sound_at_every_rate(rate):
    """Also where 20 ms are no whole number of samples, and what is loud is at the end."""
    seconds, frame = 30.0, 0.02
    sound = 0.001 * torch.randn(
        1, round(seconds * rate), generator=torch.Generator().manual_seed(0)
    )
    for start, end in ((10.0, 11.0), (28.5, seconds)):
        sound[:, round(start * rate) : round(end * rate)] *= 300
    inside = split(Recording(sound, rate)).inside
    for start, end in ((10.0, 11.0), (28.5, seconds)):
        assert inside[round((start + frame) * rate) : round((end - frame) * rate)].min() == 1
    for start, end in ((0.0, 10.0), (11.0, 28.5)):
        assert (
            inside[round((start + 2 * frame) * rate) : round((end - 2 * frame) * rate)].max() == 0
        )


def test_labels_of_background_are_no_events():
    noise = Event(0.0, SECONDS, "noise")
    assert split(made(), [*EVENTS, noise]).free == split(made(), EVENTS).free


def test_looped_background_has_no_gap_in_its_level():
    found = split(made(), EVENTS)
    looped = found.looped(5 * RATE)
    assert looped.shape == (1, 5 * RATE)
    levels = looped[0].reshape(-1, 400).square().mean(dim=1).sqrt()
    assert 0.002 < float(levels.min()) < float(levels.max()) < 0.004


def test_joints_of_noise_keep_its_power():
    noise = torch.randn(2, 1, 20000, generator=torch.Generator().manual_seed(0))
    mixed = joined(list(noise), 10000)
    assert float(mixed[:, 10000:20000].square().mean()) == pytest.approx(1.0, abs=0.05)


def test_a_hum_is_a_line_and_noise_has_none():
    with_hum, without = split(made(hum=0.003), EVENTS), split(made(), EVENTS)
    bins = np.linspace(0, RATE / 2, len(with_hum.lines))
    assert not without.lines.any()
    assert with_hum.lines[np.abs(bins - 300).argmin()]
    assert np.abs(bins[with_hum.lines] - 300).max() < 50


@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_where_a_recording_is_cut_off_does_not_depend_on_its_level(gain):
    assert split(made(cut=2500, gain=gain), EVENTS).edge == pytest.approx(2500, abs=200)
    assert split(made(gain=gain, colour=-0.8), EVENTS).edge == RATE / 2


def test_quiet_noise_is_as_loud_as_the_quietest_tenth():
    found = split(made(), EVENTS)
    level = 20 * float(quiet_noise(found, 0).square().mean().sqrt().log10())
    assert level == pytest.approx(found.quiet, abs=0.5)


def test_digital_silence_has_finite_levels_and_spectra():
    found = split(Recording(torch.zeros(1, RATE), RATE, "silence"))
    assert np.isfinite([found.loud, found.quiet, found.edge]).all()
    assert (found.spectrum > 0).all()
    assert not found.lines.any()
