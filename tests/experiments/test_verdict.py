import dataclasses
import json
import math

import pytest
import torch
from torch import nn

from daxaudio.containers import Explanation
from daxaudio.experiments.findings import Finding, Verdict
from daxaudio.experiments.verdict import judge
from daxaudio.explainers.catalogue import references
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.named_part import DaxV5
from daxaudio.explainers.gradient import Gradient
from daxaudio.explainers.references import Energy, RandomMask
from daxaudio.explainers.rise import Rise
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler


class Listener(nn.Module):
    """Logit of the first class: the level inside the rectangle of the toy; others vary little."""

    def __init__(self, truth):
        super().__init__()
        weight = 0.002 * torch.randn(3, truth.numel(), generator=torch.Generator().manual_seed(0))
        weight[0] = truth.flatten() / (5 * truth.sum())
        self.out = nn.Linear(truth.numel(), 3)
        self.out.weight = nn.Parameter(weight)
        self.out.bias = nn.Parameter(torch.tensor([-1.5, 0.0, 0.0]))

    def forward(self, spectrograms):
        return self.out((spectrograms + 60).flatten(1) * 1.0)


@pytest.fixture
def black_box(toy_truth):
    front_end = LogMel(sample_rate=16000, n_fft=512, hop_length=320, n_mels=24)
    return BlackBox(Listener(toy_truth), front_end, ["event", "hum", "hiss"])


def make_rise(seed):
    return Rise(GridSampler(300, (6, 15), seed=seed))


def explained(make, spectrogram, black_box, target="event"):
    return make(0)(spectrogram, black_box.score_fn(target))


def finding(verdict, name):
    (found,) = [found for found in verdict.findings if found.name == name]
    return found


def names(verdict):
    return [found.name for found in verdict.findings]


def test_nothing_speaks_against_a_mask_of_what_the_classifier_hears(toy_spectrogram, black_box):
    verdict = judge(explained(make_rise, toy_spectrogram, black_box), black_box, make_rise)
    assert names(verdict) == ["score", "cost", "deletion", "stability", "sanity"]
    for name in ("score", "deletion", "stability", "sanity"):
        assert finding(verdict, name).good, finding(verdict, name)
    assert finding(verdict, "deletion").value > 0.1
    assert "depends on the classifier" in finding(verdict, "sanity").sentence
    assert verdict.summary.startswith("None of 4 findings speaks against")


def test_the_opposite_mask_is_found_out(toy_spectrogram, black_box):
    right = explained(make_rise, toy_spectrogram, black_box)
    wrong = dataclasses.replace(right, mask=1 - right.mask)
    verdict = judge(wrong, black_box, make_rise, level="quick")
    assert finding(verdict, "deletion").value < 0
    assert finding(verdict, "deletion").good is False
    assert verdict.summary == "1 of 2 findings speaks against this explanation: deletion."


def test_a_mask_that_shows_the_recording_alone_is_found_out(toy_spectrogram, black_box):
    class Edges:
        """Ignores the classifier, without being a reference."""

        def __call__(self, spectrogram, score_fn):
            return dataclasses.replace(Energy()(spectrogram, score_fn), method="edges")

    make = {0: Edges(), 1: Edges()}.__getitem__
    verdict = judge(explained(make, toy_spectrogram, black_box), black_box, make)
    sanity = finding(verdict, "sanity")
    assert sanity.value == pytest.approx(1)
    assert not sanity.good
    assert "shows the recording more than" in sanity.sentence


def test_another_mask_with_other_draws_is_found_out(toy_spectrogram, black_box):
    def make(seed):
        return lambda spectrogram, score_fn: dataclasses.replace(
            RandomMask(seed)(spectrogram, score_fn), method="guess"
        )

    verdict = judge(explained(make, toy_spectrogram, black_box), black_box, make)
    assert abs(finding(verdict, "stability").value) < 0.1
    assert not finding(verdict, "stability").good
    assert finding(verdict, "deletion").good is None


def test_a_class_that_is_not_predicted_leaves_little_to_explain(toy_spectrogram, black_box):
    explanation = explained(make_rise, toy_spectrogram, black_box, "hum")
    score = finding(judge(explanation, black_box, make_rise, level="quick"), "score")
    assert not score.good
    assert "predicts event" in score.sentence
    assert "little of hum to explain" in score.sentence


@pytest.mark.parametrize("method", references())
def test_references_get_a_sentence_and_are_not_explained_again(method, toy_spectrogram, black_box):
    explanation = explained(lambda seed: Energy(), toy_spectrogram, black_box)
    reference = dataclasses.replace(explanation, method=method)
    verdict = judge(reference, black_box, lambda seed: Energy())
    assert names(verdict) == ["score", "cost", "reference", "deletion"]
    assert finding(verdict, "reference").sentence.startswith(f"{method} is a reference: ")
    assert verdict.summary == "A reference to compare methods with, not an explanation."


