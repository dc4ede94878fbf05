"""Two bursts in silence, at 8 kHz with 10 ms frames:

seconds    0.0   0.5   1.0   1.5   2.0   2.5   3.0
sound      ......|#####|...........|#####|.......
kept            0.45                           (0.05 s on either side)
"""

import dataclasses
import math

import numpy as np
import pytest
import torch

from daxaudio.containers import Event, Explanation, Recording, Spectrogram
from daxaudio.features.frontends import LogMel, make_front_end
from daxaudio.features.vad import EnergyVad, SplitVad, expand_to, frame_samples, make_vad, reduce_to
from daxaudio.metrics import frame_auc

RATE, HOP = 8000, 80
BURSTS = [Event(0.5, 1.0), Event(2.0, 2.5)]
WITHOUT_SILENCE = LogMel(RATE, 200, HOP, 16, peak_normalise=True, vad={"threshold": 1e-4})


def bursts(level=0.5, tone=(500, 2000)):
    """A low tone, silence, a high tone."""
    times = torch.arange(3 * RATE) / RATE
    wave = torch.zeros(3 * RATE)
    for event, frequency in zip(BURSTS, tone, strict=True):
        inside = (times >= event.start) & (times < event.end)
        wave += level * inside * torch.sin(2 * math.pi * frequency * times)
    return Recording(wave[None], RATE, "bursts")


def test_sound_and_a_margin_on_either_side_is_kept():
    kept = EnergyVad()(bursts().waveform[0], RATE)
    edges = kept.int().diff(prepend=torch.zeros(1), append=torch.zeros(1)).nonzero().flatten()
    assert (edges / RATE).tolist() == pytest.approx([0.45, 1.05, 1.95, 2.55], abs=0.002)


def test_both_ends_are_deleted_however_loud():
    kept = EnergyVad(ends=0.1)(torch.ones(1000), sample_rate=1000)
    assert kept.nonzero().flatten().tolist() == list(range(100, 900))


def test_margin_reaches_no_sample_beyond_it():
    wave = torch.zeros(100)
    wave[40] = 1.0
    kept = EnergyVad(margin=0.003, ends=0)(wave, sample_rate=1000)
    assert kept.nonzero().flatten().tolist() == list(range(37, 44))


@pytest.mark.parametrize(("amplitude", "kept"), [(0.009, False), (0.011, True), (-0.011, True)])
def test_the_threshold_is_one_of_power(amplitude, kept):
    wave = torch.full((100,), amplitude)  # 1e-4 is 0.01 squared
    assert EnergyVad(threshold=1e-4, ends=0)(wave, sample_rate=1000).tolist() == [kept] * 100


def test_loudness_of_a_recording_does_not_matter_when_the_peak_is_normalised():
    quiet, loud = (WITHOUT_SILENCE.spectrogram(bursts(level)) for level in (0.001, 0.9))
    assert torch.equal(quiet.times, loud.times)
    torch.testing.assert_close(quiet.values, loud.values, atol=0.01, rtol=0)


def test_every_frame_knows_its_time_in_the_recording_as_it_was():
    spectrogram = WITHOUT_SILENCE.spectrogram(bursts())
    times, band = spectrogram.times, spectrogram.values.argmax(dim=0)
    frequencies = spectrogram.frequencies[band]
    steps = times.diff()
    assert (steps > 0).all()
    assert int((steps > 1.01 * HOP / RATE).sum()) == 1  # one stretch of silence between the two
    for event, frequency in zip(BURSTS, (500, 2000), strict=True):
        inside = (times > event.start + 0.02) & (times < event.end - 0.02)
        assert 44 <= int(inside.sum()) <= 48
        assert ((frequencies[inside] - frequency).abs() < 150).all()


def test_hop_is_that_of_the_front_end_where_times_jump():
    assert WITHOUT_SILENCE.spectrogram(bursts()).hop == pytest.approx(HOP / RATE)
    assert Spectrogram(torch.zeros(1, 1), torch.ones(1), torch.ones(1)).hop == 0


def test_a_frame_behind_the_last_sample_has_a_time_too():
    kept = torch.zeros(400, dtype=torch.bool)
    kept[100:260] = True  # two whole hops: three centred frames
    assert frame_samples(kept, 80, 3).tolist() == [100, 180, 260]


def test_whole_recording_can_be_had_from_the_same_front_end():
    whole = WITHOUT_SILENCE.spectrogram(bursts(), keep_silence=True)
    assert len(whole.times) == 1 + 3 * RATE // HOP
    assert float(whole.times[-1]) == pytest.approx(3.0)


def test_recording_of_silence_is_named():
    with pytest.raises(ValueError, match=r"still: 0\.000 s are left without silence"):
        WITHOUT_SILENCE.spectrogram(Recording(torch.zeros(1, RATE), RATE, "still"))


def test_settings_rebuild_the_front_end_and_name_only_what_is_on():
    again = make_front_end(WITHOUT_SILENCE.settings)
    assert again.vad == EnergyVad()
    assert again.settings == WITHOUT_SILENCE.settings
    assert {"peak_normalise", "vad"}.isdisjoint(LogMel().settings)


def explained(**changes):
    part = WITHOUT_SILENCE.spectrogram(bursts())
    mask = torch.full_like(part.values, 0.25)
    mask[:, (part.times >= 2.0) & (part.times < 2.5)] = 1.0
    explanation = Explanation(mask, part, "lime", attribution=mask - 0.5, standard_error=mask / 10)
    return dataclasses.replace(explanation, **changes)


