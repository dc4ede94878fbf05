"""An audit as a whole, and its machine-readable form: `audit.json`, with tables beside it.

`audit.json` holds, in version 1:

- `schema`: "daxaudio-audit"; `version`: 1
- `title`; `seed`; `versions` of the programs
- `model`: `source`, `digest`, `about` (a line), `classes`, `positive`
- `data`: `source`, `digest`, `n_recordings`, `n_participants`, `annotated`, `ids_hashed`
- `questions`: every setting, the defaults too
- `verdict`: `summary`, and the lists of sentences `heard`, `against`, `not_tested`, `doubtful`
- `sections`: in order, each with `name`, `question`, `answer`, `state` (of `STATES`), `method`,
  `recordings` (ids), `tables`: by name, each with `file` (Parquet, relative to `audit.json`),
  `columns`, `n_rows`, and `rows` where there are few
- `tables`: those that all of it rests on, by name: `file`, `columns`, `n_rows`
- `recordings`: those that are shown, by id: `label`, `predicted`, `score`, `explanations` (folder
  of each by method, relative)

No time and no path outside the folder but the sources stands in it, so that the same audit gives
the same bytes.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from daxaudio.audit.sections import NAMES, STATES, Section
from daxaudio.runs.files import read_text, write_text
from daxaudio.runs.parts import FOLDER as TABLES, merge_table, write_part
from daxaudio.runs.provenance import without_nan
from daxaudio.runs.tables import write_table

FILE = "audit.json"

SCHEMA, VERSION = "daxaudio-audit", 1

_FEW = 200
"""Rows up to which a section's table stands in `audit.json` itself."""

_NEEDED: Mapping[str, type] = {
    **{"title": str, "seed": int, "versions": dict, "model": dict, "data": dict},
    **{"questions": dict, "verdict": dict, "sections": list, "tables": dict, "recordings": dict},
}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What an audit says on top.

    Args:
        summary: one or two sentences.
        heard: what the classifier was found to listen to.
        against: what speaks against the classifier.
        not_tested: what nobody looked at, and why.
        doubtful: what speaks against the audit itself.
    """

    summary: str
    heard: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    not_tested: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Audit:
    """All that an audit says.

    Args:
        title: of the page.
        verdict: on top.
        sections: in order.
        recordings: the table of recordings of the whole corpus, one row each.
        tables: that the sections rest on, by name; `recordings` is among them.
        model: `source`, `digest`, `about`, `classes`, `positive`.
        data: `source`, `digest`, `n_recordings`, `n_participants`, `annotated`, `ids_hashed`.
        questions: every setting.
        explanations: folders of the explanations of a recording, by id and then by method,
            relative to the folder of the audit.
        seed: of all draws.
        versions: of the programs.
    """

    title: str
    verdict: Verdict
    sections: Sequence[Section]
    recordings: pd.DataFrame
    _: dataclasses.KW_ONLY
    tables: Mapping[str, pd.DataFrame]
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    questions: Mapping[str, Any]
    explanations: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    seed: int = 0
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def shown(self) -> list[str]:
        """Recordings that a section shows, each once, in the order of the sections."""
        return list(dict.fromkeys(name for one in self.sections for name in one.recordings))


def write_audit(audit: Audit, out: str | os.PathLike[str]) -> Path:
    """Write the tables, then `audit.json`; each whole or not at all.

    Tables of sections are written as Parquet and CSV, those of the evidence as Parquet alone.
    Those of sections that an earlier audit left there, and that this one has not, are removed.

    Returns:
        The path of `audit.json`.
    """
    out = Path(out)
    tables = {name: _merged(table, name, out) for name, table in audit.tables.items()}
    sections = []
    for section in audit.sections:
        own = {}
        for name, table in section.tables.items():
            own[name] = _written(table, f"{section.name}-{name}", out)
            if len(table) <= _FEW:
                own[name]["rows"] = json.loads(table.to_json(orient="values", double_precision=6))
        plain = {
            "name": section.name,
            "question": section.question,
            "answer": section.answer,
            "state": section.state,
            "method": section.method,
            "recordings": list(section.recordings),
            "tables": own,
        }
        sections.append(plain)
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "title": audit.title,
        "seed": audit.seed,
        "versions": dict(audit.versions),
        "model": dict(audit.model),
        "data": dict(audit.data),
        "questions": dict(audit.questions),
        "verdict": dataclasses.asdict(audit.verdict),
        "sections": sections,
        "tables": tables,
        "recordings": _shown(audit),
    }
    write_text(json.dumps(without_nan(document), indent=1) + "\n", out / FILE)
    _clear({f"{one['name']}-{name}" for one in sections for name in one["tables"]}, out)
    return out / FILE


def read_document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read `audit.json`, and see that it holds what this version says.

    Args:
        path: the file, or the folder that it lies in.

    Raises:
        ValueError: when it is none, or of another version; names the file.
    """
    path = Path(path) / FILE if Path(path).is_dir() else Path(path)
    try:
        found = json.loads(read_text(path))
        check_document(found)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return dict(found)


