"""Standard output without a reader and of few signs: run as a person runs the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_TABLE = "a,b,y\n" + "".join(f"{i % 7},{i % 5},{'p' if i % 3 else 'q'}\n" for i in range(60))


def _run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    (folder / "t.csv").write_text(_TABLE)
    own = {"BAKEOFF_LANG": "en", "COLUMNS": "100", **environment}
    return subprocess.run(
        [sys.executable, "-P", "-m", "bakeoff", *words], cwd=folder, env=os.environ | own, capture_output=True
    )


def test_an_ascii_terminal_reads_every_sign_that_has_a_spelling(tmp_path):
    ended = _run(tmp_path, "data", "t.csv", "--target", "y", PYTHONIOENCODING="ascii")
    assert ended.returncode == 0
    assert b"about +/-" in ended.stdout
    assert b"?" not in ended.stdout


def test_a_terminal_without_korean_is_spoken_to_in_english(tmp_path):
    ended = _run(tmp_path, "data", "t.csv", "--target", "y", PYTHONIOENCODING="ascii", BAKEOFF_LANG="ko")
    assert b"What to know before believing a comparison" in ended.stdout


def test_a_command_whose_reader_has_gone_ends_with_141(tmp_path):
    (tmp_path / "t.csv").write_text(_TABLE)
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "bakeoff", "data", "t.csv", "--target", "y"],
        cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_a_seed_that_no_generator_takes_is_refused(tmp_path, seed):
    ended = _run(tmp_path, "data", "t.csv", "--target", "y", "--seed", seed)
    assert ended.returncode == 1
    assert b"seed is a whole number from 0 to 4294967295" in ended.stderr
