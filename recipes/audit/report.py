"""Report of the audits: is the confounder named, are honest corpora left alone.

Writes `RESULTS.md`, `report.html`, `cells.csv`, each table in `tables/`. What was not audited yet
is left out, so it may be called at any time.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
from audit_tables import about_honest, gather, judge, tabulate_detection, tabulate_honest

from daxaudio.audit.questions import read_questions
from daxaudio.commands.main import exit_code_of
from daxaudio.report import to_markdown
from daxaudio.report.model import Report, Section, Table
from daxaudio.report.tables import tabulate_environment
from daxaudio.report.writing import write_markdown, write_page
from daxaudio.runs.tables import write_csv

TITLE = "Audits of corpora whose confounder is known"

TEXT = """\
Made coughs: **all audio is synthetic**. Of each corpus, a small classifier learned one half of the
participants and was audited on the other half, by an audit that is told nothing of how the corpus
was made. A confounder of strength 1 is in all positives and no negative; of strength s, the share
of positives who have it is s above that of negatives. Confounded corpora hold no other evidence."""

ABOUT = """\
Named first: the planted kind leads the list of what the audit accuses. Named at all: it is on that
list. Another first: the list begins with something else, of a corpus that holds a confounder.
Intervals are those of Clopper and Pearson, over corpora."""


def main() -> None:
    """Gather what is there, write the report, print what was asked and found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--questions", type=Path, required=True, help="of the audits")
    parser.add_argument("--command", default="", help="command that is quoted in the report")
    arguments = parser.parse_args()
    exp_dir = arguments.exp_dir
    cells = gather(exp_dir / "cells")
    judged, detected, honest = judge(cells), tabulate_detection(cells), tabulate_honest(cells)
    n_honest = int(cells["corpus"].isin(["honest", "chance"]).sum())
    alpha = read_questions(arguments.questions).alpha
    sections = [
        Section("Asked and found", [judged]),
        Section("Confounders", [ABOUT, detected]),
        Section("Honest corpora", [about_honest(alpha, n_honest), honest]),
        Section("Corpora", [_plain(cells)]),
        Section("Environment", [tabulate_environment()]),
    ]
    report = Report(TITLE, sections, [TEXT], arguments.command)
    write_csv(cells, exp_dir / "cells.csv")
    for name, table in {"audit": detected, "audit_honest": honest, "judged": judged}.items():
        heads = [head.replace(" ", "_").replace(",", "") for head in table.header]
        write_csv(pd.DataFrame(table.rows, columns=heads), exp_dir / "tables" / f"{name}.csv")
    write_markdown(report, exp_dir / "RESULTS.md")
    write_page(report, exp_dir / "report.html")
    print("\n\n".join(to_markdown(table) for table in (judged, detected, honest)))


def _plain(cells: pd.DataFrame) -> Table:
    rows = [tuple(map(str, row)) for row in cells.itertuples(index=False)]
    return Table(tuple(cells.columns), tuple(rows))


if __name__ == "__main__":
    sys.exit(exit_code_of("report.py", main))
