"""What stands on the page of an audit, without a browser."""

import functools
import json
import math
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from daxaudio.audit.document import FILE
from daxaudio.audit.sections import STATES
from daxaudio.commands.audit import hear_from
from daxaudio.containers import Explanation, Recording, Spectrogram
from daxaudio.report.audit import PAGE_FILE, write_audit_page
from daxaudio.report.audit_recordings import SECONDS, Cards, time_ticks
from daxaudio.report.audit_tables import draw_table, show_table

EVIL = "</summary><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


@pytest.fixture
def copied(audited, tmp_path):
    """The audit in a folder that a test may change; gives the folder and the document."""
    shutil.copytree(audited.out, tmp_path / "out")
    return tmp_path / "out", json.loads((tmp_path / "out" / FILE).read_text())


def changed(out, document):
    (out / FILE).write_text(json.dumps(document))
    return write_audit_page(out).read_text()


def test_the_same_audit_gives_the_same_page(audited, tmp_path):
    pages = [write_audit_page(audited.out, tmp_path / name).read_bytes() for name in "ab"]
    assert pages[0] == pages[1]


def test_every_section_stands_on_the_page_with_its_state_as_a_word(audited):
    text = audited.page.read_text()
    for section in audited.found.sections:
        begin = text.index(f'id="section-{section.name}"')
        fold = text[begin : text.index("</summary>", begin)]
        assert section.question in fold
        assert f"</span> {section.state}</span>" in fold
    assert {section.state for section in audited.found.sections} <= set(STATES)


def test_names_and_answers_are_never_run(copied):
    out, document = copied
    document["title"] = document["verdict"]["summary"] = EVIL
    for section in document["sections"]:
        section["answer"] = section["method"] = section["question"] = EVIL
    table = document["sections"][0]["tables"]["flow"]
    table["columns"][0], table["rows"][0][0] = EVIL, EVIL
    text = changed(out, document)
    assert "<img src=x" not in text
    assert text.count("<script>") == 1
    style = text[text.index("<style") : text.index("</style>")]
    assert "script" in style  # the title is in the head of the print
    assert "<" not in style.split(">", 1)[1]


def test_a_verdict_leads_to_the_sections_that_it_names(audited):
    text = audited.page.read_text()
    assert '<a href="#section-swaps">swaps</a>: The score follows the background' in text


def test_what_was_not_tested_is_said_on_top(copied):
    out, document = copied
    document["verdict"]["not_tested"] = ["matching: Not tested: nothing to match on."]
    document["sections"][0]["state"] = "not tested"
    text = changed(out, document)
    top = text[text.index("What was not tested") : text.index('id="glance"')]
    assert "nothing to match on" in top
    assert 'class="badge not-tested"' in text


def test_a_doubt_about_the_audit_does_not_stand_among_what_speaks_against_the_classifier(copied):
    out, document = copied
    document["verdict"] |= {"against": [], "doubtful": ["trust: Most masks are noise."]}
    text = changed(out, document)
    assert 'class="verdict doubtful"' in text
    top = text[text.index("What speaks against it<") : text.index('id="glance"')]
    classifier, audit = top.split("What speaks against this audit itself")
    assert "Nothing was found" in classifier
    assert "masks are noise" in audit.lower()
    assert "masks are noise" not in classifier
    document["verdict"] |= {"against": ["swaps: It follows."]}
    assert 'class="verdict against"' in changed(out, document)
    document["verdict"] |= {"against": [], "doubtful": []}
    assert "against this audit itself" not in changed(out, document)


def test_a_table_that_stands_in_its_file_alone_is_read_from_there(copied):
    out, document = copied
    told = next(s for s in document["sections"] if s["name"] == "swaps")["tables"]["parts"]
    wanted = [row[0] for row in told.pop("rows")]
    text = changed(out, document)
    for name in wanted:
        assert f">{name}<" in text
    (out / told["file"]).unlink()
    with pytest.raises(ValueError, match=r"swaps-parts\.parquet: a table of the audit is missing"):
        write_audit_page(out)


def test_without_an_audit_there_is_no_page(tmp_path):
    with pytest.raises((ValueError, OSError), match=r"audit\.json"):
        write_audit_page(tmp_path)
    assert not (tmp_path / PAGE_FILE).exists()


