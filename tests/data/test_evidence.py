import pytest
import torch

from daxaudio.data.evidence import Evidence, read_evidence, write_evidence


def test_evidence_covers_the_cells_whose_centres_it_holds():
    times, frequencies = torch.arange(5) * 0.5, torch.tensor([100.0, 300.0, 1000.0])
    # times 0, 0.5, 1, 1.5, 2: three lie in [0.4, 1.5]
    covered = Evidence(0.4, 1.5, 200.0, 1000.0, "a").on_axes(times, frequencies)
    assert covered.int().tolist() == [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0]]


def test_evidence_between_two_cells_covers_the_nearest():
    times, frequencies = torch.arange(5) * 0.5, torch.tensor([100.0, 300.0, 1000.0])
    covered = Evidence(1.1, 1.2, 400.0, 600.0, "a").on_axes(times, frequencies)
    assert covered.nonzero().tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "numbers", [(1.0, 0.5, 0.0, 1.0), (0.0, 1.0, 2.0, 1.0), (-1.0, 1.0, 0.0, 1.0)]
)
def test_evidence_in_the_wrong_order_is_refused(numbers):
    with pytest.raises(ValueError, match="evidence needs 0 <= start <= end"):
        Evidence(*numbers, label="a")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("recording_id,start\n", "expected columns"),
        ("recording_id,start,end,f_min,f_max,label\na,0,1,x,2,b\n", "line 2: could not convert"),
        ("recording_id,start,end,f_min,f_max,label\na,0,1\n", "line 2"),
        ("recording_id,start,end,f_min,f_max,label\na,2,1,0,2,b\n", "line 2: evidence needs"),
    ],
)
def test_a_malformed_evidence_file_is_refused(tmp_path, text, reason):
    (tmp_path / "evidence.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"evidence\.csv.*{reason}"):
        read_evidence(tmp_path / "evidence.csv")


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ((2.3, 2.4, 200.0, 400.0), False),  # after the last frame
        ((2.1, 2.4, 200.0, 400.0), True),  # in its second half
        ((0.4, 1.5, 2000.0, 3000.0), False),  # above the last bin, that ends at 1350 Hz
        ((0.4, 1.5, 1100.0, 1200.0), True),
    ],
)
def test_what_a_spectrogram_does_not_show_has_no_cell(numbers, shown):
    times, frequencies = torch.arange(5) * 0.5, torch.tensor([100.0, 300.0, 1000.0])
    assert Evidence(*numbers, "a").on_axes(times, frequencies).any() == shown


def test_what_is_written_reads_back_exactly(tmp_path):
    evidence = {
        "b": [Evidence(0.1, 1 / 3, 20.0, 440.123456789, "dog, or cat")],
        "0012": [Evidence(0, 1, 2, 3, ""), Evidence(0, 1, 2, 3, "a")],
    }
    write_evidence(evidence, tmp_path / "evidence.csv")
    assert read_evidence(tmp_path / "evidence.csv") == evidence


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        read_evidence(tmp_path / "evidence.csv")
