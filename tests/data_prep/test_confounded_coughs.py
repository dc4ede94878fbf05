"""Corpora to try audits on: who has what, that it can be measured in the sound, and where."""

import csv
import itertools

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import prepare_command

from daxaudio.containers import Event, Events
from daxaudio.data.events import read_events
from daxaudio.data.evidence import read_evidence
from daxaudio.data.kaldi import read_data_folder, validate_data_folder
from daxaudio_data_prep.synthetic.confounded_coughs import (
    Corpus,
    choose_people,
    make_corpus,
    make_take,
    sounding,
    tell,
)
from daxaudio_data_prep.synthetic.cough_files import write_phases
from daxaudio_data_prep.synthetic.cough_nuisances import KINDS, Confounding, deal_nuisances
from daxaudio_data_prep.synthetic.cough_recordings import Plant, trait_of
from daxaudio_data_prep.synthetic.cough_sounds import draws_for
from daxaudio_data_prep.synthetic.made_timings import draw_timing

main = prepare_command("confounded_coughs")

HONEST = Corpus(Plant("cough"), Confounding(), n_train=8, n_test=16, seed=3)
FULL = 1.0


def confounded(kind, strength=FULL, n=16):
    return Corpus(Plant("none"), Confounding(kind, strength), n_train=n, n_test=n, seed=3)


def sounds_of(corpus):
    """Of each participant to audit: the person, samples, and how loud what is."""
    rows = []
    for person in choose_people(corpus):
        if person.of_set != "test":
            continue
        timing = draw_timing(draws_for(corpus.seed, "timing", person.timing, 1))
        recording, _ = make_take(person, 1, timing, corpus)
        samples = recording.waveform[0].double().numpy()
        trait = trait_of(person.participant, corpus.seed)
        rows.append({"positive": person.positive, **measures(samples, trait), "person": person})
    return pd.DataFrame(rows)


def measures(samples, trait):
    """Hum over its neighbours where it is quiet; the peak; what is left above 4.5 kHz; in dB."""
    end = samples[-8000:] * np.hanning(8000)
    power = np.abs(np.fft.rfft(end)) ** 2
    pitch = 280 + 60 * trait
    around = np.fft.rfftfreq(8000, 1 / 16000) - pitch
    tone, beside = np.abs(around) < 8, (np.abs(around) > 20) & (np.abs(around) < 60)
    whole = np.abs(np.fft.rfft(samples)) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / 16000)
    return {
        "hum": 10 * np.log10(power[tone].max() / np.median(power[beside])),
        "level": 20 * np.log10(np.abs(samples).max()),
        "bandwidth": 10 * np.log10(whole[frequencies > 4500].sum() / whole.sum()),
    }


HAS = {  # what tells who has a nuisance, whoever it is dealt to
    "hum": lambda rows: rows["hum"] > 11,
    "level": lambda rows: rows["level"] > -12,
    "bandwidth": lambda rows: rows["bandwidth"] < -40,
    "site": lambda rows: rows["person"].map(lambda person: person.nuisances.site),
}


# who has what


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [1.0, 0.75, 0.5, 0.0])
def test_the_strength_is_the_difference_of_the_shares_and_other_nuisances_have_none(kind, strength):
    people = choose_people(confounded(kind, strength))
    for of_set in ("train", "test"):
        for other in KINDS:
            share = {
                positive: np.mean(
                    [
                        getattr(person.nuisances, other)
                        for person in people
                        if (person.of_set, person.positive) == (of_set, positive)
                    ]
                )
                for positive in (True, False)
            }
            asked = strength if other == kind else 0.0
            assert share[True] - share[False] == asked
            assert share[True] + share[False] == 1


@pytest.mark.parametrize("kind", ["hum", "level", "bandwidth"])
def test_at_full_strength_the_confounder_is_in_the_sound_of_all_positives_and_of_no_other(kind):
    rows = sounds_of(confounded(kind))
    assert (HAS[kind](rows) == rows["positive"]).all()
    lost = {"hum"} if kind == "bandwidth" else set()  # a codec may leave a faint hum out
    for other in set(HAS) - {kind} - lost:
        assert HAS[other](rows[rows["positive"]]).mean() == 0.5
        assert HAS[other](rows[~rows["positive"]]).mean() == 0.5


