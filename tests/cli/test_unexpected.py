"""The last net of the command line."""

import sys

import pytest

from bakeoff.cli import main, statuses


def _fails(error):
    def app():
        raise error

    return app


@pytest.fixture
def ended(monkeypatch, capsys, tmp_path):
    """What the command line does when its command raises: (status, what it says)."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["bakeoff", "data", "secret.csv"])

    def run(error):
        monkeypatch.setattr(main, "app", _fails(error))
        return main._status_of_app(), capsys.readouterr().err

    return run


def test_an_unforeseen_error_is_a_sentence_and_its_traceback_a_file(ended, tmp_path):
    status, said = ended(RuntimeError("boom\x1b[31m"))
    assert status == statuses.INTERNAL_ERROR
    assert said.count("\n") == 1
    assert "\x1b" not in said
    kept = next(tmp_path.glob("bakeoff-error-*.txt"))
    assert str(kept) in said
    assert "RuntimeError: boom" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_ctrl_c_is_no_error(ended, tmp_path):
    assert ended(KeyboardInterrupt()) == (130, "bakeoff: Stopped.\n")
    assert not list(tmp_path.iterdir())


def test_too_little_memory_says_what_to_do(ended):
    status, said = ended(MemoryError())
    assert status == 1
    assert "fewer --workers" in said


@pytest.mark.parametrize(("code", "status"), [(None, 0), (2, 2), ("text", 1)])
def test_the_status_of_a_command_is_kept(ended, code, status):
    assert ended(SystemExit(code))[0] == status
