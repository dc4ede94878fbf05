"""Audits from beginning to end, on a dozen made recordings."""

import dataclasses
import functools
import json
import shutil

import pytest
import torch
from made_coughs import EVENTS, RATE, made, open_ears, write_corpus

from daxaudio.audit.document import FILE, read_document
from daxaudio.audit.questions import Questions
from daxaudio.audit.run import Corpus, audit
from daxaudio.audit.sections import NAMES
from daxaudio.commands.main import main
from daxaudio.data.audio import write_recording
from daxaudio.data.kaldi import write_data_folder
from daxaudio.engines.engine import Local
from daxaudio.features.mel import LogMel
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.runs.shards import Shard

ASKED = Questions(
    positive="p",
    n_explained=2,
    n_donors=2,
    n_controls=1,
    n_errors=1,
    queries=40,
    n_bootstrap=100,
    n_permutations=199,
    second_method="rise",
    method="occlusion",
)


hears_hum = functools.partial(open_ears, low=290, high=310, threshold=-23.5)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("hum"), {"hum": 0.01})


@pytest.fixture(scope="module")
def corpus(data):
    return Corpus(data, "made coughs", dict.fromkeys(data.ids, EVENTS))


@pytest.fixture(scope="module")
def done(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("audit")
    return audit(hears_hum, corpus, out, ASKED), out


def section(found, name):
    return next(one for one in found.sections if one.name == name)


def all_bytes(folder):
    """Of everything that an audit found; what it cost this time is no part of that."""
    files = [folder / FILE, *sorted((folder / "tables").rglob("*.parquet"))]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {name: content for name, content in found.items() if "costs" not in name}


def test_the_hum_that_a_model_hears_is_named(done):
    found, _ = done
    assert section(found, "swaps").state == "concern"
    table = section(found, "swaps").tables["interventions"].set_index("kind")
    assert table["effect"].idxmax() == "hum"
    assert table.loc["hum", "effect"] > 0.8
    assert table.loc[["level", "bandwidth", "equaliser"], "effect"].abs().max() < 0.1


def test_a_model_that_hears_the_bursts_is_not_accused(corpus, tmp_path):
    hears_bursts = functools.partial(open_ears, low=1000, high=3000, threshold=-30.0)
    found = audit(hears_bursts, corpus, tmp_path, dataclasses.replace(ASKED, n_explained=1))
    assert section(found, "swaps").state == "fine"


def test_what_is_written_can_be_read_and_names_its_tables(done):
    found, out = done
    document = read_document(out)
    assert [one["name"] for one in document["sections"]] == [one.name for one in found.sections]
    assert [one.name for one in found.sections] == list(NAMES)
    assert document["data"]["n_recordings"] == 12
    for table in document["tables"].values():
        assert (out / table["file"]).is_file()
    for shown in document["recordings"].values():
        for folder in shown["explanations"].values():
            assert (out / folder / "explanation.json").is_file()


def test_a_document_of_another_version_is_refused(done, tmp_path):
    document = json.loads((done[1] / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({**document, "version": 99}))
    with pytest.raises(ValueError, match=r"audit\.json: an audit of version 99"):
        read_document(tmp_path)
    (tmp_path / FILE).write_text(json.dumps({**document, "sections": [{"name": "a"}]}))
    with pytest.raises(ValueError, match="a section needs the texts"):
        read_document(tmp_path)


def test_an_audit_that_is_done_asks_nothing_again(done, corpus):
    _, out = done
    before = all_bytes(out)
    opened = []

    def open_model(device):
        opened.append(hears_hum(device))
        return opened[-1]

    audit(open_model, corpus, out, ASKED)
    assert sum(model.n_queries for model in opened) == 0
    assert all_bytes(out) == before


def test_a_corpus_that_was_corrected_gives_the_bytes_of_a_new_folder(done, corpus, tmp_path):
    """Whatever lies in the folder: answers, controls and masks rest on what is known today."""
    text = {**corpus.data.text, "r02": "n", "r03": "p"}
    events = {**corpus.events, "r04": EVENTS[:1]}
    mistaken = dataclasses.replace(corpus, data=dataclasses.replace(corpus.data, text=text))
    audit(hears_hum, dataclasses.replace(mistaken, events=events), tmp_path, ASKED)
    audit(hears_hum, corpus, tmp_path, ASKED)
    assert all_bytes(tmp_path) == all_bytes(done[1])


def test_shards_and_workers_give_the_same_bytes(done, corpus, tmp_path):
    _, out = done
    for k in (2, 1):
        assert audit(hears_hum, corpus, tmp_path, ASKED, shard=Shard(k, 2)) is None
    audit(hears_hum, corpus, tmp_path, ASKED)
    assert all_bytes(tmp_path) == all_bytes(out)
    two = Local(workers=2, threads=1)
    audit(hears_hum, corpus, tmp_path / "two", ASKED, engine=two)
    assert all_bytes(tmp_path / "two") == all_bytes(out)


class Backwards(Local):
    """As units come that were lost with their worker: after those that followed them."""

    def run(self, units, job, **options):
        return super().run(units[::-1], job, **options)[::-1]


def test_units_in_another_order_give_the_same_bytes(done, corpus, tmp_path):
    assert audit(hears_hum, corpus, tmp_path, ASKED, engine=Backwards(threads=1))
    assert all_bytes(tmp_path) == all_bytes(done[1])


def test_controls_of_an_earlier_run_are_no_controls_of_this_one(done, corpus, tmp_path):
    shutil.copytree(done[1], tmp_path / "out")
    assert len(done[0].tables["controls"]) == 2
    none = dataclasses.replace(ASKED, n_controls=0)
    found = audit(hears_hum, corpus, tmp_path / "out", none)
    assert section(found, "controls").answer == "Not tested: n_controls is 0."
    assert found.tables["controls"].empty
    assert found.tables["checks"].empty


class FailsNow(Local):
    """Some jobs cannot be done on one recording."""

    jobs = ()

    def run(self, units, job, **options):
        return [
            one._replace(state="problem", problem="no room on the disk")
            if one.unit.recording_id == "r00" and one.unit.job in self.jobs
            else one
            for one in super().run(units, job, **options)
        ]


@pytest.mark.parametrize(
    ("jobs", "tables"),
    [
        (["traces"], ["traces"]),
        (["controls"], ["controls", "control_answers", "checks"]),
        (["occlusion", "rise"], ["where", "explained"]),
    ],
)
def test_what_fails_now_is_not_read_from_an_earlier_run(done, corpus, tmp_path, jobs, tables):
    shutil.copytree(done[1], tmp_path / "out")
    asked = dataclasses.replace(ASKED, n_explained=6, n_controls=6)
    audit(hears_hum, corpus, tmp_path / "out", asked)
    engine = FailsNow(threads=1)
    engine.jobs = jobs
    found = audit(hears_hum, corpus, tmp_path / "out", asked, engine=engine)
    for name in tables:
        assert len(found.tables[name])
        assert "r00" not in set(found.tables[name]["recording_id"])
    assert found.tables["left_out"]["job"].tolist() == jobs


def test_a_recording_that_cannot_be_read_is_listed_and_left_out(corpus, tmp_path):
    broken = {**corpus.data.wav_scp, "r03": str(tmp_path / "none.wav")}
    data = dataclasses.replace(corpus.data, wav_scp=broken)
    found = audit(hears_hum, dataclasses.replace(corpus, data=data), tmp_path / "out", ASKED)
    rows = found.recordings.set_index("recording_id")
    assert "none.wav" in rows.loc["r03", "problem"]
    assert rows["score"].notna().sum() == 11
    assert "r03" in set(found.tables["left_out"]["recording_id"])


def test_a_recording_that_was_mended_leaves_nothing_of_what_it_was(done, corpus, tmp_path):
    """Too short for the model at first, so that nothing but its traces was written."""
    short = dataclasses.replace(made("r03"), waveform=made("r03").waveform[:, :40])
    write_recording(short, tmp_path / "short.wav")
    broken = {**corpus.data.wav_scp, "r03": str(tmp_path / "short.wav")}
    data = dataclasses.replace(corpus.data, wav_scp=broken)
    first = audit(hears_hum, dataclasses.replace(corpus, data=data), tmp_path / "out", ASKED)
    assert set(first.tables["left_out"]["recording_id"]) == {"r03"}
    audit(hears_hum, corpus, tmp_path / "out", ASKED)
    assert all_bytes(tmp_path / "out") == all_bytes(done[1])


def test_another_model_in_the_same_folder_is_refused(done, corpus):
    with pytest.raises(ValueError, match="another run"):
        audit(functools.partial(open_ears, low=0, high=9, threshold=0), corpus, done[1], ASKED)


def test_classes_that_do_not_fit_are_one_clear_line(corpus, tmp_path):
    with pytest.raises(ValueError, match="unknown to this model"):
        audit(hears_hum, corpus, tmp_path, dataclasses.replace(ASKED, positive="ill"))
    one = dataclasses.replace(corpus.data, text=dict.fromkeys(corpus.data.text, "p"))
    with pytest.raises(ValueError, match="made coughs: an audit needs recordings of 'p' and"):
        audit(hears_hum, dataclasses.replace(corpus, data=one), tmp_path, ASKED)


def test_the_command_audits_a_folder(tmp_path, capsys):
    data = write_corpus(tmp_path, {"hum": 0.01}, n=6)
    write_data_folder(data, tmp_path / "data")
    write_recording(made("r00"), tmp_path / "r00.wav")
    torch.manual_seed(0)
    network = SpectrogramResNet(2, depth=10, width=4, mean=-60.0, std=20.0)
    front_end = LogMel(RATE, n_fft=256, n_mels=16)
    save_black_box(BlackBox(network, front_end, ["n", "p"]), tmp_path / "model")
    (tmp_path / "q.yaml").write_text("positive: p\nn_explained: 1\nqueries: 30\nn_donors: 1\n")
    words = ["audit", "--model", tmp_path / "model", "--data", tmp_path / "data"]
    words += ["--out", tmp_path / "out", "--questions", tmp_path / "q.yaml", "--quiet"]
    words = [*map(str, words), "--seed", "3"]
    assert main(words) == 0
    assert "This is about the classifier" in capsys.readouterr().out
    document = read_document(tmp_path / "out")
    assert not document["data"]["annotated"]
    assert document["seed"] == document["questions"]["seed"] == 3
    answers = json.loads((tmp_path / "out" / "answers" / "r00" / "answers.json").read_text())
    assert answers["facts"]["seed"] == 3
    assert main([*words[:-1], "4"]) == 2
    assert "answers of another run (seed)" in capsys.readouterr().err


def test_what_the_table_leaves_out_is_not_asked_and_stands_in_the_flow(data, tmp_path):
    table = tmp_path / "known.csv"
    first = data.ids[0]
    rows = [f"{name},{'too noisy' if name == first else ''}" for name in data.ids]
    table.write_text("recording_id,why\n" + "\n".join(rows) + "\n")
    corpus = Corpus(data, "made coughs", dict.fromkeys(data.ids, EVENTS), table)
    asked = dataclasses.replace(ASKED, left_out="why", n_explained=0, n_controls=0, n_donors=0)
    found = audit(hears_hum, corpus, tmp_path / "out", asked)
    assert first not in set(found.recordings["recording_id"])
    flow = section(found, "participants").tables["flow"].set_index("step")
    assert flow.loc["left out: too noisy", "n_recordings"] == 1
