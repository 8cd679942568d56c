"""How much an installation takes on disk besides torch and the packages that torch itself requires."""

import argparse
import re
import sys
from importlib.metadata import Distribution, distribution, distributions

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit-mb", type=float, default=500.0)
    limit = parser.parse_args().limit_mb
    left_out = _with_requirements("torch") | {"pip", "setuptools", "wheel"}
    sizes = {dist.name.lower(): _bytes(dist) for dist in distributions() if dist.name.lower() not in left_out}
    total = sum(sizes.values()) / 1e6
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:8]:
        print(f"{size / 1e6:8.1f} MB  {name}")
    print(f"{total:8.1f} MB  in all, besides torch (limit {limit:g} MB)")
    return int(total > limit)


def _with_requirements(name: str) -> set[str]:
    """A distribution and everything that it requires, directly or not, extras left out."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        name = waiting.pop().lower()
        if name in found:
            continue
        found.add(name)
        try:
            requirements = distribution(name).requires or []
        except ModuleNotFoundError:
            continue
        waiting += [_NAME.match(line)[0] for line in requirements if "extra ==" not in line]  # type: ignore[index]
    return found - {"numpy", "jinja2", "markupsafe", "pillow"}


def _bytes(dist: Distribution) -> int:
    """Sizes of a distribution's files, compiled ones included."""
    total = 0
    for file in dist.files or ():
        path = dist.locate_file(file)
        total += path.stat().st_size if path.exists() else 0
    return total


if __name__ == "__main__":
    sys.exit(main())
