"""Tables and the picture of an ablation."""

from pathlib import Path

import pandas as pd
import yaml
from ablations import SHOWN_EPOCHS, Ablation

from daxaudio.experiments.score import summarise
from daxaudio.explainers.settings import MethodSettings
from daxaudio.plot.drawing import new_figure
from daxaudio.plot.texts import save_figure
from daxaudio.report.model import Report, Table
from daxaudio.report.tables import tabulate_environment, tabulate_summary
from daxaudio.report.writing import write_markdown
from daxaudio.runs.tables import write_csv

METRICS = ("iou", "frame_auc", "best_threshold_iou", "student_r2", "fit_seconds")
BY_EPOCH = ("iou", "frame_auc", "best_threshold_iou", "train_loss", "validation_loss")

ABOUT = """\
Over {n} recording(s) of this run, correctly classified as padded: mean (standard deviation).
`dax_v1` and `dax_v2` stand as trained, and `checked`: turned over where the black box says so (18
more queries). `student_r2` is the share of the held-out scores' variance that the student explains,
`fit_seconds` the time on top of the queries.

{text}

The paper's figures are IoU in % on images, between a mask and the object's outline, with other
black boxes; ours are IoU between stretches of time. Only the order of the rows can be compared.

The methods of this run were set to:"""


def write_report(
    name: str, ablation: Ablation, settings: MethodSettings, results: pd.DataFrame, exp_dir: Path
) -> list[Path]:
    """Write the long CSV file (without times, which differ from run to run) and the Markdown."""
    paths = [exp_dir / f"ablation_{name}.csv", exp_dir / f"ablation_{name}.md"]
    write_csv(results[results["metric"] != "fit_seconds"].round({"value": 6}), paths[0])
    table = _by_epoch(results) if ablation.by_epoch else _by_setting(ablation, results)
    shared = {"queries": settings.queries, "fill": settings.fill, "dax": settings.as_dict()["dax"]}
    text = ABOUT.format(n=results["recording_id"].nunique(), text=ablation.text)
    setup = f"```yaml\n{yaml.safe_dump(shared, sort_keys=False)}```"
    lead = [table, text, setup, tabulate_environment()]
    write_markdown(Report(ablation.title, [], lead), paths[1])
    if ablation.by_epoch:
        paths.append(draw_convergence(results, exp_dir / f"{name}.png"))
    return paths


def _by_setting(ablation: Ablation, results: pd.DataFrame) -> Table:
    """Our rows, and the paper's that have no counterpart here below them."""
    summary = summarise(results)
    labels = [*summary["method"].unique()]
    labels += [label for label in ablation.paper if label not in labels]
    return tabulate_summary(summary, labels, METRICS, ablation.paper)


def _by_epoch(results: pd.DataFrame) -> Table:
    shown = results[results["epoch"].isin(SHOWN_EPOCHS)].copy()
    shown["method"] += ", epoch " + shown["epoch"].astype(str)
    return tabulate_summary(summarise(shown), metrics=BY_EPOCH, decimals=3)


def draw_convergence(results: pd.DataFrame, path: Path) -> Path:
    """IoU, frame AUC and losses by epoch, means over recordings; one row of panels a method."""
    means = results.groupby(["method", "epoch", "metric"])["value"].mean()
    methods = [name for name in results["method"].unique() if not name.endswith(", checked")]
    figure = new_figure(11, 3.4 * len(methods))
    for axes, method in zip(figure.subplots(len(methods), 3, squeeze=False), methods, strict=True):
        for panel, metric in zip(axes, ("iou", "frame_auc"), strict=False):
            for label, style in ((method, "--"), (f"{method}, checked", "-")):
                line = means[label].xs(metric, level="metric")
                way = "checked" if style == "-" else "as trained"
                panel.plot(line.index, line, style, color="#0072B2", label=way)
            panel.set(title=f"{method}: {metric}", xlabel="epoch", ylim=(0, 1))
        for metric, colour in (("train_loss", "#333333"), ("validation_loss", "#D55E00")):
            line = means[method].xs(metric, level="metric")
            axes[2].plot(line.index, line, color=colour, label=metric.replace("_", " "))
        axes[2].set(title=f"{method}: loss", xlabel="epoch")
        axes[0].legend()
        axes[2].legend()
    return save_figure(figure, path)
