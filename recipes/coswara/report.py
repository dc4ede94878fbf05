"""Report of the cough recipe: classifiers by fold, explanations by phase, what was left out."""

import sys
from pathlib import Path

import yaml
from cough_tables import counts_table, folds_table, lists_table
from paper_phases import TABLE_VIII
from planted import planted_tables

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import Parser, exit_code_of
from daxaudio.data.kaldi import read_data_folder
from daxaudio.experiments.phases import score_phases
from daxaudio.explainers.catalogue import DEFAULT_METHOD
from daxaudio.models.blackbox import FACTS_FILE
from daxaudio.models.cross_validation import FOLDS_FILE
from daxaudio.report import to_markdown
from daxaudio.report.phases import write_phases
from daxaudio.runs.files import read_text

TEXT = """\
Each recording is scored and explained by the classifier of the fold that it is in, which has not
seen it. Recordings that it gets right, or as many of them as were asked for, are explained for
their true class (p positive, n negative): where in the recording was that class heard?"""
WITHOUT_SILENCE = """\
Silence was deleted before the analysis: every mask is 0 there, whatever the method. `chance` is of
the whole time all the same; compare with `all_ones`, which marks all that was heard."""
SYNTHETIC = """\
The audio of this corpus is synthetic: the timings of the phases are real, the sounds are made, and
evidence of the positive class is planted. It shows whether methods find what is there to be found;
it says nothing about any illness, nor how a classifier of real coughs decides.

The first table is of the positive recordings: in how many of them the mask is densest (share of the
mask over share of the time) in the phase that holds the evidence, and in each phase. `background`
is all that is labelled as no sound (noise, silence, and what is not labelled); it counts as the
phase that holds the evidence where a hum under the whole recording is all that is planted."""


def main() -> None:
    """Score what the stages left, write the report, and print the main tables."""
    parser = Parser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--corpus", type=Path, required=True, help="may hold planted.csv")
    parser.add_argument("--command", required=True, help="command that is quoted in the report")
    arguments = parser.parse_args()
    exp_dir = arguments.exp_dir
    data = read_data_folder(exp_dir / "data")
    events = events_by_recording(exp_dir / "data" / "events.tsv")
    found = {path.name for path in (exp_dir / "explanations").glob("fold*/*") if path.is_dir()}
    leader = DEFAULT_METHOD if DEFAULT_METHOD in found else min(found, default=DEFAULT_METHOD)
    values = score_phases(exp_dir / "explanations", events, exp_dir, drawn=[leader])
    planted = planted_tables(arguments.corpus, values, exp_dir)
    facts = {
        **planted,
        "Classifiers": folds_table(exp_dir / "models" / FOLDS_FILE),
        "Recordings": counts_table(exp_dir, events, set(values["recording_id"])),
        "What was left out, and what is unlike the rest": lists_table(exp_dir),
    }
    (model, *_) = sorted((exp_dir / "models").glob(f"fold*/{FACTS_FILE}"))
    silence = "vad" in yaml.safe_load(read_text(model))["front_end"]
    texts = [TEXT, *([SYNTHETIC] if planted else []), *([WITHOUT_SILENCE] if silence else [])]
    text = "\n\n".join(texts)
    paths = write_phases(
        exp_dir,
        "Cough phases",
        arguments.command,
        text,
        paper=TABLE_VIII,
        facts=facts,
        leader=leader,
        sounds=data.wav_scp,
    )
    for table in (facts["Classifiers"], *planted.values()):
        print(to_markdown(table) + "\n")
    print(f"table:    {paths[0]}\nreport:   {paths[1]} (open it in a browser)")
    print(f"pictures: {exp_dir / 'pictures' / 'phases'}")


if __name__ == "__main__":
    sys.exit(exit_code_of("report.py", main))
