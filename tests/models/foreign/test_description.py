import subprocess

import pytest
import torch

from daxaudio.containers import Recording
from daxaudio.models.foreign.description import Description, MissingEntriesError
from daxaudio.models.foreign.load import read_entries
from daxaudio.models.foreign.model import ForeignModel

WRONG = {
    **{f"{name}: {value}": name for name in ("seconds", "frame_hop") for value in (0, -1.0)},
    **{f"{name}: {value}": name for name in ("channels", "top_k", "chunk") for value in (0, -3)},
    **{f"{name}: {value}": name for name in ("batch_size", "threads") for value in (0, -1)},
    "context: -5": "context",
    "sample_rate: 0": "sample_rate",
    "channels: 1000000000": "channels",
    "threads: 1000000000": "threads",
    "scale: 0": "scale",
    "overlap: 1.0": "overlap",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_number_that_means_nothing_names_file_and_entry(tmp_path, line):
    (tmp_path / "m.yaml").write_text(f"{line}\n")
    with pytest.raises(ValueError, match=rf"m\.yaml: {WRONG[line]} must"):
        read_entries(tmp_path / "x.onnx", tmp_path / "m.yaml")


def test_a_window_lasts_a_sample():
    with pytest.raises(ValueError, match="seconds must last a sample"):
        Description(["a", "b"], 16000, seconds=1e-9)


def test_a_softmax_of_one_class_is_refused_as_it_says_nothing():
    with pytest.raises(ValueError, match=r"a single class is always 1; write `output: multi_label"):
        Description(["a"], 16000)
    assert Description(["a"], 16000, output="multi_label", activation="sigmoid")


def test_noisy_or_joins_no_logits():
    with pytest.raises(ValueError, match="noisy_or joins probabilities"):
        Description(["a", "b"], 16000, activation="none", frames="noisy_or")


class Whole:
    """Answers once for the whole recording."""

    described: dict[str, object] = {}  # noqa: RUF012

    def __call__(self, inputs):
        return inputs.abs().mean(dim=1)[:, None].expand(-1, 2)

    def digest(self):
        return ""


def test_a_target_with_times_needs_a_model_that_answers_in_time():
    recording = Recording(torch.randn(1, 8000), 8000, "noise")
    whole = ForeignModel(Whole(), Description(["a", "b"], 8000, output="regression"))
    asked = whole.about(recording)
    with pytest.raises(ValueError, match=r"'a@0.2-0.5:falls' has times, but .* leave out @0.2-0.5"):
        asked.score_fn("a@0.2-0.5:falls")(asked.spectrogram.values[None])
    windows = Description(["a", "b"], 8000, output="regression", seconds=0.25)
    asked = ForeignModel(Whole(), windows).about(recording)
    score = asked.score_fn("a@0.25-0.5")(asked.spectrogram.values[None])
    assert float(score) == pytest.approx(float(recording.waveform[0, 2000:4000].abs().mean()))


class Sure:
    """Answers with probabilities."""

    described: dict[str, object] = {}  # noqa: RUF012

    def __call__(self, inputs):
        return torch.tensor([[0.9, 0.1]]).expand(len(inputs), 2)

    def digest(self):
        return ""


def test_probabilities_taken_for_logits_are_doubted_once(caplog):
    model = ForeignModel(Sure(), Description(["a", "b"], 8000), source="sure.onnx")
    model.answers(torch.zeros(2, 1, 8000))
    model.answers(torch.zeros(2, 1, 8000))
    (line,) = caplog.messages
    assert line.startswith("sure.onnx: its numbers are taken for logits, but add up to 1")
    assert line.endswith("write `output: probabilities`")
    told = ForeignModel(Sure(), Description(["a", "b"], 8000, output="probabilities"))
    told.answers(torch.zeros(2, 1, 8000))
    assert len(caplog.messages) == 1


def test_a_model_in_a_line_says_that_it_hears_windows():
    heard = Description(["a", "b"], 8000, output="probabilities", seconds=1.5)
    assert "at 8000 Hz in windows of 1.5 s, answers" in ForeignModel(Sure(), heard).describe()


def test_what_is_missing_can_be_written_by_the_command_that_the_error_shows(tmp_path):
    error = MissingEntriesError("x.onnx", ["classes: [a, b]  # of 2 numbers", "sample_rate: 8000"])
    (tmp_path / "x.onnx").touch()
    command = str(error).partition("such as by: ")[2].partition(" (")[0]
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert read_entries(tmp_path / "x.onnx", None) == {"classes": ("a", "b"), "sample_rate": 8000}
