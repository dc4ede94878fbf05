"""Report over corpora with planted evidence: is the phase found, is a cheating model exposed?"""

import sys
from pathlib import Path

import pandas as pd
from planted import FOUND_FILE, count_found, tabulate_planted

from daxaudio.commands.main import Parser, exit_code_of
from daxaudio.explainers.catalogue import DEFAULT_METHOD, order_methods
from daxaudio.metrics import holm, paired_comparison
from daxaudio.models.cross_validation import FOLDS_FILE
from daxaudio.report import to_markdown
from daxaudio.report.model import MISSING, Report, Section, Table
from daxaudio.report.tables import number, p_value, tabulate_environment
from daxaudio.report.writing import write_markdown
from daxaudio.runs.tables import is_table, read_table

TEXT = """\
The audio is synthetic: real timings of cough phases, made sounds, and evidence of the positive
class planted in one phase, named by the corpus. In the corpus `hum` there is no evidence in any
phase, but a steady hum lies under the whole of every positive recording, as of another device or
room: the classifier can only cheat, and is exposed when the background comes first, where nothing
else sounds. Positive recordings that the classifier of their fold gets right are counted; a phase
comes first when the mask is densest there (share of the mask over share of the time)."""


def classifier_table(exp_dir: Path, corpora: list[str]) -> Table:
    """Area under the ROC curve of the folds of each corpus."""
    rows = []
    for corpus in corpora:
        folds = read_table(exp_dir / corpus / "models" / FOLDS_FILE).set_index("fold")["auc"]
        own = folds.drop(index=["mean", "std", "pooled"])
        spread = f"{folds['mean']:.3f} ({folds['std']:.3f})"
        rows.append((corpus, spread, f"{own.min():.3f}", f"{folds['pooled']:.3f}"))
    return Table(("corpus", "AUC, mean of folds (std)", "lowest fold", "pooled"), tuple(rows))


def density_table(found: dict[str, pd.DataFrame], leader: str) -> Table:
    """Mass over chance in the planted phase by method and corpus, tested against the leader."""
    methods = order_methods({name for table in found.values() for name in table["method"]})
    means, tests = {}, {}
    for corpus, table in found.items():
        wide = table.pivot(index="recording_id", columns="method", values="mass_over_chance")
        means |= {(method, corpus): number(mean, 2) for method, mean in wide.mean().items()}
        for method in (name for name in wide if name != leader and leader in wide):
            result = paired_comparison(wide[leader], wide[method])
            tests |= {(method, corpus): result.p_value} if result.n else {}
    corrected = dict(zip(tests, holm(list(tests.values())), strict=True))
    cells = {
        key: f"{mean} ({p_value(tests[key])}; {p_value(corrected[key])})" if key in tests else mean
        for key, mean in means.items()
    }
    rows = [
        (method, *(cells.get((method, corpus), MISSING) for corpus in found)) for method in methods
    ]
    return Table(("method", *found), tuple(rows))


def main(words: list[str] | None = None) -> None:
    """Gather what the recipe left in each corpus, write the report, and print it."""
    parser = Parser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of all corpora")
    parser.add_argument("--corpora", nargs="+", required=True, help="their names")
    parser.add_argument("--command", required=True, help="command that is quoted in the report")
    arguments = parser.parse_args(words)
    exp_dir, corpora = arguments.exp_dir, arguments.corpora
    paths = {corpus: exp_dir / corpus / FOUND_FILE for corpus in corpora}
    missing = [str(path) for path in paths.values() if not is_table(path)]
    if missing:
        raise ValueError(f"{missing[0]}: no such file; run planted.sh from stage 1")
    found = {corpus: read_table(path) for corpus, path in paths.items()}
    methods = order_methods({name for table in found.values() for name in table["method"]})
    counts = [(name, *(count_found(table, name) for table in found.values())) for name in methods]
    about = (
        f"In brackets the p-value of the paired Wilcoxon test of {DEFAULT_METHOD} against the row, "
        "and corrected by Holm for all tests of the table."
    )
    first = Table(("method", *corpora), tuple(counts))
    sections = [
        Section("How often the planted phase comes first", [first]),
        Section(
            "Share of the mask over share of the time, in the planted phase",
            [about, density_table(found, DEFAULT_METHOD)],
        ),
        Section("Classifiers", [classifier_table(exp_dir, corpora)]),
        *(
            Section(f"Which phase comes first: {corpus}", [tabulate_planted(table)])
            for corpus, table in found.items()
        ),
        Section("Environment", [tabulate_environment()]),
    ]
    report = Report("Planted coughs", sections, [TEXT], arguments.command)
    path = write_markdown(report, exp_dir / "RESULTS.md")
    print(f"{to_markdown(first)}\n\ntable: {path}")


if __name__ == "__main__":
    sys.exit(exit_code_of("planted_report.py", main))
