"""What the README shows works in the environment that the README makes: what needs no run of it, which CI does."""

import ast
import csv
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(
    r"^```(bash|python)\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S
)
PYTHON = [code for label, code in BLOCKS if label == "python"]


def _plain_packages() -> set[str]:
    """What `pip install .` brings by itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = (re.match(r"[\w.-]+", line) for line in project["dependencies"])
    return {match[0].lower() for match in found if match} | {"bakeoff"}


def _imported(code: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(code)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def test_python_blocks_import_what_the_plain_install_brings_and_nothing_else() -> None:
    distributions = packages_distributions()
    imported = set().union(*map(_imported, PYTHON))
    assert imported >= {"bakeoff"}
    for module in imported:
        brought_by = {name.lower() for name in distributions.get(module, [module])}
        assert brought_by & _plain_packages(), f"a reader has no {module}"


def test_the_table_of_flowers_is_written_without_pandas_and_has_the_column_that_the_next_block_names(
    tmp_path: Path,
) -> None:
    place, (_, code) = next((i, block) for i, block in enumerate(BLOCKS) if "flowers.csv" in block[1])
    without_pandas = "import sys\nsys.modules['pandas'] = None\n"
    subprocess.run([sys.executable, "-c", without_pandas + code], cwd=tmp_path, check=True, timeout=300)
    words = shlex.split(BLOCKS[place + 1][1])
    with (tmp_path / "flowers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 150
    assert {row[words[words.index("--target") + 1]] for row in rows} == {"setosa", "versicolor", "virginica"}
    assert all(float(row["petal length (cm)"]) > 0 for row in rows)


def test_ci_runs_the_blocks_before_the_test_tools_are_installed() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    installed = next(place for place, line in enumerate(lines) if "pip install" in line and ".[test]" in line)
    assert "scripts/readme" in lines[:installed]
    assert "scripts/readme" not in lines[installed:]
