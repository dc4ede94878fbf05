import re

import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import AnnotatedRecording, Tier
from daxaudio.data.formats.textgrid import read_textgrid, write_textgrid

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "type"
        xmin = 0
        xmax = 2.5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 1.1
            text = " cough ""loud"""
        intervals [2]:
            xmin = 1.1
            xmax = 2.5
            text = ""
    item [2]:
        class = "TextTier"
        name = "type"
        xmin = 0
        xmax = 2.5
        points: size = 2
        points [1]:
            number = 0.5
            mark = "peak"
        points [2]:
            number = 1.5
            mark = ""
'''
SHORT = '''File type = "ooTextFile"
Object class = "TextGrid"

0
2.5
<exists>
2
"IntervalTier"
"type"
0
2.5
2
0
1.1
" cough ""loud"""
1.1
2.5
""
"TextTier"
"type"
0
2.5
2
0.5
"peak"
1.5
""
'''
QUIRKS = {
    "long": LONG.encode(),
    "short": SHORT.encode(),
    "short as old versions name it": SHORT.replace("ooTextFile", "ooTextFile short").encode(),
    "UTF-8 with mark": b"\xef\xbb\xbf" + LONG.encode(),
    "UTF-16 with mark": LONG.encode("utf-16"),
    "short UTF-16, big end first": b"\xfe\xff" + SHORT.encode("utf-16-be"),
    "UTF-16 without mark": LONG.encode("utf-16-le"),
    "no final line end": LONG.rstrip("\n").encode(),
    "short without final line end": SHORT.rstrip("\n").encode(),
    "tabs for blanks": LONG.replace("    ", "\t").replace(" = ", "\t=\t").encode(),
    "no blanks around equals": LONG.replace(" = ", "=").encode(),
    "no indent": re.sub(r"(?m)^ +", "", LONG).encode(),
    "blanks at line ends": LONG.replace("\n", "  \n").encode(),
    "line ends of Windows": LONG.replace("\n", "\r\n").encode(),
    "line ends of old Macs": LONG.replace("\n", "\r").encode(),
    "comments": SHORT.replace("2.5\n<", '2.5 ! "the end" 7\n<').encode(),
    "one line and units": SHORT.replace("\n", " ").replace("2.5 ", "2.5s ").encode(),
}


def read(tmp_path, content):
    path = tmp_path / "a.TextGrid"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (recording,) = read_textgrid(path, "a")
    return recording


def kinds(recording):
    return [problem.kind for problem in recording.problems]


@pytest.mark.parametrize("quirk", QUIRKS)
def test_every_quirk_reads_as_the_same_grid(tmp_path, quirk):
    recording = read(tmp_path, QUIRKS[quirk])
    assert recording.duration == 2.5
    assert [tier.name for tier in recording.tiers] == ["type", "type"]
    assert recording.events(1) == (Event(0.0, 1.1, ' cough "loud"'),)
    assert recording.events(2) == (Event(0.5, 0.5, "peak"), Event(1.5, 1.5, ""))
    assert [tier.points for tier in recording.tiers] == [False, True]
    assert kinds(recording) == ["no text"]


def test_labels_may_look_like_the_form_and_hold_line_breaks(tmp_path):
    label = "intervals [9]:\n  xmin = 3 ! <exists>\n犬"
    recording = read(tmp_path, LONG.replace(' cough ""loud""', label))
    assert recording.events(1) == (Event(0.0, 1.1, label),)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (LONG, "", "is no TextGrid in text form"),
        ("TextGrid", "Pitch", "is no TextGrid in text form"),
        (LONG, "ooBinaryFile\x08TextGrid", "is no TextGrid in text form"),
        (LONG, '"Praat chronological TextGrid text file"\n0 1', "is no TextGrid in text form"),
        ("xmax = 2.5\nt", "xmax = --undefined--\nt", r":6: expected xmax, a number, got '<ex"),
        (LONG[-60:], "", "ends where .* should be; the file is cut short"),
        ("intervals: size = 2", "intervals: size = 3", r":24: expected time of entry 3 of tier 1"),
        ("intervals: size = 2", "intervals: size = 1.5", "size of tier 1 must be a whole number"),
        ("size = 2\nitem", "size = 3\nitem", "ends where class of tier 3 should be"),
        ('"TextTier"', '"PitchTier"', "tier 2 is of class 'PitchTier'"),
        ('"peak"', '"peak', r":31: text of entry 1 of tier 2 begins with a quote"),
        ('mark = ""\n', 'mark = "end', r":34: text of entry 2 .* quote that has no end; close"),
        ('mark = ""\n', 'mark = "an ""end', r":34: text of entry 2 of tier 2 begins with a quote"),
        ('mark = ""\n', 'mark = "an ""end""', r":34: text of entry 2 of tier 2 begins with a"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_fails_with_one_line(tmp_path, old, new, reason):
    assert old in LONG
    with pytest.raises(ValueError, match=reason) as caught:
        read(tmp_path, LONG.replace(old, new))
    assert str(caught.value).startswith(str(tmp_path / "a.TextGrid"))
    assert "\n" not in str(caught.value)


def test_other_encodings_are_refused_rather_than_guessed(tmp_path):
    with pytest.raises(ValueError, match=r"a\.TextGrid: is neither UTF-8 nor UTF-16"):
        read(tmp_path, LONG.replace("cough", "café").encode("latin-1"))
    with pytest.raises(ValueError, match="is neither UTF-8 nor UTF-16"):
        read(tmp_path, LONG.encode("utf-16")[:-1])


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("xmin = 1.1", "xmin = 1.3", "gap"),
        ("xmax = 1.1", "xmax = -0.1", "end before start"),
        ("xmin = 0\nxmax = 2.5\nt", "xmin = 0\nxmax = 2.6\nt", "other duration"),
        ('mark = ""\n', 'mark = ""\n7 8\n', "text after the end"),
        ("number = 0.5", "number = -0.5", "not a time"),
    ],
)
def test_what_is_odd_is_read_and_named(tmp_path, old, new, kind):
    assert old in LONG
    assert kind in kinds(read(tmp_path, LONG.replace(old, new)))
    assert kind not in kinds(read(tmp_path, LONG))


@pytest.mark.parametrize("form", [LONG, SHORT])
@pytest.mark.parametrize(("tiers", "entries"), [(1, 2), (0, 2), (2, 1), (2, 0), (0, 0)])
def test_counts_that_are_too_small_lose_nothing(tmp_path, form, tiers, entries):
    whole = read(tmp_path, form)
    changed = re.sub(r"(?m)^(size = )2$|(?<=<exists>\n)2$", rf"\g<1>{tiers}", form)
    changed = re.sub(r"(?m)(: size = )2$|(?<=\n2\.5\n)2$", rf"\g<1>{entries}", changed)
    assert (form == changed) is ((tiers, entries) == (2, 2))
    found = read(tmp_path, changed)
    assert found.tiers == whole.tiers
    texts = [problem.text for problem in found.problems if problem.kind == "wrong count"]
    expected = [f"says {tiers} tiers, and holds 2"] if tiers < 2 else []
    if entries < 2:
        said = f"says {entries} entries, and holds 2"
        expected += [f"tier 1 'type': {said}", f"tier 2 'type': {said}"]
    assert texts == expected


def test_what_stands_after_the_last_tier_is_said_to_be_left_out(tmp_path):
    problems = read(tmp_path, LONG + "7 8\n").problems
    assert [(problem.kind, problem.lost) for problem in problems] == [
        ("text after the end", True),
        ("no text", False),
    ]


def test_intervals_that_meet_but_for_rounding_are_written(tmp_path):
    tier = Tier("t", (Event(0.1, 0.1 + 0.2, "a"), Event(0.3, 0.5, "b")))
    write_textgrid(AnnotatedRecording("a", (tier,), 0.5), tmp_path / "a.TextGrid")
    (found,) = read_textgrid(tmp_path / "a.TextGrid", "a")
    assert found.events() == (Event(0.1, 0.1 + 0.2, "a"), Event(0.1 + 0.2, 0.5, "b"))
    assert kinds(found) == ["no text"]  # 0 to 0.1, and no gap


def test_a_start_below_zero_by_rounding_is_no_problem(tmp_path):
    grid = LONG.replace("xmin = 0\n", "xmin = -2.2e-16\n")
    assert read(tmp_path, grid).events(1) == (Event(0.0, 1.1, ' cough "loud"'),)
    assert kinds(read(tmp_path, grid)) == kinds(read(tmp_path, LONG))


def test_a_late_start_is_named_and_times_stay(tmp_path):
    late = re.sub(r"xmin = 0\n", "xmin = 0.25\n", LONG)
    recording = read(tmp_path, late)
    assert kinds(recording) == ["late start", "no text"]
    assert recording.events(1)[0].start == 0.25


def test_an_interval_within_another_leaves_no_gap(tmp_path):
    # 0 to 2.5 and, within it, 1.1 to 1.5
    grid = LONG.replace("xmax = 1.1", "xmax = 2.5")
    head, _, tail = grid.partition("xmin = 1.1")
    assert kinds(read(tmp_path, f"{head}xmin = 1.1{tail.replace('2.5', '1.5', 1)}")) == ["no text"]


def test_intervals_of_wrong_times_are_left_out_and_the_rest_stays(tmp_path):
    recording = read(tmp_path, LONG.replace("xmax = 1.1", "xmax = -0.1"))
    assert recording.events(1) == ()
    lost = [problem for problem in recording.problems if problem.lost]
    assert [problem.text for problem in lost] == [
        "tier 1 'type': ' cough \"loud\"' ends at -0.1 s, before it starts at 0.0 s"
    ]


def test_a_grid_without_tiers_reads(tmp_path):
    head = LONG[: LONG.index("<exists>")]
    assert read(tmp_path, head + "<absent>").tiers == ()


def test_what_is_written_reads_back_exactly(tmp_path):
    tiers = (
        Tier("type", (Event(1 / 3, 2 / 3, 'a "b"\n'), Event(2 / 3, 0.1 + 0.7, " noise"))),
        Tier("type", (Event(5e-324, 5e-324, ""), Event(1e-7, 1e-7, "x")), points=True),
        Tier("nothing", ()),
    )
    recording = AnnotatedRecording("a", tiers, 1 + 1e-15)
    write_textgrid(recording, tmp_path / "a.TextGrid")
    (found,) = read_textgrid(tmp_path / "a.TextGrid", "a")
    assert (found.tiers, found.duration) == (recording.tiers, recording.duration)
    assert set(kinds(found)) == {"no text"}


def test_written_intervals_leave_no_gap(tmp_path):
    tier = Tier("a", (Event(1.0, 2.0, "b"), Event(0.25, 0.5, "a")))
    write_textgrid(AnnotatedRecording("a", (tier,), 3.0), tmp_path / "a.TextGrid")
    (found,) = read_textgrid(tmp_path / "a.TextGrid", "a")
    assert found.events() == (Event(0.25, 0.5, "a"), Event(1.0, 2.0, "b"))
    assert kinds(found) == ["no text"] * 3  # 0 to 0.25, 0.5 to 1, 2 to 3


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([Event(0, 2, "a"), Event(1, 3, "b")], "overlaps the one before"),
        ([Event(0, 2, "")], "has no label"),
        ([Event(0, 2, "a"), Event(3, 3, "b")], "points need a tier of their own"),
        ([], "needs a duration"),
    ],
)
def test_what_a_grid_cannot_hold_is_refused_and_nothing_is_written(tmp_path, events, reason):
    recording = AnnotatedRecording("a", (Tier("t", tuple(events)),))
    with pytest.raises(ValueError, match=reason):
        write_textgrid(recording, tmp_path / "a.TextGrid")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("quirk", ["long", "short", "UTF-16 with mark", "no indent"])
def test_praatio_reads_the_same_where_it_can(tmp_path, quirk):
    praat = pytest.importorskip("praatio.textgrid")
    ours = read(tmp_path, QUIRKS[quirk].replace(b'" cough', b'"cough'))
    theirs = praat.openTextgrid(
        str(tmp_path / "a.TextGrid"), includeEmptyIntervals=False, duplicateNamesMode="rename"
    )
    # it cuts blanks from labels, and drops points without text, too
    for tier, other in zip(ours.tiers, theirs.tiers, strict=True):
        events = [event for event in tier.events if event.label]
        times = [(e.start,) if tier.points else (e.start, e.end) for e in events]
        labels = [e.label.strip() for e in events]
        assert [tuple(entry[:-1]) for entry in other.entries] == times
        assert [entry[-1] for entry in other.entries] == labels


def test_praatio_reads_what_we_write(tmp_path):
    praat = pytest.importorskip("praatio.textgrid")
    tier = Tier("t", (Event(1 / 3, 0.5, 'a "b"'), Event(0.5, 0.7, "犬")))
    write_textgrid(AnnotatedRecording("a", (tier,), 2.0), tmp_path / "a.TextGrid")
    grid = praat.openTextgrid(str(tmp_path / "a.TextGrid"), includeEmptyIntervals=False)
    assert [tuple(e) for e in grid.tiers[0].entries] == [(1 / 3, 0.5, 'a "b"'), (0.5, 0.7, "犬")]
    assert grid.maxTimestamp == 2.0
