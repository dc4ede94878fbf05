import math
import shutil
from types import SimpleNamespace

import pytest
import torch
from conftest import prepare_command

from daxaudio.containers import Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.evidence import read_evidence
from daxaudio_data_prep.synthetic import scene_sounds, scenes
from daxaudio_data_prep.synthetic.planted_sounds import Draws
from daxaudio_data_prep.synthetic.scene_sounds import NOISE_DB, loud_stretches, shuffled
from daxaudio_data_prep.synthetic.scenes import SceneSettings, make_scene, make_scenes

main = prepare_command("scenes")

RATE = 16000
SEEDS = range(6)
speaks = pytest.mark.skipif(
    shutil.which(scene_sounds.PROGRAM) is None, reason=f"no {scene_sounds.PROGRAM} here"
)


def level_db(samples):
    return 10 * math.log10(float(samples.double().square().mean()))


def inside_and_outside(scene, margin=0.02):
    """Level in dB during the events, and at all other times but near their borders."""
    samples, rate = scene.recording.waveform[0], scene.recording.sample_rate
    times = (torch.arange(len(samples)) + 0.5) / rate
    during = torch.zeros(len(samples), dtype=torch.bool)
    near = during.clone()
    for event in scene.events:
        during |= (times > event.start) & (times < event.end)
        near |= (times > event.start - margin) & (times < event.end + margin)
    return level_db(samples[during]), level_db(samples[~near])


@pytest.fixture
def bark(tmp_path):
    """A clip of 3 s: silence, and a tone from 1.00 to 1.20 s that is loud from its start on."""
    samples = torch.zeros(1, 3 * RATE)
    times = torch.arange(round(0.2 * RATE)) / RATE
    samples[0, RATE : RATE + len(times)] = 0.5 * (2 * math.pi * 700 * times).sin()
    path = tmp_path / "1-1-A.wav"
    write_recording(Recording(samples, RATE), path)
    return path


def clip_settings(bark, **others):
    return SceneSettings("clip", label="Dog", clips=(bark,), clip_seconds=1.0, **others)


