"""The processor's own words, on Linux and elsewhere."""

import platform
from pathlib import Path

import pytest

from bakeoff.system import hardware

LINES = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fma avx2\n\n"


def test_the_name_is_the_model_and_facts_of_all_cores_come_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(LINES * 2)
    assert hardware.processor_name() == "Some CPU @ 2 GHz"
    assert hardware.processor_facts("model name", "flags") == [
        "flags\t\t: fma avx2",
        "model name\t: Some CPU @ 2 GHz",
    ]


def test_without_a_list_of_processors_the_name_is_what_python_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_CPUINFO", tmp_path / "missing")
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert hardware.processor_name() == "arm64"
    assert hardware.processor_facts("model name") == []
