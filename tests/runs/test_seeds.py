import itertools

import torch

from daxaudio.runs.seeds import derive_seed, generator


def test_seeds_are_those_of_every_machine():
    # written down once: stored results name them
    assert derive_seed(0, "a", "lime") == 3235630962918985184
    assert derive_seed(7) == 4359823973405836615


def test_names_are_told_apart_where_one_ends_and_the_next_begins():
    names = [("ab", "c"), ("a", "bc"), ("abc",), ("c", "ab"), ("", "abc"), ()]
    seeds = [derive_seed(0, *some) for some in names]
    assert len(set(seeds)) == len(names)
    assert derive_seed(1, "1") != derive_seed(11)


def test_each_seed_gives_other_draws():
    draws = [torch.rand(4, generator=generator(seed, "a")).tolist() for seed in range(20)]
    assert all(first != second for first, second in itertools.combinations(draws, 2))


def test_seeds_fit_into_a_signed_integer():
    assert all(0 <= derive_seed(seed) < 2**63 for seed in range(200))
