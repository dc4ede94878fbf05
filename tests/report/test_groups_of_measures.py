from daxaudio.metrics.catalogue import GROUPS
from daxaudio.report.sentences import TEXTS, TITLES


def test_every_group_of_measures_has_a_heading_and_a_text():
    assert set(TITLES) == set(TEXTS) == set(GROUPS)
