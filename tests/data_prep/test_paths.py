import pytest

from data_prep import coswara, dicova, esc10
from data_prep.synthetic import planted_coughs, planted_events


@pytest.mark.parametrize("module", [coswara, dicova, esc10, planted_coughs, planted_events])
def test_an_empty_word_is_not_the_working_folder(module, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        module.main(["--out", ""])
    assert stopped.value.code == 2
    assert "argument --out: is empty; name a file or a folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
