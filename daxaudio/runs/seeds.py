"""Seeds that do not depend on order: each draw has its own, made from names."""

from __future__ import annotations

import hashlib

import torch


def derive_seed(seed: int, *names: object) -> int:
    """A seed for one draw, from the run's seed and what the draw is for.

    The same names give the same seed on any machine, in any order of work and any sharding.

    Args:
        seed: the run's seed.
        names: for instance the recording's id and the method's name.

    Returns:
        An integer in [0, 2^63).

    Example:
        >>> derive_seed(0, "a", "lime") == derive_seed(0, "a", "lime")
        True
        >>> derive_seed(0, "a", "lime") == derive_seed(0, "b", "lime")
        False
    """
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: object) -> torch.Generator:
    """A CPU random generator seeded by `derive_seed`.

    Example:
        >>> torch.rand(1, generator=generator(0, "a")) == torch.rand(1, generator=generator(0, "a"))
        tensor([True])
    """
    return torch.Generator().manual_seed(derive_seed(seed, *names))
