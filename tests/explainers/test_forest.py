"""The forest on segments of time: truths that are known, and the same as scikit-learn by hand."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestRegressor

from daxaudio.explainers.forest import Forest
from daxaudio.perturbation.masks import draw_kept
from daxaudio.perturbation.time_runs import RunSampler
from daxaudio.runs.seeds import derive_seed

N_PARTS = 8


@pytest.fixture
def kept():
    return draw_kept(600, N_PARTS, 0.5, torch.Generator().manual_seed(0))


def importances(neighbourhood, **settings):
    """`[K]`, of a neighbourhood made by hand whose segments are single bins."""
    return Forest(**settings).fit(neighbourhood).attribution[0]


def test_a_score_of_one_segment_gives_it_all_importance(kept, neighbourhood_of):
    found = importances(neighbourhood_of(kept, kept[:, 3].float()))
    assert float(found[3]) == pytest.approx(1, abs=1e-6)


def test_importances_of_a_linear_score_are_the_shares_of_its_variance(kept, neighbourhood_of):
    worth = torch.tensor([3.0, -2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    found = importances(neighbourhood_of(kept, kept.float() @ worth + 10), weights="equal")
    torch.testing.assert_close(found, worth**2 / 14, atol=0.05, rtol=0)


def test_what_lowers_the_score_is_important_too(kept, neighbourhood_of):
    found = importances(neighbourhood_of(kept, 0.9 - 0.8 * kept[:, 2].float()))
    assert int(found.argmax()) == 2
    assert float(found.min()) >= 0


def test_either_of_two_segments_suffices_and_both_are_found(kept, neighbourhood_of):
    found = importances(neighbourhood_of(kept, (kept[:, 1] | kept[:, 6]).float()))
    assert sorted(found.topk(2).indices.tolist()) == [1, 6]
    assert float(found[[1, 6]].sum()) > 0.95


def test_probabilities_count_by_their_log_odds(kept, neighbourhood_of):
    worth = torch.tensor([4.0, 4.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0])
    logits = kept.double() @ worth.double() - 12
    probable, plain = (neighbourhood_of(kept, scores) for scores in (logits.sigmoid(), logits))
    # float32 keeps the logits of probabilities to about 1e-6
    torch.testing.assert_close(importances(probable), importances(plain), atol=0.01, rtol=0)


def test_certain_probabilities_are_finite(kept, neighbourhood_of):
    found = importances(neighbourhood_of(kept, kept[:, 0].float()))
    assert bool(torch.isfinite(found).all())


def test_a_score_that_never_changes_marks_nothing(kept, neighbourhood_of):
    found = Forest().fit(neighbourhood_of(kept, torch.full((600,), 0.25)))
    assert not found.mask.any()


def test_far_samples_weigh_more_and_the_input_itself_nothing(kept, neighbourhood_of):
    scores = kept[:, 5].float()
    same = torch.ones(200, N_PARTS, dtype=torch.bool)
    # the input again, and again, with scores that contradict each other
    spoilt = torch.cat([scores, torch.arange(200) % 2])
    clean = importances(neighbourhood_of(kept, scores), n_trees=300)
    found = importances(neighbourhood_of(torch.cat([kept, same]), spoilt), n_trees=300)
    torch.testing.assert_close(found, clean, atol=0.01, rtol=0)
    equal = importances(neighbourhood_of(torch.cat([kept, same]), spoilt), weights="equal")
    assert float(equal[5]) < float(found[5]) - 0.1


def test_the_same_as_scikit_learn_by_hand(toy_spectrogram, toy_score_fn):
    drawn = RunSampler(200)(toy_spectrogram, toy_score_fn)
    inputs = drawn.inputs(slice(None)).double().numpy()
    distances = np.linalg.norm((inputs - toy_spectrogram.values.numpy()).reshape(200, -1), axis=1)
    odds = drawn.scores.double().numpy()
    theirs = RandomForestRegressor(100, random_state=derive_seed(5, "forest") % 2**32)
    theirs.fit(drawn.perturbation.kept.numpy(), np.log(odds / (1 - odds)), sample_weight=distances)
    found = Forest(seed=5).fit(drawn).attribution[0, ::5]  # segments of 5 frames
    np.testing.assert_allclose(found, theirs.feature_importances_, atol=0.02)


def test_the_trees_are_seeded_apart_from_the_draws(toy_spectrogram, toy_score_fn):
    drawn = RunSampler(100)(toy_spectrogram, toy_score_fn)
    first, again, other = (Forest(seed=seed).fit(drawn) for seed in (0, 0, 1))
    assert torch.equal(first.attribution, again.attribution)
    assert not torch.equal(first.attribution, other.attribution)


def test_samples_that_are_all_the_input_are_taken_equally(neighbourhood_of):
    same = torch.ones(20, N_PARTS, dtype=torch.bool)
    drawn = neighbourhood_of(same, torch.rand(20, generator=torch.Generator().manual_seed(0)))
    assert not Forest(n_trees=3).fit(drawn).mask.any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"n_trees": 0}, "n_trees must be at least 1"), ({"weights": "near"}, "weights must be")],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(Forest(), **settings)
