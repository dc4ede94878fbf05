"""How `alpha` is shared by all tests that accuse: together they spend it, and no more."""

import pytest

from daxaudio.audit.accusations import FAMILIES, alpha_of, n_draws
from daxaudio.audit.questions import Questions


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_all_families_together_spend_alpha(alpha):
    questions = Questions(alpha=alpha)
    assert sum(alpha_of(one, questions) for one in FAMILIES) == pytest.approx(alpha)


def test_a_family_that_is_none_may_spend_nothing():
    with pytest.raises(ValueError, match="family must be one of label, follows, swaps"):
        alpha_of("masks", Questions())


@pytest.mark.parametrize("n_tests", [1, 6, 40, 300])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_least_p_value_of_any_number_of_tests_can_accuse(n_tests, alpha):
    questions = Questions(alpha=alpha, n_permutations=99)
    least = n_tests / (1 + n_draws(n_tests, questions))
    assert least < min(alpha_of(one, questions) for one in FAMILIES) / 4


def test_more_shuffles_that_are_asked_for_are_done():
    assert n_draws(2, Questions(n_permutations=50_000)) == 50_000