def check_document(found: Any) -> None:
    """Raise ValueError unless this is what `write_audit` writes.

    Example:
        >>> check_document({"schema": "daxaudio-audit", "version": 9})
        Traceback (most recent call last):
        ValueError: an audit of version 9, this program reads version 1
    """
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError(f"no audit: it has no schema {SCHEMA!r}")
    if found.get("version") != VERSION:
        raise ValueError(
            f"an audit of version {found.get('version')}, this program reads version {VERSION}"
        )
    for name, kind in _NEEDED.items():
        if not isinstance(found.get(name), kind):
            raise ValueError(f"no audit: {name} must be of type {kind.__name__}")
    for section in found["sections"]:
        texts = ("name", "question", "answer", "state", "method")
        if not isinstance(section, dict) or not all(isinstance(section.get(n), str) for n in texts):
            raise ValueError(f"no audit: a section needs the texts {', '.join(texts)}")
        if section["state"] not in STATES:
            raise ValueError(f"no audit: {section['name']} has the state {section['state']!r}")
        for name, table in section["tables"].items():
            if not {"file", "columns", "n_rows"} <= set(table):
                raise ValueError(f"no audit: table {name} of {section['name']} has no file")
    if not {field.name for field in dataclasses.fields(Verdict)} <= set(found["verdict"]):
        raise ValueError("no audit: the verdict lacks a part")


def _clear(names: Collection[str], out: Path) -> None:
    """Remove tables of sections that an earlier audit wrote, and that this one has not."""
    for section in NAMES:
        for path in (out / TABLES).glob(f"{section}-*"):
            if path.suffix in (".csv", ".parquet") and path.stem not in names:
                path.unlink()


def _written(table: pd.DataFrame, name: str, out: Path) -> dict[str, Any]:
    write_table(table, out / TABLES / f"{name}.csv")
    columns = [str(column) for column in table.columns]
    return {"file": f"{TABLES}/{name}.parquet", "columns": columns, "n_rows": len(table)}


def _merged(table: pd.DataFrame, name: str, out: Path) -> dict[str, Any]:
    """Written as a table of one part, as every table of units is."""
    write_part(table, out, name)
    merged = merge_table(out, name)
    columns = [str(column) for column in merged.columns]
    return {"file": f"{TABLES}/{name}.parquet", "columns": columns, "n_rows": len(merged)}


def _shown(audit: Audit) -> dict[str, Any]:
    rows = audit.recordings.set_index("recording_id").to_dict("index")
    found = {}
    for name in audit.shown:
        row = rows[name]
        found[name] = {
            "label": str(row["label"]),
            "predicted": str(row["predicted"]),
            "score": float(row["score"]),
            "explanations": dict(audit.explanations.get(name, {})),
        }
    return found
