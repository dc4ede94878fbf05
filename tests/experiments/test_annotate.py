"""What an explanation marks, as annotations: written, and read back by our readers."""

import pytest
import torch

from daxaudio.commands.main import main
from daxaudio.containers import Explanation, Spectrogram
from daxaudio.data.formats import FORMATS, BandEvent, read_annotations
from daxaudio.experiments.annotate import annotate
from daxaudio.explainers.storage import save_explanation

TIMES = torch.arange(50, dtype=torch.float64) / 10
FREQUENCIES = torch.arange(1, 21, dtype=torch.float64) * 100


def explained(method="rise", name="a"):
    """Marks 1 to 2 s between 350 and 650 Hz and 3 to 3.5 s between 1450 and 1750 Hz."""
    mask = torch.zeros(20, 50)
    mask[3:6, 10:20] = 1.0
    mask[14:17, 30:35] = 1.0
    picture = Spectrogram(torch.zeros(20, 50), FREQUENCIES, TIMES, name)
    return Explanation(mask, picture, method, "dog")


def test_stretches_of_time_are_those_of_the_explanation():
    (tier,) = annotate(explained()).tiers
    assert tier.name == "rise"
    assert {event.label for event in tier.events} == {"dog"}
    own = [(event.start, event.end) for event in explained().events()]
    assert [(event.start, event.end) for event in tier.events] == own
    assert len(own) == 2


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_boxes_stand_around_what_is_connected(threshold):
    first, second = annotate(explained(), boxes=True, threshold=threshold).events()
    bounds = [(e.start, e.end, e.f_min, e.f_max) for e in (first, second)]
    assert bounds[0] == pytest.approx((0.95, 1.95, 350, 650))
    assert bounds[1] == pytest.approx((2.95, 3.45, 1450, 1750))


def test_specks_make_no_boxes():
    explanation = explained()
    mask = torch.zeros(20, 50)
    mask[3:13, 10:25] = 1.0
    mask[19, 49] = 1.0
    with_speck = Explanation(mask, explanation.spectrogram, "rise")
    (box,) = annotate(with_speck, boxes=True).events()
    assert box.label == "marked"


def test_a_threshold_without_boxes_is_refused():
    with pytest.raises(ValueError, match="goes with boxes"):
        annotate(explained(), threshold=0.5)


def store(folder, *parts, **settings):
    save_explanation(explained(**settings), folder.joinpath(*parts))


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "coswara"])
def test_what_is_written_is_read_back(tmp_path, format):
    store(tmp_path, "explained")
    path = tmp_path / ("segments" if format == "segments" else f"a{FORMATS[format].ending}")
    words = ["from", f"{tmp_path}/explained", "--to", format, "--out", str(path)]
    assert main(["annotations", *words]) == 0
    (recording,) = read_annotations(path, format)
    assert list(recording.events()) == list(annotate(explained()).events())


@pytest.mark.parametrize("format", ["raven", "audacity"])
def test_boxes_are_read_back_with_their_frequencies(tmp_path, format):
    store(tmp_path, "explained")
    words = ["from", f"{tmp_path}/explained", "--to", format, "--out", f"{tmp_path}/a.txt"]
    assert main(["annotations", *words, "--boxes"]) == 0
    (recording,) = read_annotations(tmp_path / "a.txt", format)
    assert list(recording.events()) == list(annotate(explained(), boxes=True).events())
    assert all(isinstance(event, BandEvent) for event in recording.events())


def test_methods_are_tiers_and_recordings_files(tmp_path):
    for name in ("a", "b"):
        for method in ("rise", "lime"):
            store(tmp_path, "explained", method, name, method=method, name=name)
    (tmp_path / "grids").mkdir()
    words = ["from", f"{tmp_path}/explained", "--to", "textgrid", "--out", f"{tmp_path}/grids"]
    assert main(["annotations", *words]) == 0
    assert {path.name for path in (tmp_path / "grids").iterdir()} == {"a.TextGrid", "b.TextGrid"}
    (recording,) = read_annotations(tmp_path / "grids/a.TextGrid")
    assert [tier.name for tier in recording.tiers] == ["lime", "rise"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "dcase", "--boxes"], "dcase holds no frequencies; take raven or audacity"),
        (["--to", "raven", "--threshold", "0.5"], "a threshold goes with boxes"),
        *(
            (["--to", "raven", "--boxes", "--threshold", text], "threshold must be from 0 on and")
            for text in ("nan", "inf", "-0.1", "1")
        ),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, capsys, words, message):
    store(tmp_path, "explained")
    out = ["--out", f"{tmp_path}/a.txt"]
    assert main(["annotations", "from", f"{tmp_path}/explained", *words, *out]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("threshold", [float("nan"), float("inf")])
def test_stretches_above_no_number_are_refused(threshold):
    with pytest.raises(ValueError, match="threshold must be a finite number"):
        explained().events(threshold)
