"""How much memory there is, and what a worker's share of it does to its stacks."""

import mmap
import tempfile
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from bakeoff.models import build as build_network
from bakeoff.system import memory
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked.fit_stack import fit_stack
from bakeoff.train.stacked.stack_size import activation_bytes
from bakeoff.train.tensors import TrainingData
from examples import made_up


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with 8,192,000 bytes that are free."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8000 * 1024))


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.usefixtures("machine")
def test_the_least_of_the_machine_and_its_containers_counts(tmp_path: Path) -> None:
    put(tmp_path, "proc/self/cgroup", "0::/outer/inner\n")
    assert memory.available_bytes(tmp_path) == 8000 * 1024
    put(tmp_path, "sys/fs/cgroup/outer/inner/memory.max", "max\n")
    put(tmp_path, "sys/fs/cgroup/outer/inner/memory.current", "10\n")
    assert memory.available_bytes(tmp_path) == 8000 * 1024
    put(tmp_path, "sys/fs/cgroup/outer/memory.max", "5000000\n")
    put(tmp_path, "sys/fs/cgroup/outer/memory.current", "3000000\n")
    put(tmp_path, "sys/fs/cgroup/outer/memory.stat", "anon 7\ninactive_file 400000\nactive_file 9\n")
    assert memory.available_bytes(tmp_path) == 5_000_000 - 3_000_000 + 400_000


@pytest.mark.usefixtures("machine")
def test_a_container_of_the_older_kind_counts_too(tmp_path: Path) -> None:
    put(tmp_path, "proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n")
    put(tmp_path, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "900000\n")
    put(tmp_path, "sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1000000\n")
    assert memory.available_bytes(tmp_path) == 0
    put(tmp_path, "sys/fs/cgroup/memory/a/memory.usage_in_bytes", "100000\n")
    assert memory.available_bytes(tmp_path) == 800_000


def test_a_limit_of_ones_own_is_in_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory.OWN_LIMIT, "1.5")
    assert memory.limit_bytes() == 1_500_000_000
    available = memory.available_bytes()
    for nothing in ("", "much", "-1", "nan"):
        monkeypatch.setenv(memory.OWN_LIMIT, nothing)
        assert memory.limit_bytes() == pytest.approx(memory.PART * available, rel=0.2)


def test_a_process_knows_what_it_holds() -> None:
    before = memory.held_bytes()
    # a map, since what the allocator keeps for later would be used again
    with mmap.mmap(-1, 30_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.write(b"x" * 30_000_000)
        assert 25_000_000 < memory.held_bytes() - before < 90_000_000
    assert memory.held_bytes(2**22 + 1) == 0


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no folder in memory here")
def test_a_mapped_file_does_not_count_even_if_its_folder_lies_in_memory() -> None:
    """Each worker maps the data: counted in each of them, they would seem to need more than there is."""
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        file.truncate(30_000_000)
        before = memory.held_bytes()
        with mmap.mmap(file.fileno(), 30_000_000) as block:
            for start in range(0, 30_000_000, mmap.PAGESIZE):
                block[start] = 1
            assert memory.held_bytes() - before < 10_000_000


def test_a_small_share_makes_narrow_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = made_up("table")
    data = TrainingData(dataset)
    module = build_network("mlp", dataset.schema, width=8, seed=0)
    each = 20 * sum(p.numel() for p in module.parameters()) + 2 * activation_bytes(module, data, 16)
    monkeypatch.setattr(memory, "_held_at_first", lambda: 1_000_000)

    def largest_pack(share: int) -> int:
        monkeypatch.setenv(memory.SHARE, str(share))
        reported: list[int] = []
        fit_stack(
            lambda seed: build_network("mlp", dataset.schema, width=8, seed=seed),
            data,
            [Replica(learning_rate=1e-3, seed=seed, examples=40) for seed in range(6)],
            Recipe(steps=4, batch_size=16, evaluations=1),
            progress=lambda done, total, training: reported.append(training),
            reproducible=True,
        )
        return max(reported)

    assert largest_pack(1_000_000 + 6 * each + each // 2) == 6
    assert largest_pack(1_000_000 + 2 * each + each // 2) == 2
    assert largest_pack(500_000) == 1
