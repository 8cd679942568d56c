"""The processor's own words, on Linux and elsewhere."""

import os
import platform
from pathlib import Path

import pytest
from joblib.externals.loky.backend import context

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


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the processor, of its affinity (`taskset`) and of a container's quota the least."""
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    assert 1 <= hardware.available_cores() <= (os.cpu_count() or 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    monkeypatch.setattr(context, "_cpu_count_cgroup", lambda cores: cores)
    assert hardware.available_cores() == 6
    monkeypatch.setattr(context, "_cpu_count_cgroup", lambda cores: 3)  # as `docker run --cpus 2.5`
    assert hardware.available_cores() == 3
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    assert hardware.available_cores() == 2
