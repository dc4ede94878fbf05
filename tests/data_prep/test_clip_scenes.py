import csv
import dataclasses
import itertools
import math

import pytest
import torch
from conftest import prepare_command

from daxaudio.containers import Recording
from daxaudio.data.audio import read_recording, write_recording
from daxaudio.data.events import read_events
from daxaudio.data.kaldi import read_data_folder
from daxaudio_data_prep.synthetic.clip_scenes import ClipSettings, cut_loud_part
from daxaudio_data_prep.synthetic.mosaics import make_mosaic
from daxaudio_data_prep.synthetic.overlaps import OverlapSettings, make_overlap
from daxaudio_data_prep.synthetic.scene_sounds import NOISE_DB

overlaps, mosaics = prepare_command("overlaps"), prepare_command("mosaics")

RATE = 8000
TONES = {"001 - Dog bark": 500, "002 - Rain": 900, "003 - Sea waves": 1700, "004 - Baby cry": 3100}
LABELS = {"dog_bark": 500, "rain": 900, "sea_waves": 1700, "baby_cry": 3100}
SEEDS = range(8)


def write_clip(path, frequency, start, end, level=0.3, duration=4.0):
    """A tone between two times, digital silence around it."""
    times = torch.arange(round(duration * RATE)) / RATE
    tone = level * (2 * math.pi * frequency * times).sin() * ((times >= start) & (times < end))
    write_recording(Recording(tone[None], RATE), path)
    return path


@pytest.fixture
def corpus(tmp_path):
    """Four classes, each a tone of its own, two clips of fold 4 and one of fold 1 of each."""
    for folder, frequency in TONES.items():
        for k, (start, end) in enumerate([(1.0, 2.0), (0.5, 3.5)]):
            write_clip(
                tmp_path / "esc" / folder / f"4-{k}-A.wav".replace("-", f"-{frequency}", 1),
                frequency,
                start,
                end,
                level=0.1 * (k + 1),
            )
        write_clip(tmp_path / "esc" / folder / f"1-{frequency}9-A.wav", 3500, 1, 2)
    return tmp_path / "esc"


@pytest.fixture
def clips(corpus):
    files = {
        label: sorted(folder.glob("4-*.wav"))
        for label, folder in zip(LABELS, sorted(corpus.iterdir()), strict=True)
    }
    return ClipSettings(files, sample_rate=RATE)


def power_at(samples, frequency, start, end):
    """Power of a tone within 20 Hz between two times; the noise beside it is taken off."""
    part = samples[round(start * RATE) : round(end * RATE)].double()
    spectrum = torch.fft.rfft(part * torch.hann_window(len(part), dtype=torch.float64)).abs() ** 2
    bins = torch.fft.rfftfreq(len(part), 1 / RATE)
    return float(spectrum[(bins - frequency).abs() < 20].sum()) / len(part) ** 2 * 16 / 3


def levels_of(scene):
    return {row["label"]: row["snr_db"] for row in scene.sounds}