def test_what_draws_nothing_has_no_stability(toy_spectrogram, black_box):
    explanation = explained(lambda seed: Gradient(), toy_spectrogram, black_box)
    verdict = judge(explanation, black_box, lambda seed: Gradient())
    assert names(verdict) == ["score", "cost", "deletion", "sanity"]
    assert verdict.n_gradients == 3  # one a class
    assert finding(verdict, "cost").sentence == "The mask cost 1 query and 1 gradient."


def test_dax_v4_tells_what_it_knows_of_itself(toy_spectrogram, black_box):
    def make(seed):
        return DaxV4(MultiGridSampler(300, seed=seed), seed=seed)

    explanation = explained(make, toy_spectrogram, black_box)
    verdict = judge(explanation, black_box, make, level="quick")
    assert names(verdict)[2:5] == ["agreement", "marked_part", "marked_frames"]
    known = explanation.findings
    assert finding(verdict, "agreement").value == min(
        known["salience_reliability"], known["mask_reliability"]
    )
    assert finding(verdict, "marked_frames").good


@pytest.mark.parametrize(("r2", "good", "text"), [(0.8, True, "80 %"), (-0.2, False, " 0 %")])
def test_the_fit_of_a_student_is_told(r2, good, text, toy_spectrogram, black_box):
    explanation = explained(make_rise, toy_spectrogram, black_box)
    explanation = dataclasses.replace(explanation, findings={"student_r2": r2})
    student = finding(judge(explanation, black_box, make_rise, level="quick"), "student")
    assert (student.value, student.good) == (r2, good)
    assert text in student.sentence


def test_warnings_speak_against(toy_spectrogram, black_box):
    explanation = explained(make_rise, toy_spectrogram, black_box)
    explanation = dataclasses.replace(explanation, warnings=("the layer\nis small",))
    warnings = finding(judge(explanation, black_box, make_rise, level="quick"), "warnings")
    assert (warnings.value, warnings.good) == (1, False)
    assert warnings.sentence == "The method itself warns: the layer is small."


def test_a_mask_that_marks_nothing_is_said_so_and_not_explained_again(toy_spectrogram, black_box):
    explanation = Explanation(torch.zeros(24, 60), toy_spectrogram, "rise", "event", score=0.9)
    verdict = judge(explanation, black_box, make_rise)
    assert names(verdict) == ["score", "cost", "mask"]
    assert not finding(verdict, "mask").good
    assert finding(verdict, "mask").sentence == "The mask marks nothing: no bin stands out."


@pytest.mark.parametrize(
    ("warning", "reason"),
    [
        ("nothing is marked: the frames are not named", "the frames are not named"),
        ("nowhere above 0: nothing is marked", "nowhere above 0"),
        ("too flat to explain; nothing is marked", "too flat to explain"),
    ],
)
def test_why_nothing_is_marked_is_said_once(warning, reason, toy_spectrogram, black_box):
    empty = Explanation(torch.zeros(24, 60), toy_spectrogram, "rise", "event", score=0.9)
    verdict = judge(dataclasses.replace(empty, warnings=(warning,)), black_box, make_rise)
    assert names(verdict) == ["score", "cost", "mask"]
    assert finding(verdict, "mask").sentence == f"The mask marks nothing: {reason}."


def test_an_empty_mask_of_dax_v5_tells_that_there_is_no_evidence(toy_spectrogram, black_box):
    def make(seed):
        return DaxV5(MultiGridSampler(300, seed=seed), seed=seed)

    with torch.no_grad():
        black_box.module.out.bias[1] = -5.0  # so that whatever is masked off, it names another
    explanation = explained(make, toy_spectrogram, black_box, "hum")
    assert not explanation.mask.any()
    verdict = judge(explanation, black_box, make)
    assert names(verdict) == ["score", "cost", "mask", "agreement"]
    assert finding(verdict, "mask").sentence.startswith(
        "The mask marks nothing: what speaks most for the class does not alone make the "
        "classifier name it (score 0."
    )
    assert "would give" in finding(verdict, "agreement").sentence
    assert "mask" not in finding(verdict, "agreement").sentence
    assert verdict.n_queries == 1  # which class is predicted


def test_every_query_is_counted_and_classes_share_them(toy_spectrogram, black_box):
    explanation = explained(make_rise, toy_spectrogram, black_box)
    before = black_box.n_queries
    verdict = judge(explanation, black_box, make_rise)
    on_a_copy = finding(verdict, "sanity").n_queries
    assert on_a_copy == explanation.n_queries  # three classes, asked once
    assert finding(verdict, "stability").n_queries == explanation.n_queries
    assert verdict.n_queries - on_a_copy == black_box.n_queries - before


def test_query_access_alone_is_enough_for_all_but_the_shuffled_classifier(
    toy_spectrogram, toy_score_fn
):
    explanation = make_rise(0)(toy_spectrogram, toy_score_fn)
    toy_score_fn.sizes.clear()
    verdict = judge(explanation, toy_score_fn, make_rise)
    assert names(verdict) == ["score", "cost", "deletion", "stability"]
    assert finding(verdict, "score").good is None
    assert verdict.n_queries == sum(toy_score_fn.sizes)


