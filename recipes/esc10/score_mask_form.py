"""How much of DAX V4's lead is the form of its mask? RISE's map, brought into the same form.

V4 ends by splitting the time profile in two and ranking bins within frames. This control does the
same to what RISE found, so that only the maps themselves are compared.

    python recipes/esc10/score_mask_form.py --exp_dir DIR     # after protocol.sh
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.experiments.conditions import find_conditions
from daxaudio.explainers.dax.closed_form import when_and_where
from daxaudio.explainers.storage import load_explanation
from daxaudio.metrics import paired_comparison, score_profile
from daxaudio.report.model import Table
from daxaudio.report.tables import number
from daxaudio.report.writing import to_markdown
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.tables import write_csv

METRICS = ("iou", "best_threshold_iou", "frame_auc")
FORMS = ("rise", "rise_in_form", "dax_v4")


def score_condition(folder: Path, events: Path) -> pd.DataFrame:
    """`recording_id`, `metric`, and the values of `rise`, `rise_in_form` and `dax_v4`."""
    truth = events_by_recording(events)
    rows = []
    for path in progress_bar(sorted((folder / "explanations" / "rise").iterdir()), leave=False):
        ours = folder / "explanations" / "dax_v4" / path.name
        if not ours.is_dir():
            continue
        rise, dax = load_explanation(path), load_explanation(ours)
        times, event = rise.spectrogram.times, truth[path.name]
        in_form = when_and_where(rise.attribution[None])[0]
        found = {
            "rise": score_profile(rise.profile, times, event),
            "rise_in_form": score_profile(in_form.mean(dim=0), times, event),
            "dax_v4": score_profile(dax.profile, times, event),
        }
        for metric in METRICS:
            rows.append((path.name, metric, *(values[metric] for values in found.values())))
    return pd.DataFrame(rows, columns=["recording_id", "metric", *FORMS])


def main() -> None:
    """Write `mask_form.csv` and print the means and V4's difference to the control."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of protocol.sh")
    exp_dir = parser.parse_args().exp_dir
    parts, rows = [], []
    for condition in find_conditions(exp_dir):
        events = exp_dir / "data" / f"test_{condition.padding}" / "events.tsv"
        table = score_condition(condition.folder, events)
        facts = {"model": condition.model, "seed": condition.seed, "padding": condition.padding}
        parts.append(table.assign(**facts))
        for metric in METRICS:
            part = table[table["metric"] == metric]
            test = paired_comparison(part["dax_v4"].to_numpy(), part["rise_in_form"].to_numpy())
            means = (number(part[name].mean()) for name in FORMS)
            tested = (number(test.mean_difference, sign="+"), f"{test.p_value:.2g}", str(test.n))
            rows.append((condition.model, condition.padding, metric, *means, *tested))
    heads = ("model", "padding", "metric", *FORMS, "difference", "p", "n")
    print(to_markdown(Table(heads, tuple(rows))))
    write_csv(pd.concat(parts).round(6), exp_dir / "mask_form.csv")


if __name__ == "__main__":
    sys.exit(exit_code_of("score_mask_form.py", main))
