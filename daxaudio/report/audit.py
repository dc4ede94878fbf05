"""An audit as a page: one HTML file that needs nothing else, to be read, heard, printed and signed.

It is made of what an audit wrote (`audit.json`, tables, explanations) and knows nothing of what its
sections mean: a question, an answer, a state, tables, a method and recordings are shown the same
way in each.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from daxaudio.audit.document import read_document
from daxaudio.report.audit_recordings import SOUND_MB, Card, Cards, Hear
from daxaudio.report.audit_tables import ShownTable, in_words, show_table
from daxaudio.report.audit_words import CHECKLIST, GLOSSARY, SIGNERS
from daxaudio.report.offline import css_text, nonce_of, policy_of, source_of
from daxaudio.report.writing import render
from daxaudio.runs.files import write_text

PAGE_FILE = "audit.html"


@dataclasses.dataclass(frozen=True)
class ShownSection:
    """A section as the page shows it.

    Args:
        name: of the section; `anchor` is its id on the page.
        question: what it answers.
        answer: the plain answer.
        state: one of `audit.sections.STATES`.
        method: for the statistician.
        tables: what the answer rests on.
        cards: recordings that are shown here.
        elsewhere: recordings of it that are shown in an earlier section, and links to them.
    """

    name: str
    question: str
    answer: str
    state: str
    method: str
    tables: tuple[ShownTable, ...]
    cards: tuple[Card, ...]
    elsewhere: tuple[tuple[str, str], ...]

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return anchor_of(self.name)


def anchor_of(name: str) -> str:
    """Id on the page of a section.

    Example:
        >>> anchor_of("swaps")
        'section-swaps'
    """
    return f"section-{name}"


def write_audit_page(
    out: str | os.PathLike[str],
    path: str | os.PathLike[str] | None = None,
    *,
    hear: Hear | None = None,
    sound_mb: float = SOUND_MB,
    date: datetime.date | None = None,
) -> Path:
    """Write the page of an audit, whole or not at all.

    The verdict stands on top, then what was audited and by what, each section with its question,
    answer and state, its tables, pictures, method and recordings folded below, a list to be ticked
    and signed, and a glossary. Printed, all of it is open and players are left out.

    Args:
        out: the folder of the audit, which holds `audit.json`.
        path: the .html file; `audit.html` in the folder when None.
        hear: gives the sounds of the recordings that are shown; None for a page without sound.
        sound_mb: megabytes of sound that the page may hold; recordings that come later have none.
        date: on which it was written; not told when None, so that the page has the same bytes.

    Returns:
        The path.

    Raises:
        ValueError: when there is no audit or a table of it is missing; names the file.
    """
    out = Path(out)
    document = read_document(out)
    sections, cards = _sections(document, out, Cards(out, document["recordings"], hear, sound_mb))
    style = source_of("templates/audit.css")
    scripts = [source_of("templates/audit.js")]
    nonce = nonce_of(style)
    text = render(
        "audit.html.j2",
        document=document,
        sections=sections,
        anchors={section.name: section.anchor for section in sections},
        identity=_identity(document, date, _about_sound(document, cards)),
        settings=_settings(document["questions"]),
        versions=document["versions"],
        checklist=CHECKLIST,
        signers=SIGNERS,
        glossary=GLOSSARY,
        header=Markup(css_text(document["title"])),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        policy=policy_of(scripts, nonce),
        nonce=nonce,
    )
    path = out / PAGE_FILE if path is None else Path(path)
    write_text(text, path)
    return path


def _sections(
    document: Mapping[str, Any], out: Path, cards: Cards
) -> tuple[list[ShownSection], Cards]:
    links = {one["name"]: anchor_of(one["name"]) for one in document["sections"]}
    method, shown = str(document["questions"].get("method", "")), dict[str, str]()
    sections = []
    for one in document["sections"]:
        fresh = [name for name in dict.fromkeys(one["recordings"]) if name not in shown]
        elsewhere = [(name, shown[name]) for name in one["recordings"] if name in shown]
        shown |= {name: f"recording-{len(shown) + k}" for k, name in enumerate(fresh)}
        here = {**links, **shown}
        section = ShownSection(
            one["name"],
            one["question"],
            one["answer"],
            one["state"],
            one["method"],
            tuple(
                show_table(name, _read_table(told, out), told, here)
                for name, told in one["tables"].items()
            ),
            tuple(
                dataclasses.replace(cards.card(name, method), anchor=shown[name]) for name in fresh
            ),
            tuple(elsewhere),
        )
        sections.append(section)
    return sections, cards


def _read_table(told: Mapping[str, Any], out: Path) -> pd.DataFrame:
    """A table of a section: from `audit.json` where it is small, else from its file."""
    if "rows" in told:
        return pd.DataFrame(told["rows"], columns=told["columns"], dtype=object)
    path = out / told["file"]
    if not path.is_file():
        raise ValueError(f"{path}: a table of the audit is missing; run the audit again")
    return pd.read_parquet(path)


def _identity(
    document: Mapping[str, Any], date: datetime.date | None, sound: str
) -> list[tuple[str, str]]:
    """Who was audited by whom, in words."""
    model, data = document["model"], document["data"]
    events = "known of every recording" if data["annotated"] else "not known of every recording"
    rows = [
        ("model", str(model["source"])),
        ("what it is", str(model["about"])),
        ("digest of the model", str(model["digest"])),
        ("classes", ", ".join(map(str, model["classes"]))),
        ("audited score", f"of the class {model['positive']}"),
        ("data", str(data["source"])),
        ("digest of the data", str(data["digest"])),
        ("asked about", f"{data['n_recordings']} recordings of {data['n_participants']} people"),
        ("events", events),
        ("ids", "replaced by keyed hashes" if data.get("ids_hashed") else "as in the data"),
        ("sound on this page", sound),
        ("seed of all draws", str(document["seed"])),
        ("program", f"daxaudio {document['versions'].get('daxaudio', '')}"),
        ("written on", "" if date is None else date.isoformat()),
    ]
    return [(name, text) for name, text in rows if text]


def _about_sound(document: Mapping[str, Any], cards: Cards) -> str:
    n_shown = len(document["recordings"])
    if not cards.n_heard:
        return f"none ({n_shown} recordings are shown)"
    return f"{cards.n_heard} of {n_shown} recordings that are shown, {cards.used / 1e6:.1f} MB"


def _settings(questions: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every setting in words; what is not given stands as such."""
    rows = []
    for name, one in questions.items():
        text = ", ".join(map(str, one)) if isinstance(one, list | tuple) else str(one)
        rows.append((in_words(name), "not given" if one is None or not text else text))
    return rows
