"""Results and explanations of several classifiers, paddings and seeds, as a protocol has them."""

import pandas as pd
import torch

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.explainers.storage import save_explanation

NAN = float("nan")


def write_results(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    columns = ["recording_id", "method", "metric", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "results.csv", index=False)


def rows_of(metric, **values):
    """`rise=[0.1, 0.2]` are the values of the recordings a and b."""
    return [
        (name, method, metric, value)
        for method, of_method in values.items()
        for name, value in zip("abcdefghij", of_method, strict=False)
        if value is not None
    ]


def long_table(rows, model="resnet18", seed=0, padding="white"):
    columns = ["recording_id", "method", "metric", "value"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(model=model, seed=seed, padding=padding)


def save(folder, mask, seed=0, model="abc", seconds=None, settings=None, queries=100):
    """A stored explanation of a 4 x 5 spectrogram."""
    mask = torch.as_tensor(mask, dtype=torch.float32)
    spectrogram = Spectrogram(
        torch.zeros_like(mask), torch.arange(4.0), torch.arange(5.0) / 10, folder.name
    )
    explanation = Explanation(
        mask,
        spectrogram,
        folder.parent.name,
        n_queries=queries,
        seconds=seconds or {"query": 10.0, "fit": 2.0},
    )
    facts = {"seed": seed, "model": model, "input": "x", "run_settings": settings or {}}
    save_explanation(explanation, folder, facts)


RISING = torch.linspace(0, 1, 20).reshape(4, 5)


def write_conditions(exp_dir):
    """Two seeds on white noise, one on pink; recording c is explained with seed 0 only."""
    white = exp_dir / "resnet18-seed0" / "white"
    rows = rows_of("iou", dax_v5=[0.6, 0.4, 0.9], rise=[0.4, 0.2, 0.5], random=[0.1, 0.1, 0.1])
    rows += rows_of("frame_auc", dax_v5=[1.0, 0.9, 0.95], rise=[0.9, 0.9, NAN])
    write_results(white, rows)
    write_results(white / "few", rows_of("iou", dax_v5=[0.5, 0.3, 0.7]))
    rows = rows_of("iou", dax_v5=[0.8, 0.4], rise=[0.2, 0.4], random=[0.1, 0.3])
    write_results(exp_dir / "resnet18-seed1" / "white", rows)
    rows = rows_of("iou", dax_v5=[0.3], rise=[0.5]) + rows_of("frame_auc", dax_v5=[0.8], rise=[0.7])
    write_results(exp_dir / "resnet18-seed0" / "pink", rows)
    for folder, mask, seed in (
        (white / "explanations" / "dax_v5" / "a", RISING, 0),
        (white / "explanations_again" / "dax_v5" / "a", RISING**2, 1000),
        (white / "explanations_500" / "dax_v5" / "a", RISING, 0),
    ):
        save(folder, mask, seed)
    (exp_dir / "conditions.csv").write_text(
        "model,seed,padding\nresnet18,0,white\nresnet18,1,white\nresnet18,0,pink\nresnet101,0,pink\n"
    )
