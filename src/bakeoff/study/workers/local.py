"""The `Executor` of one machine: as many worker processes as cores, one thread each, through joblib's loky.

A worker that is killed breaks only the tasks that were running: they are handed out again, one at a time, and a task
that breaks its worker twice while nothing else runs is given up. The same happens where all workers together hold more
memory than they may (`bakeoff.system.memory`): the one that holds the most is ended. Data travel as memory-mapped
files, progress through a small shared array.
"""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.messages.statement import because
from bakeoff.study.workers.executor import (
    SharedDataset,
    Task,
    TaskContext,
    TaskOutcome,
    TaskProgress,
    WorkerLostError,
)
from bakeoff.study.workers.shared_dataset import share
from bakeoff.system import memory
from bakeoff.system.hardware import available_cores
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


@dataclass(kw_only=True)
class _Running:
    task: Task
    request: Any
    deadline: float | None
    payload: Any
    slot: int
    breaks: int = 0


@dataclass
class LocalExecutor:
    """Worker processes on this machine; see `bakeoff.study.workers.executor` for what its methods promise.

    Args:
        workers: how many.
        environment: variables of the workers.
        memory_bytes: what they may hold together.
    """

    workers: int = field(default_factory=available_cores)
    environment: dict[str, str] = field(default_factory=dict)
    memory_bytes: int = field(default_factory=memory.limit_bytes)
    _running: dict["Future[Any]", _Running] = field(default_factory=dict)

    def __post_init__(self) -> None:
        place = Path(tempfile.gettempdir())
        remove_abandoned(place, _FOLDER)
        self._own_folder = OwnFolder(place, _FOLDER)
        self.folder = self._own_folder.path
        self._board_path = self.folder / "progress"
        self._board = np.memmap(self._board_path, dtype=np.int64, mode="w+", shape=(_SLOTS, 2))
        self._free = list(range(_SLOTS))
        self._suspects: list[_Running] = []
        self._processes: Any = None
        self._shared: dict[str, SharedDataset] = {}
        self._looked, self._too_much = 0.0, False

    def _start(self) -> Any:
        if self._processes is None:
            from bakeoff.study.workers import loky_start

            one_thread = dict.fromkeys(_THREADS, "1")
            share_bytes = str(self.memory_bytes // self.workers)
            environment = {**one_thread, memory.SHARE: share_bytes, **self.environment}
            self._processes = loky_start.start(self.workers, environment, _quiet_worker, os.getpid())
        return self._processes

    @property
    def running(self) -> int:
        return sum(entry.payload is not None for entry in (*self._running.values(), *self._suspects))

    def submit(self, task: Task, request: Any, *, payload: Any = None, deadline: float | None = None) -> None:
        slot = self._free.pop()
        entry = _Running(task=task, request=request, deadline=deadline, payload=payload, slot=slot)
        if self._suspects:
            self._suspects.append(entry)
        else:
            self._hand_out(entry)

    def _hand_out(self, entry: _Running) -> None:
        self._board[entry.slot] = 0
        board = str(self._board_path), entry.slot
        future = self._start().submit(_run_task, entry.task, entry.request, entry.deadline, *board)
        self._running[future] = entry

    def progress(self) -> Iterator[TaskProgress]:
        for entry in self._running.values():
            if entry.payload is not None:
                done, total = self._board[entry.slot]
                yield TaskProgress(entry.payload, int(done), int(total))

    def finished(self, timeout: float) -> list[TaskOutcome]:
        if self._suspects and not self._running:
            self._hand_out(self._suspects.pop(0))
        if not self._running:
            return []
        self._watch_memory()
        done, _ = wait(self._running, timeout=timeout, return_when=FIRST_COMPLETED)
        ended: list[TaskOutcome] = []
        for future in done:
            error = None if future.cancelled() else future.exception()
            if future.cancelled() or isinstance(error, BrokenProcessPool):
                return ended + self._recover()
            entry = self._running.pop(future)
            self._free.append(entry.slot)
            if entry.payload is not None:
                ended.append(TaskOutcome(entry.payload, error if error is not None else future.result()))
        return ended

    def _watch_memory(self) -> None:
        """End the worker with the most memory where all together hold too much; their tasks start again, alone."""
        if time.monotonic() < self._looked + _MEMORY_SECONDS:
            return
        from bakeoff.study.workers import loky_start

        self._looked = time.monotonic()
        held = {process: memory.held_bytes(process) for process in loky_start.process_ids(self._processes)}
        if sum(held.values()) > self.memory_bytes:
            self._too_much = True
            with suppress(OSError):
                os.kill(max(held, key=lambda process: held[process]), signal.SIGTERM)

    def _recover(self) -> list[TaskOutcome]:
        """New workers in place of broken ones. Nobody knows which task broke them: from now on each runs alone.

        A task that breaks its worker `ATTEMPTS` times while nothing else runs is given up, whether it had started or
        could not even be read there (a network defined where no worker can import it).
        """
        lost = [entry for entry in self._running.values() if entry.payload is not None]
        alone = len(self._running) == 1
        self._running.clear()
        self._shutdown()
        reason = because("worker_died")
        if self._too_much:
            allowed = self.memory_bytes / 1e9
            reason = because("workers_memory", allowed=allowed, limit=memory.OWN_LIMIT)
        self._too_much = False
        given_up: list[TaskOutcome] = []
        for entry in lost:
            entry.breaks += alone
            if entry.breaks >= ATTEMPTS:
                self._free.append(entry.slot)
                given_up.append(TaskOutcome(entry.payload, WorkerLostError(reason)))
            else:
                self._suspects.insert(0, entry)
        return given_up

    def _shutdown(self) -> None:
        executor, self._processes = self._processes, None
        if executor is not None:
            from bakeoff.study.workers import loky_start

            loky_start.end(executor)

    def share(self, dataset: Dataset) -> SharedDataset:
        """The dataset as workers open it; its arrays are written to files once, which no other dataset overwrites."""
        token = dataset.fingerprint
        if token not in self._shared:
            folder = self.folder / token
            folder.mkdir(exist_ok=True)
            self._shared[token] = share(dataset, folder)
        return self._shared[token]

    def restart(self) -> None:
        self._running.clear()
        self._suspects.clear()
        self._free = list(range(_SLOTS))
        self._shutdown()

    def close(self) -> None:
        self._running.clear()
        self._suspects.clear()
        self._shutdown()
        self._own_folder.remove()


def _quiet_worker(parent: int) -> None:
    """In a new worker: ignore Ctrl-C, which the parent handles, and end when the parent process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_without, args=(parent,), daemon=True).start()


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os._exit(1)


def _run_task(task: Task, request: Any, deadline: float | None, board_path: str, slot: int) -> Any:
    """In a worker, whose monotonic clock is that of the whole machine."""
    return task(request, TaskContext(report=_report_to(board_path, slot), deadline=deadline))


def _report_to(board_path: str, slot: int) -> Callable[[int, int], None]:
    """A function that shows its arguments (done, total) to the parent process."""
    board = np.memmap(board_path, dtype=np.int64, mode="r+", shape=(_SLOTS, 2))

    def report(done: int, total: int) -> None:
        board[slot] = done, total

    return report
