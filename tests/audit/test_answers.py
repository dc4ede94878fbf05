"""What a model is asked about one recording: donors, numbers, files."""

import dataclasses
import json

import pytest
import torch
from made_coughs import EVENTS, RATE, Ears, made, write_corpus

from daxaudio.audit import answers
from daxaudio.audit.answers import ALONE, AS_IS, Answering, table_of_answers, table_of_predictions
from daxaudio.audit.changes import CHANGES
from daxaudio.data.audio import write_recording
from daxaudio.features.mel import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.resnet import SpectrogramResNet


def listening_to_hum(threshold=-23.5):
    described = Description(["n", "p"], RATE, output="probabilities")
    return ForeignModel(Ears(290, 310, threshold), described)


def own_network():
    torch.manual_seed(0)
    network = SpectrogramResNet(2, depth=10, width=4, mean=-60.0, std=20.0)
    return BlackBox(network, LogMel(RATE, n_fft=256, n_mels=16), ["n", "p"], precision="fp32")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("hum"), {"hum": 0.01})


def asking(model, data, **settings):
    events = dict.fromkeys(data.ids, EVENTS)
    settings = {"participants": data.utt2spk, "events": events, **settings}
    return Answering(model, data, "p", **settings)


def mean_scores(table):
    return table.groupby(["kind", "donor_class"])["score"].mean().to_dict()


@pytest.mark.parametrize("make", [listening_to_hum, own_network])
def test_every_kind_of_model_answers_all_that_is_asked(make, data, tmp_path):
    found = asking(make(), data, n_donors=2).answer("r00", tmp_path)
    table = table_of_answers([found])
    assert found["problems"] == {}
    counts = table["kind"].value_counts().to_dict()
    assert counts == {AS_IS: 1, **dict.fromkeys(ALONE, 1), **dict.fromkeys(CHANGES, 4)}
    assert table["score"].between(0, 1).all()


def test_a_model_that_listens_to_the_hum_follows_the_hum_of_the_donor(data, tmp_path):
    found = asking(listening_to_hum(), data).answer("r00", tmp_path)
    means = mean_scores(table_of_answers([found]))
    assert means[AS_IS, ""] > 0.9
    assert means["background alone", ""] > 0.9
    assert means["hum", "own"] > 0.9 > 0.1 > means["hum", "other"]
    for kind in ("level", "bandwidth", "equaliser"):
        assert means[kind, "other"] > 0.8


def test_donors_are_of_the_class_that_is_named_and_never_the_same_participant(data):
    one_person = dict(data.utt2spk)
    one_person |= dict.fromkeys(("r00", "r01", "r02", "r03"), "same")
    run = asking(own_network(), data, participants=one_person)
    for name in data.ids:
        for positive in (True, False):
            for other in run.draws(name, positive):
                assert (data.text[other] == "p") == positive
                assert one_person[other] != one_person[name]


def test_answers_do_not_depend_on_what_was_asked_before(data, tmp_path):
    alone, after = asking(own_network(), data), asking(own_network(), data)
    for name in data.ids[:4]:
        after.answer(name, tmp_path / "after")
    alone.answer("r03", tmp_path / "alone")
    first, second = (tmp_path / place / "answers/r03/answers.json" for place in ("alone", "after"))
    assert first.read_bytes() == second.read_bytes()


def test_what_is_stored_is_not_asked_again_and_another_run_is_refused(data, tmp_path):
    model = own_network()
    first = asking(model, data).answer("r00", tmp_path)
    n_queries = model.n_queries
    assert asking(model, data).answer("r00", tmp_path) == first
    assert model.n_queries == n_queries
    with pytest.raises(ValueError, match=r"answers of another run \(seed\)"):
        asking(model, data, seed=1).answer("r00", tmp_path)


def test_a_file_that_was_cut_short_is_made_again(data, tmp_path):
    run = asking(own_network(), data)
    first, path = run.answer("r00", tmp_path), tmp_path / "answers/r00/answers.json"
    path.write_text(path.read_text()[:100])
    assert run.answer("r00", tmp_path) == first
    assert json.loads(path.read_text()) == first


def test_events_that_were_corrected_are_asked_about_anew(data, tmp_path):
    run = asking(own_network(), data)
    first = run.answer("r00", tmp_path)
    other = asking(own_network(), data, events={"r00": EVENTS[:1]}).answer("r00", tmp_path)
    assert other["rows"] != first["rows"]