@pytest.mark.parametrize("seed", SEEDS)
def test_truth_of_a_clip_is_where_it_is_loud_and_not_where_it_was_cut(bark, seed):
    scene = make_scene("a", clip_settings(bark), seed)
    assert scene.event.label == "Dog"
    assert scene.event.duration == pytest.approx(0.2, abs=0.011)
    inside, outside = inside_and_outside(scene)
    assert inside == pytest.approx(NOISE_DB + 15, abs=1)
    assert outside == pytest.approx(NOISE_DB, abs=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_distractors_are_louder_than_what_is_looked_for_and_never_at_its_time(bark, seed):
    plain, crowded = (make_scene("a", clip_settings(bark, distractors=n), seed) for n in (0, 2))
    inside, outside = inside_and_outside(crowded)
    assert inside == pytest.approx(inside_and_outside(plain)[0], abs=0.5)
    samples = crowded.recording.waveform[0]
    loudest = max(level_db(samples[k : k + 1600]) for k in range(0, len(samples) - 1600, 400))
    assert loudest == pytest.approx(NOISE_DB + 21, abs=4)
    assert outside > NOISE_DB + 8


@pytest.fixture
def corpus(tmp_path):
    """Two clips of each class of tones, of folds 1 and 2."""
    folder = tmp_path / "esc10"
    times = torch.arange(2 * RATE) / RATE
    for name, tone in (("001 - Dog bark", 700), ("002 - Rain", 2500), ("003 - Sea waves", 5000)):
        for fold in (1, 2):
            path = folder / name / f"{fold}-{tone}-A.wav"
            write_recording(Recording((2 * math.pi * tone * times).sin()[None], RATE), path)
    return folder


def power_near(samples, frequency):
    power = torch.fft.rfft(samples.double()).abs().square()
    bins = torch.fft.rfftfreq(len(samples), 1 / RATE)
    return float(power[(bins - frequency).abs() < 20].sum())


@pytest.mark.parametrize("louder_db", [-6, 0, 10])
def test_clips_of_other_classes_stand_beside_as_much_louder_as_is_asked(corpus, louder_db):
    beside = tuple(corpus.glob("002*/*.wav"))
    (bark, _) = sorted(corpus.glob("001*/*.wav"))
    settings = clip_settings(bark, distractors=1, beside=beside, louder_db=louder_db)
    scene = make_scene("a", settings)
    samples = scene.recording.waveform[0]
    found = 10 * math.log10(power_near(samples, 2500) / power_near(samples, 700))
    assert found == pytest.approx(louder_db, abs=0.5)
    assert power_near(samples, 5000) < 0.01 * power_near(samples, 700)


def test_other_notes_are_as_much_louder_as_is_asked():
    plain, louder = (
        make_scene("a", SceneSettings("notes", seconds=2.0, louder_db=level)) for level in (None, 6)
    )
    assert plain.event == louder.event
    inside, outside = zip(*map(inside_and_outside, (plain, louder)), strict=True)
    assert inside[0] == pytest.approx(inside[1], abs=0.1)
    assert outside[1] - outside[0] == pytest.approx(6, abs=0.5)


def test_clips_and_distractors_are_of_the_folds_that_are_asked_for(corpus, monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(scenes, "make_scenes", lambda settings, *others: made.append(settings))
    words = ["--kind", "clip", "--corpus", corpus, "--clip_class", "dog_bark", "--folds", 2]
    assert main([*words, "--beside", "rain", "sea_waves", "--out", tmp_path / "out"]) == 0
    assert [path.name for path in made[0].clips] == ["2-700-A.wav"]
    assert sorted(path.name for path in made[0].beside) == ["2-2500-A.wav", "2-5000-A.wav"]


def test_distractors_of_clips_without_a_corpus_are_one_line(tmp_path, capsys):
    assert main(["--kind", "speech", "--beside", "rain", "--out", tmp_path / "out"]) == 2
    assert "--beside needs clips to draw from; give --corpus" in capsys.readouterr().err


def test_notes_are_equally_loud_and_one_is_known_in_time_and_frequency():
    places = set()
    for seed in SEEDS:
        scene = make_scene("a", SceneSettings("notes", seconds=2.0, sample_rate=22050), seed)
        inside, outside = inside_and_outside(scene)
        assert abs(inside - NOISE_DB - 15) < 3
        assert outside > NOISE_DB + 8  # the other two
        places.add(round(scene.event.start, 1))
        assert [part.label for part in scene.evidence] == ["A4"] * 5
        assert all((p.start, p.end) == (scene.event.start, scene.event.end) for p in scene.evidence)
        first = scene.evidence[0]
        assert first.f_min < 440 < first.f_max < 460
        samples = scene.recording.waveform[0].double()
        at = round(scene.event.start * 22050), round(scene.event.end * 22050)
        power = torch.fft.rfft(samples[at[0] : at[1]]).abs().square()
        bins = torch.fft.rfftfreq(at[1] - at[0], 1 / 22050)
        within = sum(((bins > p.f_min) & (bins < p.f_max)).int() for p in scene.evidence) > 0
        assert power[within].sum() > 0.9 * power[bins > 60].sum()
    assert len(places) > 2


def test_the_same_seed_gives_the_same_bytes_and_another_another_scene(bark, tmp_path):
    settings = clip_settings(bark, distractors=1)
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        make_scenes(settings, 2, seed, tmp_path / name)
    files = ("audio/clip-0000.wav", "audio/clip-0001.wav", "events.tsv", "text")
    for file in files:
        one, two, other = (tmp_path / name / file for name in ("one", "two", "other"))
        assert one.read_bytes() == two.read_bytes()
        assert file == "text" or one.read_bytes() != other.read_bytes()
    assert (tmp_path / "one/text").read_text() == "clip-0000 Dog\nclip-0001 Dog\n"


def test_more_scenes_leave_the_first_ones_as_they_were(bark, tmp_path):
    for n in (1, 3):
        make_scenes(clip_settings(bark), n, 0, tmp_path / str(n))
    first = [(tmp_path / name / "audio/clip-0000.wav").read_bytes() for name in ("1", "3")]
    assert first[0] == first[1]


def test_notes_leave_their_evidence_beside_the_data_folder(tmp_path):
    assert main(["--kind", "notes", "--seconds", 2, "--n", 2, "--out", tmp_path]) == 0
    evidence = read_evidence(tmp_path / "evidence.csv")
    assert {name: len(parts) for name, parts in evidence.items()} == {
        "notes-0000": 5,
        "notes-0001": 5,
    }


@speaks
@pytest.mark.parametrize("seed", SEEDS[:2])
def test_speech_lies_where_its_event_says(seed):
    scene = make_scene("a", SceneSettings("speech"), seed)
    assert 0.5 < scene.event.duration < 2
    inside, outside = inside_and_outside(scene)
    assert inside > NOISE_DB + 10
    assert outside == pytest.approx(NOISE_DB, abs=1)


@speaks
def test_a_word_stands_between_sentences():
    scene = make_scene("a", SceneSettings("word", seconds=5.0, word="computer"), 0)
    assert scene.event.label == "computer"
    samples = scene.recording.waveform[0]
    for part in (
        samples[: round(scene.event.start * RATE)],
        samples[round(scene.event.end * RATE) :],
    ):
        assert level_db(part) > NOISE_DB + 5


def test_speech_without_the_program_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main(["--kind", "speech", "--out", tmp_path / "out"]) == 2
    message = capsys.readouterr().err.strip()
    assert message.count("\n") == 0
    assert "espeak-ng: apt install espeak-ng" in message
    assert not (tmp_path / "out").exists()


def test_loud_stretches_bridge_short_gaps_and_no_long_ones():
    on, short, long = torch.ones(160), torch.zeros(160 * 4), torch.zeros(160 * 8)
    samples = torch.cat([long, on, short, on, long, on])
    found = [round(time, 3) for run in loud_stretches(samples, RATE) for time in run]
    assert found == [0.08, 0.14, 0.22, 0.23]


def test_every_clip_comes_once_before_one_comes_again(tmp_path, monkeypatch):
    made = []

    def note(name, settings, seed):
        made.append(settings.clips)
        return SimpleNamespace(evidence=())

    monkeypatch.setattr(scenes, "make_scene", note)
    monkeypatch.setattr(scenes, "write_planted", lambda *places: None)
    clips = tuple(tmp_path / f"{k}.wav" for k in range(4))
    make_scenes(SceneSettings("clip", clips=clips), 8, 0, tmp_path)
    assert sorted(made[:4]) == sorted((clip,) for clip in clips)
    assert made[:4] == made[4:]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "songs"}, "kind must be one of speech, word, clip, notes"),
        ({"kind": "notes", "note": "H4"}, "note must be one of C4, E4, A4"),
        ({"kind": "notes", "seconds": 0.1}, "seconds must be from 1"),
        ({"kind": "notes", "sample_rate": 8000}, "sample_rate must be from 12001"),
        ({"kind": "speech", "distractors": 9}, "distractors must be from 0 to 5"),
        ({"kind": "speech", "snr_db": 90.0}, "snr_db must be from -40 to 40"),
        ({"kind": "clip"}, "give --corpus"),
        ({"kind": "speech", "louder_db": 30.0}, "louder_db must be from -20 to 20"),
    ],
)
def test_settings_out_of_range_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        SceneSettings(**settings)


def test_a_scene_that_is_too_short_says_how_long_it_must_be():
    with pytest.raises(ValueError, match=r"take 1\.9 s with the gaps between them; .* 1\.5 s"):
        make_scene("a", SceneSettings("notes", seconds=1.5))


def test_unknown_class_of_clips_lists_the_known_ones(tmp_path, capsys):
    clip = tmp_path / "001 - Dog bark" / "1-1-A.wav"
    write_recording(Recording(torch.ones(1, 1000), RATE), clip)
    words = ["--kind", "clip", "--corpus", tmp_path, "--clip_class", "cow", "--out", tmp_path / "o"]
    assert main(words) == 2
    assert "'cow' is not in" in (message := capsys.readouterr().err)
    assert "dog_bark" in message


def test_shuffled_keeps_every_name():
    assert sorted(shuffled("abcdef", Draws(0, "x"))) == list("abcdef")