def test_nothing_is_changed_and_the_batch_size_changes_nothing(toy_spectrogram, black_box):
    explanation = explained(make_rise, toy_spectrogram, black_box)
    weights, state = black_box.module.out.weight.clone(), torch.get_rng_state()
    first, second = (judge(explanation, black_box, make_rise, batch_size=size) for size in (64, 7))
    assert torch.equal(black_box.module.out.weight, weights)
    assert torch.equal(torch.get_rng_state(), state)
    for one, other in zip(first.findings, second.findings, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-5)


def test_a_verdict_is_plain_and_never_calls_a_mask_correct(toy_spectrogram, black_box):
    explanation = explained(make_rise, toy_spectrogram, black_box)
    document = judge(explanation, black_box, make_rise).as_dict()
    text = json.dumps(document)
    assert "correct" not in text.replace("correlation", "")
    assert document["queries"] == sum(found["n_queries"] for found in document["findings"])
    assert set(document["findings"][0]) >= {"name", "value", "good", "sentence"}


def test_the_summary_counts_only_what_speaks_for_or_against():
    findings = (
        Finding("score", 0.9, True, "a"),
        Finding("cost", 9.0, None, "b"),
        Finding("deletion", -0.1, False, "c"),
        Finding("sanity", math.nan, False, "d"),
    )
    assert Verdict(findings).summary == (
        "2 of 3 findings speak against this explanation: deletion, sanity."
    )


def test_bad_input_is_refused(toy_spectrogram, black_box):
    explanation = explained(make_rise, toy_spectrogram, black_box)
    with pytest.raises(ValueError, match="level must be one of quick, full, got 'deep'"):
        judge(explanation, black_box, make_rise, level="deep")
    with pytest.raises(ValueError, match="class 'cat' is unknown"):
        judge(dataclasses.replace(explanation, target="cat"), black_box, make_rise)


def test_the_opposite_mask_with_other_draws_is_another_one(toy_spectrogram, black_box):
    found = explained(make_rise, toy_spectrogram, black_box)

    def make(seed):
        mask = found.mask if seed == 0 else 1 - found.mask
        return lambda spectrogram, score_fn: dataclasses.replace(found, mask=mask)

    stability = finding(judge(found, black_box, make), "stability")
    assert stability.value == pytest.approx(-1)
    assert not stability.good


@pytest.mark.parametrize(
    ("kept", "removed", "good"),
    [(0.7, 0.2, True), (0.2, 0.7, False), (0.7, 0.66, None), (0.66, 0.7, None), (0.0, 0.04, None)],
)
def test_marked_frames_speak_for_or_against_where_they_score_clearly_more_or_less(
    kept, removed, good, toy_spectrogram, black_box
):
    found = explained(make_rise, toy_spectrogram, black_box)
    findings = {"score_of_kept": kept, "score_of_removed": removed}
    verdict = judge(
        dataclasses.replace(found, findings=findings), black_box, make_rise, level="quick"
    )
    marked = finding(verdict, "marked_frames")
    assert marked.good is good
    assert marked.value == pytest.approx(kept - removed)


def test_an_order_that_is_not_clear_speaks_neither_for_nor_against(black_box, toy_spectrogram):
    turns = iter(range(1000))

    def jumpy(inputs):  # whatever is removed, the score is drawn
        return torch.rand(len(inputs), generator=torch.Generator().manual_seed(next(turns)))

    found = []
    for seed in range(20):
        verdict = judge(RandomMask(seed)(toy_spectrogram, jumpy), jumpy, level="quick")
        deletion = finding(verdict, "deletion")
        if deletion.good is None:
            assert "in 5 random orders the two differ by up to 0." in deletion.sentence
        found.append(deletion.good)
    assert found.count(None) >= 18


def test_a_likeness_that_few_possible_masks_leave_is_mended_by_the_rise_of_complexity(
    toy_spectrogram, black_box
):
    """The masks of both classifiers have one order; the values of one stand out, of one do not."""
    places = torch.arange(24.0 * 60).view(24, 60) / (24 * 60)

    def make(power_if_random):
        def explain(spectrogram, score_fn):
            trained = float(score_fn(spectrogram.values[None])) == score
            mask = places ** (30 if trained else power_if_random)
            return Explanation(mask, spectrogram, "own", "event", score=score)

        return lambda seed: explain

    score = float(black_box.score_fn("event")(toy_spectrogram.values[None]))
    for power, good, text in ((1, None, "room for few"), (30, False, "shows the recording more")):
        explanation = make(power)(0)(toy_spectrogram, black_box.score_fn("event"))
        sanity = finding(judge(explanation, black_box, make(power)), "sanity")
        assert sanity.value == pytest.approx(1, abs=0.01)
        assert sanity.good is good
        assert text in sanity.sentence
