from collections import Counter
from pathlib import Path

import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import BandEvent, LabelMap, load_label_map

PHASES = Path(__file__).resolve().parents[3] / "data_prep" / "cough_phases.yaml"


@pytest.fixture
def phases():
    return LabelMap({"cough": ("Coughing",), "throat clearing": (), "noise": ("4",)})


def test_case_and_outer_blanks_make_no_difference(phases):
    for label in ("cough", " COUGH\t", "coughing", "Cough"):
        assert phases.class_of(label) == "cough"
    assert phases.class_of("throat clearing ") == "throat clearing"
    assert phases.class_of("throatclearing") is None


def test_unknown_labels_are_kept_and_counted_as_they_are_spelt(phases):
    events = [Event(0, 1, label) for label in ("dog", " dog", "dog", "", "4")]
    folded, unknown = phases.apply(events)
    assert [event.label for event in folded] == ["dog", " dog", "dog", "", "noise"]
    assert unknown == Counter({"dog": 2, " dog": 1, "": 1})


def test_unknown_labels_are_folded_or_refused_when_asked(phases):
    events = [Event(0, 1, "dog"), Event(1, 2, "COUGH")]
    folded, unknown = phases.apply(events, "noise")
    assert [event.label for event in folded] == ["noise", "cough"]
    assert unknown == {"dog": 1}
    with pytest.raises(ValueError, match="labels not in the map: 'dog' 1"):
        phases.apply(events, "error")
    with pytest.raises(ValueError, match="unknown must be keep, error or one of the classes cough"):
        phases.apply(events, "dropped")


def test_only_the_label_changes(phases):
    (event,), _ = phases.apply([BandEvent(0, 1, " Cough", 10, 20)])
    assert event == BandEvent(0, 1, "cough", 10, 20)


@pytest.mark.parametrize(
    ("spellings", "reason"),
    [
        ({}, "at least one class"),
        ({"a": ("b",), "c": (" B ",)}, "' B ' is of two classes, 'a' and 'c'"),
        ({"a": ("c",), "c": ()}, "'c' is of two classes"),
        ({"a": (" ",)}, "a spelling is empty"),
        ({"keep": ()}, "cannot have the class 'keep'"),
    ],
)
def test_maps_that_are_not_clear_are_refused(spellings, reason):
    with pytest.raises(ValueError, match=reason):
        LabelMap(spellings)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [b", "not YAML"),
        ("a: [b]\na: [c]\n", r"map\.yaml, line 2: .* key 'a' stands twice"),
        ("- a\n- b\n", "expected classes"),
        ("", "expected classes"),
        ("a: [4]\n", "class 'a' must be a text with a list of texts; put numbers"),
        ("no: [b]\n", "class False must be"),
        ("a: b\n", "class 'a' must be"),
        ("a: [b]\nc: [b]\n", r"map\.yaml: label map: 'b' is of two classes"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, text, reason):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(ValueError, match=reason):
        load_label_map(tmp_path / "map.yaml")


def test_a_missing_map_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"none\.yaml: no such file"):
        load_label_map(tmp_path / "none.yaml")


def test_the_map_of_cough_phases_knows_the_spellings_met_and_not_the_4():
    phases = load_label_map(PHASES)
    met = {"noise": 3, " noise": 2, "noise ": 1, "compres": 2, "comoress": 1, "commpress": 1}
    for label in met:
        assert phases.class_of(label) in ("noise", "compress"), label
    for name in ("cough", "inhale", "silence", "other", "throatclear"):
        assert phases.class_of(name) == name
    assert phases.class_of("inspiration") == "inhale"
    assert phases.class_of("throat clearing") == "throatclear"
    assert phases.class_of("4") is None
