"""Explanations of one ablation, scored and kept: one file of rows a setting and recording."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ablations import Ablation

from daxaudio.containers import Event, Explainer, Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.catalogue import make_explainer
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.metrics import score_profile
from daxaudio.runs.files import read_text, write_text

Rows = list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Run:
    """One ablation with its settings.

    Args:
        ablation: what is varied.
        settings: of the methods; their `queries` are the largest Q.
        seed: of every random draw.
        folder: rows are kept in `folder/SETTING/RECORDING.json`.
    """

    ablation: Ablation
    settings: MethodSettings
    seed: int
    folder: Path

    def rows_of(
        self, spectrogram: Spectrogram, score_fn: ScoreFn, events: Sequence[Event], model: str
    ) -> Iterator[tuple[str, Rows]]:
        """Label and rows of every setting on one recording; what is stored is not asked again."""
        shared, name = SharedQueries(), spectrogram.recording_id
        digest = hashlib.sha256(spectrogram.values.cpu().numpy().tobytes()).hexdigest()[:16]
        facts = {
            "model": model,
            "seed": self.seed,
            "settings": repr(self.settings.as_dict()),
            "recording": digest,
            "events": repr(list(events)),
        }
        for label, (_, changes) in self.ablation.settings.items():
            own = {**facts, "changes": repr(changes)}
            path = self.folder / re.sub(r"[^\w.]+", "_", label) / f"{name}.json"
            rows = _stored(path, own)
            if rows is None:
                explainer = shared.share(self._explainer(label, spectrogram))
                explanation = explainer(spectrogram, score_fn)
                scored = score_explanation(label, explanation, events, self.ablation.by_epoch)
                rows = [{"recording_id": name, **row} for row in scored]
                write_text(json.dumps({"facts": own, "rows": rows}, indent=1), path)
            yield label, rows

    def _explainer(self, label: str, spectrogram: Spectrogram) -> Explainer:
        method, changes = self.ablation.settings[label]
        explainer = make_explainer(method, spectrogram, self.settings, seed=self.seed)
        polarity = {"polarity": "checked"} if isinstance(explainer, Dax) else {}
        return dataclasses.replace(explainer, **changes, **polarity)


def _stored(path: Path, facts: dict[str, Any]) -> Rows | None:
    """Rows of this very run; None when there are none yet. Those of another run are an error."""
    if not path.is_file():
        return None
    stored = json.loads(read_text(path))
    if other := [key for key in facts if stored["facts"].get(key) != facts[key]]:
        raise ValueError(
            f"{path} is of a run with other {', '.join(other)}; remove the folder "
            f"{path.parents[1]} or take another --exp_dir"
        )
    return stored["rows"]


def score_explanation(
    label: str, explanation: Explanation, events: Sequence[Event], by_epoch: bool
) -> Rows:
    """Rows `method`, (`epoch`,) `metric`, `value`; DAX twice, as trained and checked."""
    if "upright" not in explanation.findings:
        return _rows(label, explanation, events, by_epoch)
    turned = not explanation.findings["upright"]
    checked = _rows(f"{label}, checked", explanation, events, by_epoch)
    return _rows(label, explanation, events, by_epoch, turned) + checked


def _rows(
    label: str,
    explanation: Explanation,
    events: Sequence[Event],
    by_epoch: bool,
    turned: bool = False,
) -> Rows:
    times, history = explanation.spectrogram.times, explanation.history
    rows: Rows = []
    for number, mask in enumerate(history["masks"] if by_epoch else [explanation.mask.numpy()]):
        found = dict(score_profile((1 - mask if turned else mask).mean(axis=0), times, events))
        if by_epoch:
            found |= {name: history[name][number] for name in ("train_loss", "validation_loss")}
        else:
            found["student_r2"] = explanation.findings.get("student_r2", float("nan"))
            on_top = {phase: s for phase, s in explanation.seconds.items() if phase != "query"}
            found["fit_seconds"] = sum(on_top.values())
        epoch = {"epoch": number + 1} if by_epoch else {}
        rows += [{"method": label, **epoch, "metric": k, "value": v} for k, v in found.items()]
    return rows