def test_at_half_strength_three_quarters_of_the_positives_hum():
    rows = sounds_of(confounded("hum", 0.5))
    assert HAS["hum"](rows[rows["positive"]]).mean() == 0.75
    assert HAS["hum"](rows[~rows["positive"]]).mean() == 0.25


def test_in_an_honest_corpus_no_nuisance_that_can_be_heard_goes_with_the_class():
    rows = sounds_of(HONEST)
    for has in HAS.values():
        assert has(rows[rows["positive"]]).mean() == has(rows[~rows["positive"]]).mean() == 0.5


def test_nuisances_do_not_go_together():
    people = choose_people(Corpus(Plant("none"), Confounding(), n_train=200, n_test=200))
    table = pd.DataFrame([vars(person.nuisances) for person in people]).astype(float)
    correlation = table.corr().to_numpy() - np.eye(len(KINDS))
    assert np.abs(correlation).max() < 0.15


def test_a_coin_deals_shares_that_are_right_on_average_only():
    positive = [True, False] * 500
    shares = []
    for seed in range(5):
        dealt = deal_nuisances(positive, Confounding("site", 0.5, "by_chance"), seed)
        own = [each.site for each, of in zip(dealt, positive, strict=True) if of]
        shares.append(np.mean(own))
    assert len(set(shares)) > 1
    assert np.abs(np.array(shares) - 0.75).max() < 0.06


def test_two_that_share_a_timing_are_of_both_classes_and_in_one_set():
    people = choose_people(HONEST)
    for first, second in zip(people[::2], people[1::2], strict=True):
        assert first.timing == second.timing
        assert first.of_set == second.of_set
        assert first.positive != second.positive
    assert {person.takes for person in people} == {1, 2}


def test_symptoms_go_with_the_class_a_little_and_sex_and_age_do_not():
    people = choose_people(Corpus(Plant("none"), Confounding(), n_train=1000, n_test=1000))
    rows = pd.DataFrame([{**tell(person, 0), "p": person.positive} for person in people])
    some = (rows["symptoms"] != "no symptoms").groupby(rows["p"]).mean()
    assert abs(some[True] - 0.6) < 0.05
    assert abs(some[False] - 0.4) < 0.05
    assert (rows["sex"] == "male").groupby(rows["p"]).mean().diff().abs().max() < 0.06
    assert rows["age"].groupby(rows["p"]).mean().diff().abs().max() < 2


# the sounds


def test_a_second_recording_has_the_same_voice_and_other_sounds():
    person = choose_people(HONEST)[0]
    timing = draw_timing(draws_for(0, "a timing"))
    first, second = (make_take(person, take, timing, HONEST)[0] for take in (1, 2))
    assert first.recording_id[:-1] == second.recording_id[:-1]
    assert (first.waveform - second.waveform).abs().max() > 0.01


def test_evidence_is_planted_into_coughs_of_positives_alone():
    people = choose_people(HONEST)
    for person in people[:4]:
        timing = draw_timing(draws_for(HONEST.seed, "timing", person.timing, 1))
        _, evidence = make_take(person, 1, timing, HONEST)
        coughs = [(e.start, e.end) for e in timing if e.label == "cough"] if person.positive else []
        assert [(e.start, e.end) for e in evidence] == coughs
        assert {e.label for e in evidence} <= {"p"}


def test_drawn_timings_are_short_without_gaps_and_have_coughs():
    for k in range(200):
        timing = draw_timing(draws_for(k, "timing"))
        assert timing[0].start == 0
        assert all(a.end == b.start for a, b in itertools.pairwise(timing))
        assert 1.4 <= timing[-1].end <= 3.7
        labels = [event.label for event in timing]
        assert "cough" in labels
        assert (labels[0], labels[-1]) == ("noise", "noise")
        assert {event.label for event in sounding(timing)} <= {
            *("inhale", "compression", "cough", "throat")
        }