def test_sound_stops_where_its_room_ends_and_the_page_says_so(audited, tmp_path):
    hear = functools.partial(hear_from, audited.data)
    little = write_audit_page(audited.out, tmp_path / "a.html", hear=hear, sound_mb=0.3).read_text()
    sounds = re.findall(r"data:audio/flac;base64,[\w+/=]+", little)
    assert 0 < sum(map(len, sounds)) <= 0.3e6
    assert "the page holds at most 0.3 MB" in little
    shown = len(json.loads((audited.out / FILE).read_text())["recordings"])
    n_heard = little.count('<div class="players">')
    assert f"{n_heard} of {shown} recordings that are shown" in little
    none = write_audit_page(audited.out, tmp_path / "b.html", hear=hear, sound_mb=0).read_text()
    assert "<audio" not in none
    assert "none (" in none


def test_each_recording_is_shown_once_and_linked_from_elsewhere(copied):
    out, document = copied
    first = document["sections"][2]["recordings"][0]
    document["sections"][3]["recordings"] = [first]
    text = changed(out, document)
    assert text.count(f"<h4>{first}</h4>") == 1
    assert re.search(rf'Shown in another section: <a href="#recording-\d+">{first}</a>', text)


def test_of_a_long_recording_the_stretch_is_played_where_the_mask_is_greatest(tmp_path, audited):
    name = next(iter(audited.found.explanations))
    rate, seconds = 1000, 100
    ramp = torch.arange(rate * seconds) / (rate * seconds)
    long = Recording(0.5 * ramp[None], rate, name)
    mask = torch.zeros(4, seconds)
    mask[:, 70:85] = 1
    shown = Spectrogram(torch.rand(4, seconds), torch.arange(1, 5) * 100.0, torch.arange(100.0))
    explanation = Explanation(mask, shown, "rise")
    cards = Cards(tmp_path, {}, lambda *_: [("the recording", long)], sound_mb=5)
    (player,), said = cards._players(name, explanation)
    assert "those in which the mask is greatest" in said
    first, last = (60 * int(m) + int(s) for m, s in re.findall(r"(\d+):(\d\d)", said))
    assert last - first == SECONDS
    assert 60 < first <= 70
    assert last >= 85
    assert player.uri.startswith("data:audio/flac")


def test_a_label_of_events_has_one_colour_over_all_recordings(copied):
    out, document = copied
    shown = [one["explanations"] for one in document["recordings"].values() if one["explanations"]]
    for k, folder in enumerate(folders["occlusion"] for folders in shown[:2]):
        path = out / folder / "where.json"
        where = json.loads(path.read_text())
        where["events"] = [[0.5, 1.0, "breath"]] * (k == 1) + [[1.6, 1.9, "cough"]]
        path.write_text(json.dumps(where))
    colours = dict.fromkeys(
        re.findall(r'fill="(#\w{6})"><title>(\w+)</title>', write_audit_page(out).read_text())
    )
    assert len(colours) == len({label for _, label in colours}) == 2


def test_numbers_stand_with_their_intervals_and_sort_by_value():
    table = pd.DataFrame(
        {"group": ["a", "b"], "auc": [0.5, 0.9123], "low": [np.nan, 0.8], "high": [np.nan, 1.0]}
    )
    shown = show_table("by_group", table, {"n_rows": 2, "file": "x"}, {"a": "section-a"})
    assert shown.header == ("group", "auc [interval]")
    assert [row[1].text for row in shown.rows] == ["0.500", "0.912 [0.800, 1.000]"]
    assert shown.rows[1][1].order == 0.9123
    assert shown.rows[0][0].link == "section-a"


def test_tables_are_drawn_by_their_columns_alone():
    ends = {"low": [0.1, 0.2], "high": [0.8, 0.9]}
    assert draw_table(pd.DataFrame({"name": ["a", "b"], "auc": [0.5, 0.6], **ends}))[0]
    assert not draw_table(pd.DataFrame({"name": ["a", "b"], "seconds": [0.5, 0.6], **ends}))[0]
    assert not draw_table(pd.DataFrame({"name": ["a"], "auc": [0.5], "low": [0.1], "high": [1]}))[0]
    bins = {"n": [3, 0], "mean_score": [0.2, math.nan], "share_positive": [0.0, math.nan]}
    assert "probabilities" in draw_table(pd.DataFrame({"low": [0, 1], "high": [1, 2], **bins}))[1]


@pytest.mark.parametrize("length", [0.05, 1.0, 3.2, 59, 600, 7300, 5e5])
def test_a_time_axis_has_a_few_round_labels_within_it(length):
    ticks = time_ticks(0.0, length)
    assert 1 <= len(ticks) <= 10
    assert ticks[-1] <= length * (1 + 1e-9)
