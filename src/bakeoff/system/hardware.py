"""What the processor says of itself, and how many cores of it are ours. Imports nothing heavy."""

import platform
from contextlib import suppress
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


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


def processor_facts(*fields: str) -> list[str]:
    """The lines "field : value" of these fields, each once, sorted; none where the system keeps no such list."""
    with suppress(OSError):
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
        return sorted({line for line in lines if line.startswith(fields)})
    return []
