import pytest
from conftest import prepare_command

from daxaudio.commands.prepare import CORPORA


@pytest.mark.parametrize("corpus", CORPORA)
def test_an_empty_word_is_not_the_working_folder(corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        prepare_command(corpus)(["--out", ""])
    assert stopped.value.code == 2
    assert "argument --out: is empty" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
