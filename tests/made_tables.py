"""Tables of made corpora: what goes with the label, and what the score follows, is drawn."""

import numpy as np
import pandas as pd

from daxaudio.audit.traces import KINDS

TRACES = tuple(KINDS)


def made_corpus(
    seed,
    *,
    n_people=60,
    each=2,
    strength=0.0,
    trace="line_db",
    follows=0.0,
    hears=2.0,
    site_strength=0.0,
    site_follows=0.0,
):
    """Recordings, traces and what is known.

    Args:
        seed: of all draws.
        n_people: participants, half of them ill.
        each: recordings of each.
        strength: difference of the shares of ill and well people who have a trace.
        trace: which trace that is.
        follows: how much the model's log odds go with having it.
        hears: how much they go with the illness.
        site_strength: difference of the shares of ill and well people of the site "south".
        site_follows: how much the log odds go with the site.
    """
    random = np.random.default_rng(seed)
    people = np.repeat(np.arange(n_people), each)
    ill = (np.arange(n_people) % 2 == 0)[people]

    def has(size):
        share = np.where(np.arange(n_people) % 2 == 0, (1 + size) / 2, (1 - size) / 2)
        return (random.uniform(size=n_people) < share)[people]

    cheat, south = has(strength), has(site_strength)
    own = random.normal(size=(n_people, len(TRACES)))[people]
    numbers = own + 0.3 * random.normal(size=(len(people), len(TRACES)))
    numbers[:, TRACES.index(trace)] += 5 * cheat
    odds = hears * (ill - 0.5) + follows * (cheat - 0.5) + site_follows * (south - 0.5)
    odds = odds + random.normal(size=n_people)[people] * 0.7 + 0.3 * random.normal(size=len(people))
    ids = [f"r{k:04d}" for k in range(len(people))]
    recordings = pd.DataFrame(
        {
            "recording_id": ids,
            "participant": [f"p{k:03d}" for k in people],
            "label": np.where(ill, "ill", "healthy"),
            "score": 1 / (1 + np.exp(-odds)),
        }
    )
    recordings["predicted"] = np.where(recordings["score"] >= 0.5, "ill", "healthy")
    recordings["correct"] = (recordings["predicted"] == recordings["label"]).astype(int)
    traces = pd.DataFrame(numbers, columns=list(TRACES))
    traces.insert(0, "recording_id", ids)
    known = pd.DataFrame(
        {
            "recording_id": ids,
            "site": np.where(south, "south", "north"),
            "age": random.uniform(20, 80, n_people)[people].round(),
            "sex": random.choice(["f", "m"], n_people)[people],
        }
    )
    return recordings, traces, known
