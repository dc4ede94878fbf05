"""Settings of an audit: what fits is taken, what does not is one line that names file and key."""

import dataclasses

import pytest

from daxaudio.audit.questions import Questions, read_questions


def write(tmp_path, text):
    path = tmp_path / "questions.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_and_no_file_are_the_defaults(tmp_path):
    assert read_questions(write(tmp_path, "# nothing\n")) == read_questions(None) == Questions()


def test_every_setting_can_be_given(tmp_path):
    given = {
        **{"positive": "ill", "participant": "subject", "split": "fold", "left_out": "reason"},
        **{"subgroups": ["sex"], "match_on": ["age"], "columns": ["site"], "categories": ["site"]},
        **{"sites": ["site"], "phases": ["cough"], "specificity": 0.8, "threshold": 0.5},
        **{"confidence": 0.9, "alpha": 0.01, "least_auc": 0.7, "least_effect": 0.2},
        **{"n_bootstrap": 200, "n_permutations": 99, "n_folds": 3, "caliper": 0.5},
        **{"smallest_cell": 5, "n_errors": 3, "method": "rise", "queries": 50, "seed": 1},
        **{"n_explained": 5, "n_donors": 2, "n_controls": 1, "second_method": "lime"},
        "sections": ["performance"],
    }
    path = write(tmp_path, "\n".join(f"{key}: {value}" for key, value in given.items()))
    assert set(given) == {field.name for field in dataclasses.fields(Questions)}
    found = dataclasses.asdict(read_questions(path))
    assert found == {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a", "must hold keys and values"),
        ("subgroup: [sex]", r"unknown key 'subgroup' \(subgroups\?\)"),
        ("subgroups: sex", "subgroups must be a list"),
        ("subgroups: [sex, sex]", "subgroups names 'sex' twice"),
        ("specificity: 90", "specificity must lie between 0 and 1, got 90"),
        ("threshold: 2", r"threshold must lie in \[0, 1\]"),
        ("least_auc: 0.4", r"least_auc must lie in \[0.5, 1\)"),
        ("least_effect: 1", r"least_effect must lie in \[0, 1\)"),
        ("caliper: 0", "caliper must be above 0"),
        ("n_bootstrap: 3", "n_bootstrap must be at least 100, got 3"),
        ("n_folds: many", "n_folds must be a number, got 'many'"),
        ("n_folds: 2.5", "n_folds must be a whole number"),
        ("positive: [a]", "positive must be a text"),
        ("method: foo", "method 'foo' is unknown; choose from"),
        ("second_method: foo", "method 'foo' is unknown"),
        ("method: ''", "method '' is unknown"),
        ("method: rise", "method and second_method are both 'rise'; name another second_method"),
        ("sections: [confounder]", "'confounder' is none; they are participants, performance"),
        ("a: 1\na: 2", "stands twice"),
    ],
)
def test_what_does_not_fit_is_named_with_its_file(tmp_path, text, problem):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=problem) as caught:
        read_questions(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="no such file of questions"):
        read_questions(tmp_path / "none.yaml")


def test_a_seed_that_is_asked_for_is_taken_and_two_that_differ_are_refused(tmp_path):
    assert read_questions(None, 7).seed == 7
    assert read_questions(write(tmp_path, "# nothing\n"), 7).seed == 7
    assert read_questions(write(tmp_path, "positive: ill\n"), 7) == Questions("ill", seed=7)
    path = write(tmp_path, "seed: 7\n")
    assert read_questions(path).seed == read_questions(path, 7).seed == 7
    with pytest.raises(ValueError, match=r"questions\.yaml: its seed is 7, and 0 was asked for"):
        read_questions(path, 0)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        read_questions(None, -1)