@pytest.mark.parametrize("seed", SEEDS)
def test_two_classes_share_the_asked_part_of_the_shorter_ones_time(clips, seed):
    scene = make_overlap("a", seed, clips, OverlapSettings(), seed=seed)
    one, two = scene.events.of(*scene.asked)
    assert {one.label, two.label} <= set(LABELS)
    assert one.label != two.label
    share = one.overlap(two) / min(one.duration, two.duration)
    assert 0.23 < share < 0.77
    assert one.start > 0
    assert two.end < scene.recording.duration == pytest.approx(9.0, abs=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_class_is_heard_during_its_event_and_not_outside_it(clips, seed):
    scene = make_overlap("a", seed, clips, OverlapSettings(), seed=seed)
    samples = scene.recording.waveform[0]
    for event in scene.events:
        frequency = LABELS[event.label]
        inside = power_at(samples, frequency, event.start, event.end)
        before = power_at(samples, frequency, 0.0, max(0.15, event.start - 0.02))
        after = power_at(samples, frequency, event.end + 0.02, scene.recording.duration)
        assert inside > 30 * max(before, after)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_louder_class_is_asked_for_and_lies_so_far_above_the_other_as_is_written(clips, seed):
    scene = make_overlap("a", seed, clips, OverlapSettings(), seed=seed)
    (louder, high), (softer, low), (beside, third) = levels_of(scene).items()
    assert scene.asked == (louder, softer)
    assert third == high
    assert 20 <= high <= 30
    assert 0 <= high - low <= 10
    written = [row["below_loudest_db"] for row in scene.sounds]
    assert written == [0, pytest.approx(high - low, abs=2e-3), 0]
    samples = scene.recording.waveform[0]
    heard = {}
    for event in scene.events:
        power = power_at(samples, LABELS[event.label], event.start, event.end)
        heard[event.label] = 10 * math.log10(power) - NOISE_DB
    assert heard[louder] == pytest.approx(high, abs=1)
    assert heard[softer] == pytest.approx(low, abs=1)
    assert heard[beside] == pytest.approx(high, abs=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_third_class_sounds_before_or_after_the_two(clips, seed):
    scene = make_overlap("a", seed, clips, OverlapSettings(), seed=seed)
    (beside,) = scene.events.without(*scene.asked)
    assert min(abs(beside.start - e.end) for e in scene.events.of(*scene.asked)) > 0.28
    assert not any(beside.overlap(event) for event in scene.events.of(*scene.asked))
    plain = make_overlap("a", seed, clips, OverlapSettings(beside=0), seed=seed)
    assert plain.events.labels == tuple(sorted(scene.asked))


def test_classes_take_turns_at_being_louder_and_softer(clips):
    asked = [make_overlap(f"s{k}", k, clips, OverlapSettings()).asked for k in range(12)]
    for round_ in (asked[:4], asked[4:8], asked[8:]):
        assert {louder for louder, _ in round_} == {softer for _, softer in round_} == set(LABELS)
    assert set(asked) == set(itertools.permutations(LABELS, 2))


def test_every_clip_of_a_class_is_the_louder_one_once_before_one_comes_again(clips):
    scenes = [make_overlap(f"s{k}", k, clips, OverlapSettings()) for k in range(8)]
    assert len({scene.sounds[0]["clip"] for scene in scenes}) == 8


@pytest.mark.parametrize("seed", SEEDS)
def test_clips_of_a_mosaic_come_one_after_the_other_equally_loud(clips, seed):
    scene = make_mosaic("a", clips, seed=seed)
    assert len(scene.asked) in (3, 4)
    assert sorted(scene.asked) == sorted(event.label for event in scene.events)
    for one, following in itertools.pairwise(scene.events):
        assert 0.29 < following.start - one.end < 0.85
    assert len(set(levels_of(scene).values())) == 1
    samples = scene.recording.waveform[0]
    for event in scene.events:
        power = power_at(samples, LABELS[event.label], event.start, event.end)
        assert 10 * math.log10(power) - NOISE_DB == pytest.approx(
            levels_of(scene)[event.label], abs=1
        )
        others = [other for other in scene.events if other != event]
        for other in others:
            assert power > 30 * power_at(samples, LABELS[event.label], other.start, other.end)


def test_of_a_clip_the_loud_part_alone_is_cut_out(tmp_path):
    path = write_clip(tmp_path / "1-1-A.wav", 500, 1.0, 1.5)
    assert len(cut_loud_part(path, 2.0, RATE)) / RATE == pytest.approx(0.5, abs=0.011)
    long = write_clip(tmp_path / "1-2-A.wav", 500, 0.0, 4.0)
    assert len(cut_loud_part(long, 2.0, RATE)) / RATE == pytest.approx(2.0, abs=0.011)


def test_a_tick_is_true_for_a_tenth_of_a_second_wherever_it_lies(tmp_path):
    for place, start in enumerate((0.0, 2.0, 3.98)):
        path = write_clip(tmp_path / f"1-{place}-A.wav", 500, start, start + 0.02)
        assert len(cut_loud_part(path, 2.0, RATE)) / RATE == pytest.approx(0.1, abs=0.011)


def test_folders_hold_a_row_for_each_class_asked_and_the_events_of_all(corpus, tmp_path):
    common = ["--corpus", corpus, "--n", 2, "--sample_rate", RATE]
    assert overlaps([*common, "--out", tmp_path / "o", "--ask", "louder"]) == 0
    assert overlaps([*common, "--out", tmp_path / "e"]) == 0
    assert mosaics([*common, "--out", tmp_path / "m", "--sounds", 3, 3]) == 0
    louder, each, rows = (read_data_folder(tmp_path / name) for name in "oem")
    assert louder.ids == ["overlap-0000", "overlap-0001"]
    assert len(each.ids) == 4
    assert len(rows.ids) == 6
    for name, data in (("o", louder), ("e", each), ("m", rows)):
        events = read_events(tmp_path / name / "events.tsv")
        assert set(events) == {f"{recording_id}.wav" for recording_id in data.ids}
        for recording_id, label in data.text.items():
            assert label in events[f"{recording_id}.wav"].labels
            assert len(events[f"{recording_id}.wav"].labels) == 3
            if name != "o":
                assert recording_id == f"{data.utt2spk[recording_id]}-{label}"
    assert len(set(rows.wav_scp.values())) == 2
    sounds = list(csv.DictReader((tmp_path / "o" / "sounds.csv").open()))
    assert [row["label"] for row in sounds[::3]] == [louder.text[name] for name in louder.ids]
    assert all(row["below_loudest_db"] == "0.0" for row in sounds[::3])


def test_clips_of_other_folds_are_not_heard(corpus, tmp_path):
    assert (
        mosaics(["--corpus", corpus, "--n", 3, "--sample_rate", RATE, "--out", tmp_path / "m"]) == 0
    )
    clips = {row["clip"] for row in csv.DictReader((tmp_path / "m" / "sounds.csv").open())}
    assert {clip[0] for clip in clips} == {"4"}


@pytest.mark.parametrize("prepare", [overlaps, mosaics])
def test_the_same_seed_gives_the_same_bytes_however_many_scenes_are_made(corpus, tmp_path, prepare):
    for name, n, seed in (("one", 2, 0), ("more", 3, 0), ("other", 2, 1)):
        words = ["--corpus", corpus, "--n", n, "--seed", seed, "--sample_rate", RATE]
        assert prepare([*words, "--out", tmp_path / name]) == 0
    first = sorted((tmp_path / "one" / "audio").iterdir())
    assert len(first) == 2
    for file in first:
        one, more, other = (tmp_path / d / "audio" / file.name for d in ("one", "more", "other"))
        assert one.read_bytes() == more.read_bytes()
        assert one.read_bytes() != other.read_bytes()


@pytest.mark.parametrize(
    ("prepare", "words", "message"),
    [
        (overlaps, ["--n", 0], "n must be at least 1"),
        (overlaps, ["--folds", "7"], "no clip in fold 7"),
        (overlaps, ["--folds", "all"], "expected fold numbers"),
        (overlaps, ["--stretch", 3, 1], "stretch must be two numbers from 0.2 to 30"),
        (overlaps, ["--snr_db", -3, 5], "snr_db must be two numbers from 0 to 60"),
        (overlaps, ["--difference_db", 0, 90], "difference_db must be two numbers from 0 to 40"),
        (overlaps, ["--overlap", 0.5, 2], "overlap must be two numbers from 0 to 1"),
        (overlaps, ["--seconds", 1.5], "give the scene more than 1.5 s"),
        (overlaps, ["--seconds", "nan"], "seconds must be from 1"),
        (overlaps, ["--sample_rate", 10], "sample_rate must be from 8000"),
        (mosaics, ["--sounds", 1, 3], "sounds must be two numbers from 2 to 10"),
        (mosaics, ["--sounds", 5, 6], "6 sounds need as many classes; there are 4"),
    ],
)
def test_bad_input_is_one_line(corpus, tmp_path, capsys, prepare, words, message):
    assert prepare(["--corpus", corpus, "--out", tmp_path / "out", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "out" / "wav.scp").exists()


def test_more_than_one_clip_beside_the_two_is_refused():
    with pytest.raises(ValueError, match="beside must be 0 or 1, got 2"):
        OverlapSettings(beside=2)


def test_default_lengths_fit_into_a_scene(clips):
    longest = dataclasses.replace(clips, stretch=(3.0, 3.0))
    for seed in range(20):
        make_overlap("a", seed, longest, OverlapSettings(overlap=(0.25, 0.25)), seed=seed)


def test_a_silent_clip_is_named(corpus, tmp_path, capsys):
    silent = write_clip(corpus / "002 - Rain" / "2-1-A.wav", 500, 9, 9)
    write_clip(corpus / "001 - Dog bark" / "2-2-A.wav", 500, 1, 2)
    words = ["--corpus", corpus, "--folds", 2, "--n", 2, "--out", tmp_path / "out"]
    assert overlaps(words) == 2
    assert "needs clips of three classes; take beside 0" in capsys.readouterr().err
    assert overlaps([*words, "--beside", 0]) == 2
    assert f"{silent}: is silent" in capsys.readouterr().err


def test_one_class_is_too_few(corpus, tmp_path, capsys):
    write_clip(corpus / "001 - Dog bark" / "2-2-A.wav", 500, 1, 2)
    assert overlaps(["--corpus", corpus, "--folds", 2, "--out", tmp_path / "out"]) == 2
    assert "clips of two classes at least, got dog_bark" in capsys.readouterr().err


def test_scenes_are_of_the_rate_asked_for(corpus, tmp_path):
    words = ["--corpus", corpus, "--n", 1, "--sample_rate", 16000, "--out", tmp_path / "out"]
    assert overlaps(words) == 0
    assert read_recording(tmp_path / "out" / "audio" / "overlap-0000.wav").sample_rate == 16000
