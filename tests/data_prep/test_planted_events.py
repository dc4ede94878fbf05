import math

import pytest
import soundfile
import torch
from conftest import prepare_command

from daxaudio.data.evidence import read_evidence
from daxaudio_data_prep.synthetic.planted_events import CLASSES, make_corpus, plant

main = prepare_command("planted_events")

RATE = 16000
SEEDS = range(6)
PARTS = ("train", "test")


def band(waveform, f_min, f_max, sample_rate=RATE):
    spectrum = torch.fft.rfft(waveform.double())
    frequencies = torch.fft.rfftfreq(waveform.shape[-1], 1 / sample_rate)
    inside = (frequencies >= f_min) & (frequencies <= f_max)
    return torch.fft.irfft(spectrum * inside, n=waveform.shape[-1])


def inside_and_outside(planted):
    """Mean power inside all evidence and outside its time, each row in its own band."""
    waveform = planted.recording.waveform[0]
    during = torch.zeros(len(waveform), dtype=torch.bool)
    for part in planted.evidence:
        during[round(part.start * RATE) : round(part.end * RATE)] = True
    inside, outside = 0.0, 0.0
    for part in planted.evidence:
        power = band(waveform, part.f_min, part.f_max).square()
        inside += float(power[round(part.start * RATE) : round(part.end * RATE)].mean())
        outside += float(power[~during].mean())
    return inside, outside


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("label", CLASSES)
def test_the_evidence_stands_out_in_its_own_band_and_time(label, seed):
    inside, outside = inside_and_outside(plant("a", label, seed))
    assert 10 * math.log10(inside / outside) > 3


@pytest.mark.parametrize("label", CLASSES)
def test_evidence_is_inside_the_recording_and_below_nyquist(label):
    for seed in range(20):
        planted = plant("a", label, seed)
        assert 2 <= planted.recording.duration <= 3
        assert planted.event.label == label
        assert 0.35 < planted.event.duration <= 0.7 + 1e-3
        for part in planted.evidence:
            assert 0.09 <= part.start < part.end <= planted.recording.duration - 0.09
            assert 500 < part.f_min < part.f_max <= 6000
        assert float(planted.recording.waveform.abs().max()) < 1


@pytest.mark.parametrize("seed", SEEDS)
def test_low_and_high_warble_differ_only_in_the_planted_part(seed):
    low, high = plant("a", "warble_low", seed), plant("a", "warble_high", seed)
    assert (low.event.start, low.event.end) == (high.event.start, high.event.end)
    difference = high.recording.waveform[0] - low.recording.waveform[0]
    start, end = round(low.event.start * RATE), round(low.event.end * RATE)
    assert not difference[:start].any()
    assert not difference[end:].any()
    # what is left lies in the two bands; fading lets a little leak out
    planted = sum(band(difference, p.f_min, p.f_max) for p in (*low.evidence, *high.evidence))
    leaked = float((difference - planted).square().sum() / difference.square().sum())
    assert leaked < 0.01


@pytest.mark.parametrize("label", CLASSES[1:])
def test_all_classes_share_background_and_distractors(label):
    one, other = plant("a", "clicks", 4), plant("a", label, 4)
    difference = (one.recording.waveform - other.recording.waveform)[0]
    first = int(min(one.event.start, other.event.start) * RATE) - 1
    assert not difference[:first].any()
    assert one.recording.waveform[0, :first].any()


def test_energy_alone_does_not_give_the_truth():
    """The loudest frames are those of distractors in most recordings."""
    hits = 0
    for seed in range(30):
        planted = plant("a", CLASSES[seed % len(CLASSES)], seed)
        frames = planted.recording.waveform[0].unfold(0, 400, 400).square().mean(dim=1)
        time = (int(frames.argmax()) + 0.5) * 400 / RATE
        hits += planted.event.start <= time <= planted.event.end
    assert hits < 15


def test_recordings_and_seeds_differ_and_repeat():
    first = plant("a", "clicks", 0).recording.waveform
    assert torch.equal(first, plant("a", "clicks", 0).recording.waveform)
    for name, seed in (("b", 0), ("a", 1)):
        other = plant(name, "clicks", seed).recording.waveform
        n = min(first.shape[1], other.shape[1])
        assert not torch.equal(first[:, :n], other[:, :n])


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    out = tmp_path / "corpus"
    contents = []
    for _ in range(2):
        assert main(["--out", str(out), "--n_train", "7", "--n_test", "2", "--seed", "3"]) == 0
        contents.append({path: path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert contents[0] == contents[1]


def test_what_is_written_is_what_was_planted(tmp_path):
    make_corpus(tmp_path, n_train=7, n_test=2, seed=1, sample_rate=22050)
    train, evidence = (read_evidence(tmp_path / f"{part}/evidence.csv") for part in PARTS)
    assert (len(train), len(evidence)) == (7, 2)
    assert len((tmp_path / "train" / "text").read_text().splitlines()) == 7
    assert (tmp_path / "test" / "text").read_text() == "test-0000 clicks\ntest-0001 chirp_up\n"
    planted = plant("test-0001", "chirp_up", seed=1, sample_rate=22050)
    assert evidence["test-0001"] == list(planted.evidence)
    samples, rate = soundfile.read(tmp_path / "audio" / "test-0001.wav", dtype="float32")
    assert rate == 22050
    assert torch.equal(torch.from_numpy(samples), planted.recording.waveform[0])
    header, *rows = (tmp_path / "test" / "events.tsv").read_text().splitlines()
    assert header.split("\t") == ["filename", "onset", "offset", "event_label"]
    name, onset, offset, label = rows[1].split("\t")
    assert (name, label) == ("test-0001.wav", "chirp_up")
    assert float(onset) == pytest.approx(planted.event.start, abs=1e-4)
    assert float(offset) == pytest.approx(planted.event.end, abs=1e-4)


def test_bad_input_gives_one_line_and_exit_code_2(tmp_path, capsys):
    assert main(["--out", str(tmp_path), "--sample_rate", "8000"]) == 2
    message = capsys.readouterr().err.splitlines()
    assert len(message) == 1
    assert "sample_rate must be above 12000 and at most 384000, got 8000" in message[0]
    assert main(["--out", str(tmp_path), "--n_test", "0"]) == 2
    assert "n_train and n_test must be at least 1, got 60 and 0" in capsys.readouterr().err


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match=r"label must be one of clicks, .*got 'cat'"):
        plant("a", "cat")


def test_what_cannot_be_written_is_said_in_words(tmp_path, capsys):
    (tmp_path / "a").write_text("mine")
    assert main(["--out", str(tmp_path / "a")]) == 2
    assert capsys.readouterr().err.endswith("a/audio: Not a directory\n")


def test_a_rate_that_would_take_all_memory_is_refused_before_anything_is_made():
    with pytest.raises(ValueError, match="above 12000 and at most 384000, got 1000000000"):
        plant("a", "clicks", sample_rate=10**9)
