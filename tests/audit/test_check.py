"""Questions that cannot be answered are refused before the model is asked anything."""

import pytest
from made_coughs import EVENTS, Ears, open_ears, write_corpus

from daxaudio.audit.check import check_fits
from daxaudio.audit.questions import Questions
from daxaudio.audit.run import Corpus, audit

KNOWN = {"r00": EVENTS}


@pytest.mark.parametrize(
    "given",
    [
        {"subgroups": ("sex",)},
        {"match_on": ("sex",)},
        {"columns": ("sex",)},
        {"categories": ("sex",)},
        {"sites": ("sex",)},
        {"split": "sex"},
        {"left_out": "sex"},
        {"participant": "sex"},
    ],
)
def test_a_question_about_a_table_needs_one_that_has_its_column(given, tmp_path):
    (key,) = given
    with pytest.raises(ValueError, match=rf"{key}: 'sex' is a column .* there is none; give"):
        check_fits(Questions(**given), KNOWN, has_table=False)
    assert check_fits(Questions(**given), KNOWN, has_table=True) == ["sex"]
    data = write_corpus(tmp_path, {}, n=4)
    table = tmp_path / "known.csv"
    table.write_text("recording_id,gender\nr00,f\nr01,m\n")
    with pytest.raises(ValueError, match=r"known\.csv: has no column 'sex'"):
        audit(unasked, Corpus(data, table=table), tmp_path / "out", Questions("p", **given))


class Unasked(Ears):
    """A classifier that nothing must be asked."""

    def __call__(self, inputs):
        raise AssertionError("asked")


def unasked(device):
    model = open_ears(device, 0, 100, 0.0)
    model.runner = Unasked(0, 100, 0.0)
    return model


@pytest.mark.parametrize("given", [{"subgroups": ("who",)}, {"split": "recording_id"}])
def test_an_id_is_nothing_that_is_known(given):
    with pytest.raises(ValueError, match="says who it is"):
        check_fits(Questions(participant="who", **given), KNOWN, has_table=True)


def test_the_split_tells_no_label_apart():
    with pytest.raises(ValueError, match="'fold' is split"):
        check_fits(Questions(columns=("fold",), split="fold"), KNOWN, has_table=True)


def test_a_phase_must_be_the_label_of_an_event():
    asked = Questions(phases=("cough",))
    assert check_fits(asked, KNOWN, has_table=False) == []
    with pytest.raises(ValueError, match="phases: no event is labelled 'cough'; there is none"):
        check_fits(asked, {}, has_table=False)
    with pytest.raises(ValueError, match="no event is labelled 'coughs'; their labels are 'cough'"):
        check_fits(Questions(phases=("coughs",)), KNOWN, has_table=False)


def test_a_method_that_needs_events_needs_them_before_all():
    asked = Questions(method="oracle")
    assert check_fits(asked, KNOWN, has_table=False) == []
    with pytest.raises(ValueError, match="method 'oracle' needs the true events: give --events"):
        check_fits(asked, {}, has_table=False)