def corrected(data, **of_r02):
    """The corpus with other facts of one recording."""
    changed = {key: {**getattr(data, key), "r02": value} for key, value in of_r02.items()}
    return dataclasses.replace(data, **changed)


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"text": "n"}},
        {"participants": "sr00"},
        {"events": EVENTS[:1]},
        {"events": [dataclasses.replace(event, label="noise") for event in EVENTS]},
    ],
)
def test_a_donor_of_which_something_was_corrected_is_asked_about_anew(data, tmp_path, change):
    """Answers are those of a new folder, whatever was known when the old ones were made."""
    model, settings = own_network(), {"n_donors": 5}
    first = asking(model, data, **settings).answer("r00", tmp_path)
    assert any(row[1] == "r02" for row in first["rows"])
    known = {"participants": data.utt2spk, "events": dict.fromkeys(data.ids, EVENTS)}
    for key, value in change.items():
        if key == "data":
            data = corrected(data, **value)
        else:
            settings[key] = {**known[key], "r02": value}
    again = asking(model, data, **settings).answer("r00", tmp_path)
    assert again == asking(model, data, **settings).answer("r00", tmp_path / "new")
    assert again["rows"] != first["rows"]


def test_an_event_that_is_background_after_all_is_asked_about_anew(data, tmp_path):
    first = asking(own_network(), data).answer("r00", tmp_path)
    noise = [*EVENTS[:2], dataclasses.replace(EVENTS[2], label="noise")]
    events = {**dict.fromkeys(data.ids, EVENTS), "r00": noise}
    again = asking(own_network(), data, events=events).answer("r00", tmp_path)
    assert again["rows"] != first["rows"]


def test_a_donor_that_can_be_read_again_gives_again(data, tmp_path):
    broken = corrected(data, wav_scp=str(tmp_path / "none.wav"))
    first = asking(own_network(), broken, n_donors=5).answer("r00", tmp_path)
    assert [name for name, digest in first["heard"].items() if not digest] == ["r02"]
    assert asking(own_network(), broken, n_donors=5).answer("r00", tmp_path) == first
    again = asking(own_network(), data, n_donors=5).answer("r00", tmp_path)
    assert again == asking(own_network(), data, n_donors=5).answer("r00", tmp_path / "new")
    assert any(row[1] == "r02" for row in again["rows"])


def test_one_who_is_alone_in_the_corpus_has_no_donors_and_says_so(data, tmp_path):
    run = asking(own_network(), data, participants=dict.fromkeys(data.ids, "same"))
    found = run.answer("r00", tmp_path)
    assert set(found["problems"]) == set(CHANGES)
    assert {row[0] for row in found["rows"]} == {AS_IS, *ALONE}


def test_a_recording_that_is_too_short_names_itself(data, tmp_path):
    short = made("r00").waveform[:, :100]
    write_recording(answers.Recording(short, RATE, "r00"), tmp_path / "r00.wav")
    broken = dataclasses.replace(data, wav_scp={**data.wav_scp, "r00": str(tmp_path / "r00.wav")})
    with pytest.raises(ValueError, match="r00"):
        asking(own_network(), broken).answer("r00", tmp_path)


def test_a_prediction_is_right_when_its_class_is_the_label(data, tmp_path):
    run = asking(listening_to_hum(), data)
    found = [run.answer(name, tmp_path) for name in ("r00", "r01")]
    table = table_of_predictions(found, data.utt2spk, {"r02": "unreadable"})
    assert table["recording_id"].tolist() == ["r00", "r01", "r02"]
    assert table["predicted"].tolist() == ["p", "n", ""]
    assert table["correct"].tolist() == [1, 1, 0]
    assert table["problem"].tolist() == ["", "", "unreadable"]


@pytest.mark.parametrize(
    ("label", "predicted", "correct"),
    [
        *[("healthy", "non-COVID", 1), ("healthy", "COVID", 0), ("asthma", "not COVID", 1)],
        *[("COVID", "COVID", 1), ("COVID", "non-COVID", 0), ("COVID", "not COVID", 0)],
    ],
)
def test_a_negative_of_another_name_is_right_where_it_is_not_called_positive(
    label, predicted, correct
):
    facts = {"label": label, "positive": "COVID", "input": ""}
    one = {"recording_id": "r", "facts": facts, "predicted": predicted, "duration": 1.0}
    table = table_of_predictions([{**one, "rows": [[AS_IS, "", "", 0.5]]}], {"r": "s"}, {})
    assert table["correct"].tolist() == [correct]


def test_how_many_sounds_are_held_at_once_changes_no_answer(data, monkeypatch):
    at_once = asking(own_network(), data).rows("r00")
    monkeypatch.setattr(answers, "_ASKED_SAMPLES", 60_000)
    sizes = []

    def ask(model, recordings):
        sizes.append(len(recordings))
        return answers.scores_of(model, recordings)

    assert asking(own_network(), data, ask=ask).rows("r00") == at_once
    assert max(sizes) == 3  # of 25,600 samples
