"""Worker processes: as many as cores, one thread each, through joblib's loky; and what they share.

A worker that is killed breaks only the jobs that were running: they are handed out again, one at a time, and a job
that breaks its worker twice while nothing else runs is reported as failed. The same happens where all workers together
hold more memory than they may (`bakeoff.system.memory`): the one that holds the most is ended. Data travel as
memory-mapped files, progress through a small shared array.
"""

import os
import queue
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.system import memory, processes
from bakeoff.system.own_folders import OwnFolder, remove_abandoned

#: A task whose worker dies this many times while no other task runs is given up.
ATTEMPTS = 2
#: Seconds between two checks of a worker that its parent process is still alive.
_PARENT_SECONDS = 1.0
#: Seconds between two checks of the workers' memory.
_MEMORY_SECONDS = 0.5
#: Rows of the shared array of progress: the most tasks that may run or wait at the same time.
_SLOTS = 256
#: How the folder of what workers share is called, in the temporary folder.
_FOLDER = "bakeoff-pool-"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


def available_cores() -> int:
    """Cores that this process may use."""
    try:
        return max(len(os.sched_getaffinity(0)), 1)
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedDataset:
    """A dataset whose arrays lie in files that every worker maps into its memory."""

    token: str
    bare: Dataset
    arrays: dict[str, Path]

    def __eq__(self, other: object) -> bool:
        """By token, so that what a worker made of a dataset is found again for the next task."""
        return isinstance(other, SharedDataset) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)

    def open(self) -> Dataset:
        """The dataset, its arrays mapped read-only; opened once in each process."""
        if self.token not in _opened:
            _opened.clear()
            arrays = {
                name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in self.arrays.items()
            }
            _opened[self.token] = replace(self.bare, **arrays)
        return _opened[self.token]


_opened: dict[str, Dataset] = {}


def share(dataset: Dataset, folder: Path) -> SharedDataset:
    """Write a dataset's arrays to files under `folder` (those that are mapped files already stay where they are)."""
    arrays = {}
    for name in ("inputs", "targets", "lengths"):
        array = getattr(dataset, name)
        if array is None:
            continue
        path = _own_file(array) or folder / f"{name}.npy"
        if path.parent == folder:
            np.save(path, np.ascontiguousarray(array), allow_pickle=False)
        arrays[name] = path
    nothing = np.zeros((0,), np.float32)
    bare = replace(dataset, inputs=nothing, targets=nothing, lengths=None, groups=None, times=None)
    return SharedDataset(token=f"{folder}/{dataset.fingerprint}", bare=bare, arrays=arrays)


def _own_file(array: NDArray[Any]) -> Path | None:
    """The .npy file whose full content this memory-mapped array is; None for any other array."""
    if not isinstance(array, np.memmap) or array.filename is None or not str(array.filename).endswith(".npy"):
        return None
    mapped = np.load(str(array.filename), mmap_mode="r", allow_pickle=False)
    same = mapped.shape == array.shape and mapped.dtype == array.dtype and mapped.offset == array.offset
    return Path(str(array.filename)) if same else None


@dataclass
class _Running:
    task: Callable[..., Any]
    arguments: tuple[Any, ...]
    slot: int
    breaks: int = 0
    payload: Any = None


