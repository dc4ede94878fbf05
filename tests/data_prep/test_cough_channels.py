"""What lies between mouth and file of a made cough: room, microphone, hum, codec."""

import numpy as np
import pytest
import soundfile
from scipy import signal

from daxaudio_data_prep.synthetic.cough_channels import (
    DEVICES,
    SITES,
    add_hum,
    cut_band,
    hear,
    record,
    resample,
    reverberate,
)
from daxaudio_data_prep.synthetic.cough_nuisances import Nuisances
from daxaudio_data_prep.synthetic.cough_sounds import SAMPLE_RATE, draws_for, root_mean_square


def impulse(n=SAMPLE_RATE):
    samples = np.zeros(n)
    samples[0] = 1.0
    return samples


def noise(n=32000, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(n)


def test_the_rooms_of_the_sites_die_away_within_their_times():
    for site, (shortest, longest) in {"north": (0.1, 0.2), "south": (0.25, 0.35)}.items():
        for k in range(20):
            heard = reverberate(impulse(), site, draws_for(k, "room"))
            assert heard[0] == pytest.approx(1.0)
            seconds = np.flatnonzero(np.abs(heard) > 1e-9)[-1] / SAMPLE_RATE
            assert shortest - 0.01 <= seconds <= longest + 0.01
    assert set(SITES) == {"north", "south"}


@pytest.mark.parametrize(("site", "frequency"), [("north", 2200.0), ("south", 700.0)])
def test_each_microphone_has_its_peak(site, frequency):
    for device, peak_db in zip(DEVICES, (3.5, 6.5), strict=True):
        gain = np.abs(np.fft.rfft(hear(impulse(), site, device)))
        frequencies = np.fft.rfftfreq(SAMPLE_RATE, 1 / SAMPLE_RATE)
        assert abs(frequencies[gain.argmax()] - frequency) < 20
        assert 20 * np.log10(gain.max()) == pytest.approx(peak_db, abs=0.05)
        assert gain[0] == pytest.approx(1.0, abs=1e-6)


def test_a_hum_is_as_loud_as_asked():
    samples = noise()
    hum = add_hum(samples, -20.0, 0.5) - samples
    level = 20 * np.log10(root_mean_square(hum) / np.abs(samples).max())
    assert level == pytest.approx(-20.0, abs=1e-6)


@pytest.fixture(params=["codec", "filter"])
def cut(request, monkeypatch):
    """The codec, and what stands in where libsndfile does not have it."""
    if request.param == "filter":
        monkeypatch.setattr(soundfile, "available_subtypes", lambda name: {"VORBIS": ""})
    elif "OPUS" not in soundfile.available_subtypes("OGG"):
        pytest.skip("this libsndfile has no Opus")
    return cut_band


def test_a_cut_band_ends_at_that_of_a_telephone(cut):
    samples = noise()
    frequencies, before = signal.welch(samples, 16000, nperseg=512)
    _, after = signal.welch(cut(samples, 16000), 16000, nperseg=512)
    ratio = 10 * np.log10(after / before)
    assert ratio[frequencies > 4700].max() < -25
    assert np.abs(ratio[(frequencies > 200) & (frequencies < 3400)]).max() < 4


def test_a_cut_band_leaves_everything_in_its_place(cut):
    samples = noise() * np.exp(-np.linspace(0, 4, 32000))
    heard = cut(samples, 16000)
    assert heard.shape == samples.shape
    lag = signal.correlate(heard, samples).argmax() - (len(samples) - 1)
    assert abs(lag) <= 1


@pytest.mark.parametrize("sample_rate", [16000, 22050, 44100, 48000])
def test_a_recording_lasts_as_long_at_any_rate(sample_rate):
    samples = noise(44100)
    assert len(resample(samples, sample_rate)) == sample_rate
    heard = record(
        samples,
        "a",
        Nuisances(bandwidth=True),
        "a",
        trait=0.5,
        sample_rate=sample_rate,
        seed=0,
    )
    assert len(heard) == sample_rate
    assert np.abs(heard).max() <= 1


def test_one_who_is_loud_is_six_to_eighteen_db_louder():
    peaks = {}
    for loud in (True, False):
        peaks[loud] = [
            np.abs(
                record(
                    noise(),
                    f"person {k}",
                    Nuisances(level=loud),
                    "a",
                    trait=0.5,
                    sample_rate=16000,
                    seed=0,
                )
            ).max()
            for k in range(20)
        ]
    db = {loud: 20 * np.log10(values) for loud, values in peaks.items()}
    assert -9.01 < db[True].min() < db[True].max() < -2.99
    assert -21.01 < db[False].min() < db[False].max() < -14.99