def test_mask_comes_back_on_the_time_axis_with_zero_in_deleted_silence():
    whole = WITHOUT_SILENCE.spectrogram(bursts(), keep_silence=True)
    found, times = expand_to(whole, explained()), whole.times
    assert found.mask.shape == whole.values.shape
    silent = (times < 0.44) | ((times > 1.06) & (times < 1.94)) | (times > 2.56)
    assert not found.mask[:, silent].any()
    assert not found.attribution[:, silent].any()
    assert not found.standard_error[:, silent].any()
    assert (found.mask[:, (times > 0.46) & (times < 1.04)] == 0.25).all()
    assert (found.mask[:, (times > 2.01) & (times < 2.49)] == 1.0).all()
    assert frame_auc(found.profile, times, BURSTS[1:]) > 0.999


def test_masks_by_epoch_are_expanded_as_the_mask_is():
    whole = WITHOUT_SILENCE.spectrogram(bursts(), keep_silence=True)
    one = explained()
    found = expand_to(whole, dataclasses.replace(one, history={"masks": [one.mask.numpy()]}))
    np.testing.assert_array_equal(found.history["masks"][0], found.mask.numpy())
    assert len(one.history) == 0


def test_nothing_changes_where_nothing_was_deleted():
    front_end = LogMel(RATE, 200, HOP, 16)
    whole = front_end.spectrogram(bursts())
    one = Explanation(torch.rand(whole.values.shape), whole, "lime")
    assert torch.equal(expand_to(whole, one).mask, one.mask)


def test_what_was_expanded_is_taken_back_to_the_last_bin():
    whole = WITHOUT_SILENCE.spectrogram(bursts(), keep_silence=True)
    part = WITHOUT_SILENCE.spectrogram(bursts())
    mask = torch.rand(part.values.shape, generator=torch.Generator().manual_seed(0))
    one = explained(mask=mask, attribution=mask - 0.5, standard_error=mask / 10)
    again = reduce_to(part, expand_to(whole, one))
    assert torch.equal(again.mask, one.mask)
    assert torch.equal(again.attribution, one.attribution)
    assert torch.equal(again.standard_error, one.standard_error)
    assert torch.equal(again.spectrogram.values, part.values)


def test_last_frame_behind_the_end_is_lost_and_no_other():
    whole = Spectrogram(torch.zeros(1, 4), torch.ones(1), torch.arange(4.0))
    part = Spectrogram(torch.zeros(1, 3), torch.ones(1), torch.tensor([0.5, 1.9, 3.8]))
    one = Explanation(torch.tensor([[0.2, 0.4, 0.6]]), part, "rise")
    assert reduce_to(part, expand_to(whole, one)).mask.tolist() == [pytest.approx([0.2, 0.4, 0])]


def test_another_recording_or_front_end_is_refused():
    one = explained()
    short = Recording(bursts().waveform[:, :RATE], RATE, "short")
    with pytest.raises(ValueError, match="give the recording that was explained"):
        expand_to(WITHOUT_SILENCE.spectrogram(short, keep_silence=True), one)
    with pytest.raises(ValueError, match="other frequencies"):
        expand_to(LogMel(RATE, 200, HOP, 12).spectrogram(bursts()), one)


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"margin": -1.0}, {"ends": math.inf}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="vad: "):
        EnergyVad(**wrong)


def test_single_frame_that_was_explained_is_found_again():
    whole = Spectrogram(torch.zeros(1, 4), torch.ones(1), torch.arange(4.0))
    part = Spectrogram(torch.zeros(1, 1), torch.ones(1), torch.tensor([2.2]))
    mask = expand_to(whole, Explanation(torch.ones(1, 1), part, "rise")).mask
    assert mask.tolist() == [[0, 0, 1, 0]]


def test_split_keeps_what_is_not_much_quieter_than_the_loudest():
    wave = bursts().waveform[0].clone()
    wave[: RATE // 4] = 0.5 * 10 ** (-30 / 20)  # 30 dB below the bursts
    for top_db, starts in ((20, [0.5, 2.0]), (50, [0.0, 0.5, 2.0])):
        kept = SplitVad(top_db=top_db, frame_length=160, hop_length=80)(wave, RATE)
        edges = kept.int().diff(prepend=torch.zeros(1), append=torch.zeros(1))
        assert ((edges == 1).nonzero().flatten() / RATE).tolist() == pytest.approx(starts, abs=0.02)


@pytest.mark.parametrize("level", [1e-3, 1.0])
def test_split_does_not_depend_on_the_gain(level):
    one, other = (SplitVad()(bursts(scale).waveform[0], RATE) for scale in (0.5, 0.5 * level))
    assert torch.equal(one, other)
    assert 0 < int(one.sum()) < len(one)


def test_split_finds_nothing_in_digital_silence():
    assert not SplitVad()(torch.zeros(RATE), RATE).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "webrtc"}, r"kind must be one of \['energy', 'split'\], got 'webrtc'"),
        ({"kind": "split", "threshold": 1e-4}, "unknown key 'threshold'"),
        ({"top_db": 30}, "unknown key 'top_db'"),
        ({"kind": "split", "top_db": 0}, "top_db must be above 0"),
        ({"kind": "split", "hop_length": 4096}, "hop_length <= frame_length"),
        ({"kind": ["split"]}, "kind must be one of"),
    ],
)
def test_a_vad_of_other_settings_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make_vad(settings)
