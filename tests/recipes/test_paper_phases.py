"""The paper's figures that the cough recipe shows beside ours."""

import sys

import pandas as pd
from conftest import ROOT

from daxaudio.report.phase_tables import PHASES

sys.path.insert(0, str(ROOT / "recipes" / "coswara"))
from paper_phases import TABLE_VIII


def test_the_paper_has_six_methods_in_six_phases():
    assert tuple(TABLE_VIII) == PHASES
    assert {tuple(row) for row in TABLE_VIII.values()} == {
        ("occlusion", "rise", "kernel_shap", "lime", "dax_v1", "dax_v2")
    }
    # every method of the paper is best at coughs, and its DAX V2 at that
    means = pd.DataFrame(TABLE_VIII).map(lambda cell: float(cell.split()[0]))
    assert (means.idxmax(axis=1) == "cough").all()
    assert means["cough"].idxmax() == "dax_v2"