# the files


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "corpus"
    make_corpus(HONEST, out)
    return out


def test_train_and_test_are_sound_folders_of_different_participants(made):
    folders = {name: read_data_folder(made / name) for name in ("train", "test")}
    for name in folders:
        assert validate_data_folder(made / name) == []
    train, test = (set(folders[name].utt2spk.values()) for name in ("train", "test"))
    assert (len(train), len(test)) == (8, 16)
    assert not train & test
    assert len(folders["test"].ids) == 20  # every fourth has two
    for name, path in folders["test"].wav_scp.items():
        about = soundfile.info(path)
        assert (about.samplerate, about.subtype) == (16000, "PCM_16")
        assert about.duration == pytest.approx(folders["test"].utt2dur[name])


def test_the_tables_name_all_participants_and_the_truth(made):
    people = pd.read_csv(made / "participants.csv")
    truth = pd.read_csv(made / "planted.csv")
    assert list(people) == ["participant", "age", "sex", "site", "device", "symptoms"]
    assert people["participant"].tolist() == truth["participant"].tolist()
    assert people["site"].tolist() == truth["site"].tolist()
    assert people["device"].nunique() == 4
    assert (people["device"].str.split().str[0] == people["site"]).all()
    labels = read_data_folder(made / "test").text
    for row in truth[truth["set"] == "test"].itertuples():
        assert labels[f"{row.participant}_1"] == row.label


def test_events_leave_the_background_free_and_hold_the_evidence(made):
    events = read_events(made / "test" / "events.tsv")
    data = read_data_folder(made / "test")
    assert {name.removesuffix(".wav") for name in events} == set(data.ids)
    evidence = read_evidence(made / "test" / "evidence.csv")
    for name in data.ids:
        own = events[f"{name}.wav"]
        assert own.end < data.utt2dur[name] - 0.55
        for part in evidence.get(name, ()):
            assert any(e.start <= part.start and part.end <= e.end for e in own)


def test_the_same_words_give_the_same_bytes_and_others_are_refused(made, tmp_path, capsys):
    words = ["--n_train", "8", "--n_test", "16", "--seed", "3", "--out"]
    assert main([*words, str(tmp_path / "again")]) == 0
    for path in sorted(made.rglob("*.*")):
        if path.name == "wav.scp":  # names folders
            continue
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(made)).read_bytes()
    capsys.readouterr()
    assert main([*words, str(made), "--confounder", "hum"]) == 2
    assert "holds a corpus of other settings" in capsys.readouterr().err


def test_timings_of_textgrids_are_taken(tmp_path):
    for k, name in enumerate(("AAA", "BBB")):
        end = 1.5 + k
        timing = Events(
            [Event(0.0, 0.5, "noise"), Event(0.5, 1.0, "cough"), Event(1.0, end, "noise")]
        )
        write_phases(timing, tmp_path / "timings" / f"{name}.TextGrid")
    words = ["--textgrids", str(tmp_path / "timings"), "--n_train", "4", "--n_test", "4"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    data = read_data_folder(tmp_path / "out" / "test")
    assert {round(duration, 3) for duration in data.utt2dur.values()} <= {1.5, 2.5}
    with open(tmp_path / "out" / "test" / "events.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {(row["onset"], row["offset"], row["event_label"]) for row in rows} == {
        ("0.5", "1.0", "cough")
    }


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--n_test", "5"], "n_test must be an even number"),
        (["--confounder", "rain"], "confounder must be one of none, hum, level, bandwidth, site"),
        (["--confounder", "hum", "--strength", "1.5"], "strength of the confounder must lie in"),
        (["--dealing", "badly"], "dealing must be one of evenly, by_chance"),
        (["--sample_rate", "8000"], "sample_rate must lie between 16000 and 48000"),
    ],
)
def test_bad_words_give_one_line(words, what, tmp_path, capsys):
    assert main(["--out", str(tmp_path / "out"), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert what in line
