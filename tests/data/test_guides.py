"""The guides in docs/data run as they are written, and show what the program prints."""

import re
import sys
from pathlib import Path

import pytest

from bakeoff.cli.main import main

GUIDES = sorted((Path(__file__).parents[2] / "docs" / "data").glob("*.md"))
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)
WIDTH = 96


def printed(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What `bakeoff ...` prints on a terminal of 96 columns."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setattr(sys, "argv", arguments)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_guide_shows_what_the_program_prints(
    guide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BAKEOFF_LANG", "en")
    names: dict[str, object] = {}
    for kind, text in BLOCK.findall(guide.read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(text, str(guide), "exec"), names)
        else:
            command, _, shown = text.partition("\n")
            assert printed(command.removeprefix("$ ").split(), monkeypatch, capsys) == shown.rstrip("\n")


def test_there_is_a_guide_for_each_kind_of_data() -> None:
    kinds = {"images", "tables", "text", "series", "forecasts", "arrays", "graphs"}
    assert kinds <= {guide.stem for guide in GUIDES}
    assert all(BLOCK.search(guide.read_text(encoding="utf-8")) for guide in GUIDES if guide.stem in kinds)