@dataclass
class Pool:
    """Hands tasks to worker processes and gives their results as they come.

    Args:
        workers: how many.
        environment: variables of the workers.
        memory_bytes: what they may hold together; None where nothing is known of that, and nothing is watched.

    `submit(task, *arguments, payload=...)` calls `task(*arguments, board_path, slot)` in a worker.
    """

    workers: int = field(default_factory=available_cores)
    environment: dict[str, str] = field(default_factory=dict)
    memory_bytes: int | None = field(default_factory=memory.limit_bytes)
    _running: dict["Future[Any]", _Running] = field(default_factory=dict)

    def __post_init__(self) -> None:
        place = Path(tempfile.gettempdir())
        remove_abandoned(place, _FOLDER)
        self._own_folder = OwnFolder(place, _FOLDER)
        self.folder = self._own_folder.path
        self.board_path = self.folder / "progress"
        self.board = np.memmap(self.board_path, dtype=np.int64, mode="w+", shape=(_SLOTS, 2))
        self._free = list(range(_SLOTS))
        self._suspects: list[_Running] = []
        self._executor: Any = None
        self._shared: tuple[Dataset, SharedDataset] | None = None
        self._looked, self._too_much = 0.0, False

    def _start(self) -> Any:
        if self._executor is None:
            from bakeoff.study.workers.loky_start import Executor

            share = (
                {} if self.memory_bytes is None else {memory.SHARE: str(self.memory_bytes // self.workers)}
            )
            with _quiet_tracker(), processes.safe_start():
                self._executor = Executor(
                    max_workers=self.workers,
                    env={
                        **dict.fromkeys(_THREADS, "1"),
                        **share,
                        **self.environment,
                        **processes.safe_variables(),
                    },
                    initializer=_quiet_worker,
                    initargs=(os.getpid(),),
                )
        return self._executor

    @property
    def running(self) -> int:
        """Tasks with a payload that are under way."""
        return sum(entry.payload is not None for entry in (*self._running.values(), *self._suspects))

    def submit(self, task: Callable[..., Any], *arguments: Any, payload: Any = None) -> None:
        """Start a task as soon as a worker is free."""
        entry = _Running(task=task, arguments=arguments, slot=self._free.pop(), payload=payload)
        if self._suspects:
            self._suspects.append(entry)
        else:
            self._hand_out(entry)

    def _hand_out(self, entry: _Running) -> None:
        self.board[entry.slot] = 0
        future = self._start().submit(entry.task, *entry.arguments, str(self.board_path), entry.slot)
        self._running[future] = entry

    def progress(self) -> Iterator[tuple[Any, int, int]]:
        """(payload, done, total) of every task with a payload that is under way."""
        for entry in self._running.values():
            if entry.payload is None:
                continue
            done, total = self.board[entry.slot]
            yield entry.payload, int(done), int(total)

    def finished(self, timeout: float) -> list[tuple[Any, Any]]:
        """(payload, result or exception) of the tasks with a payload that ended within `timeout` seconds."""
        if self._suspects and not self._running:
            self._hand_out(self._suspects.pop(0))
        if not self._running:
            return []
        self._watch_memory()
        done, _ = wait(self._running, timeout=timeout, return_when=FIRST_COMPLETED)
        ended: list[tuple[Any, Any]] = []
        for future in done:
            error = None if future.cancelled() else future.exception()
            if future.cancelled() or isinstance(error, BrokenProcessPool):
                return ended + self._recover()
            entry = self._running.pop(future)
            self._free.append(entry.slot)
            if entry.payload is not None:
                ended.append((entry.payload, error if error is not None else future.result()))
        return ended

    def _watch_memory(self) -> None:
        """End the worker with the most memory where all together hold too much; their tasks start again, alone."""
        if self.memory_bytes is None or time.monotonic() < self._looked + _MEMORY_SECONDS:
            return
        self._looked = time.monotonic()
        held = {process: memory.held_bytes(process) for process in list(self._executor._processes)}
        if sum(held.values()) > self.memory_bytes:
            self._too_much = True
            with suppress(OSError):
                os.kill(max(held, key=lambda process: held[process]), signal.SIGTERM)

    def _recover(self) -> list[tuple[Any, Any]]:
        """New workers in place of broken ones. Nobody knows which task broke them: from now on each runs alone.

        A task that breaks its worker `ATTEMPTS` times while nothing else runs is given up, whether it had started or
        could not even be read there (a network defined where no worker can import it).
        """
        lost = [entry for entry in self._running.values() if entry.payload is not None]
        alone = len(self._running) == 1
        self._running.clear()
        self._shutdown()
        reason = "its worker process died twice (out of memory?)"
        if self._too_much and self.memory_bytes is not None:
            allowed = f"{self.memory_bytes / 1e9:.1f} GB"
            reason = f"it needs more memory than the {allowed} that all workers may take ({memory.OWN_LIMIT})"
        self._too_much = False
        given_up: list[tuple[Any, Any]] = []
        for entry in lost:
            entry.breaks += alone
            if entry.breaks >= ATTEMPTS:
                self._free.append(entry.slot)
                given_up.append((entry.payload, WorkerLostError(reason)))
            else:
                self._suspects.insert(0, entry)
        return given_up

    def _shutdown(self) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            with suppress(Exception):
                _take_back(executor)
                executor.shutdown(wait=False, kill_workers=True)

    def share(self, dataset: Dataset) -> SharedDataset:
        """The dataset as workers open it; its arrays are written to files once."""
        if self._shared is None or self._shared[0] is not dataset:
            self._shared = (dataset, share(dataset, self.folder))
        return self._shared[1]

    def restart(self) -> None:
        """Forget everything that runs or waits (after Ctrl-C); new tasks get new workers."""
        self._running.clear()
        self._suspects.clear()
        self._free = list(range(_SLOTS))
        self._shutdown()

    def close(self) -> None:
        """End the workers, whatever they do, and remove what they shared."""
        self._running.clear()
        self._shutdown()
        self._own_folder.remove()


def _take_back(executor: Any) -> None:
    """Empty the queue of tasks that loky's thread has not read yet, before the executor is shut down.

    The shutdown forgets these tasks while their numbers stay in the queue. A pool that is closed just after it was
    started (because a column's name was wrong) could then print the traceback of a `KeyError` in loky's thread.
    """
    with suppress(queue.Empty):
        while True:
            executor._work_ids.get(block=False)


@contextmanager
def _quiet_tracker() -> Iterator[None]:
    """Inside, loky's resource tracker is started such that it prints no warnings.

    When this process is killed, the tracker removes the semaphores left behind, as it should, and would warn of them
    as leaked, about which a user can do nothing.
    """
    before = os.environ.get("PYTHONWARNINGS")
    silent = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = f"{before},{silent}" if before else silent
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


class WorkerLostError(Exception):
    """A job broke the workers it was given to."""


def _quiet_worker(parent: int) -> None:
    """In a new worker: ignore Ctrl-C, which the parent handles, and end when the parent process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_without, args=(parent,), daemon=True).start()


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os._exit(1)


def report_progress(board_path: str, slot: int) -> Callable[[int, int], None]:
    """In a worker: a function that shows its arguments (done, total) to the parent process."""
    board = np.memmap(board_path, dtype=np.int64, mode="r+", shape=(_SLOTS, 2))

    def report(done: int, total: int) -> None:
        board[slot] = done, total

    return report
