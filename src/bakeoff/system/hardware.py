"""What the processor says of itself, and how many cores of it are ours. Imports nothing heavy."""

import platform
from contextlib import suppress
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_SCHEDULED = Path("/proc/thread-self/schedstat")


def processor_name() -> str:
    """The model of the processor, or else its kind; empty where the system tells neither."""
    for line in processor_facts("model name"):
        return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def available_cores() -> int:
    """Cores that this process may use: of the machine, its affinity and its container's quota the least.

    `LOKY_MAX_CPU_COUNT` lowers the number, as it does for scikit-learn.
    """
    from joblib import cpu_count

    return cpu_count()


def slowdown() -> float:
    """How many times as long this thread took so far as with a core of its own; 1 where the system does not tell.

    Linux counts for each thread the nanoseconds that it ran and those that it waited for a core while it could have run
    (https://docs.kernel.org/scheduler/sched-stats.html). Waiting for a disk or for another process is in neither.
    """
    with suppress(OSError, ValueError):
        ran, waited, *_ = map(int, _SCHEDULED.read_text().split())
        return (ran + waited) / ran if ran > 0 else 1.0
    return 1.0


def processor_facts(*fields: str) -> list[str]:
    """The lines "field : value" of these fields, each once, sorted; none where the system keeps no such list."""
    with suppress(OSError):
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
        return sorted({line for line in lines if line.startswith(fields)})
    return []
