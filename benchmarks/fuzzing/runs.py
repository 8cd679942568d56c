"""What lies in runs: champions' folders and studies' databases, damaged in their records, bytes and tables.

They are copies of a few good ones, which `make_examples` writes once before the first case.
"""

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

import bakeoff
from bakeoff.data.load import load
from bakeoff.inference.predictor import Predictor
from bakeoff.models import build
from bakeoff.study.results.store import Store
from bakeoff.testing.executors import SerialExecutor
from fuzzing.checks import WrongError
from fuzzing.damage import HOSTILE, damage_file, damaged_record, odd_value
from fuzzing.dice import Dice
from fuzzing.tables import Attempt

#: Where the parent has put the good ones.
EXAMPLES = "BAKEOFF_FUZZ_EXAMPLES"
_RECORD, _WEIGHTS = "fitted.json", "network.safetensors"
_COMPARED: dict[str, Any] = {
    "models": ["linear"], "budget_seconds": None, "steps": 20, "seeds": 1, "why": False, "report": False,
}  # fmt: skip


def make_examples(folder: Path) -> None:
    """A champion for each form of data with its new data beside it, and a finished run."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    lines = [
        f"{a:.3f},{'xyz'[label]},2023-01-{1 + label:02},{'abc'[label]}"
        for a, label in zip(rng.normal(size=60), labels, strict=True)
    ]
    table = _written(folder / "table.csv", ["size,kind,day,answer", *lines])
    lines = [
        f"{'good' if label else 'bad'} film number {place} that one sees,{label}"
        for place, label in enumerate(labels)
    ]
    texts = _written(folder / "texts.csv", ["text,answer", *lines])
    lines = [f"2023-{1 + place // 28:02}-{1 + place % 28:02},{np.sin(place):.3f}" for place in range(200)]
    sales = _written(folder / "sales.csv", ["day,sold", *lines])
    np.savez(folder / "images.npz", x=rng.integers(0, 255, (60, 1, 8, 8)).astype("u1"), y=labels)
    np.savez(folder / "series.npz", x=rng.normal(size=(60, 2, 12)).astype("f4"), y=labels)
    matrices = np.triu(rng.random((60, 5, 5)) < 0.4, 1)
    np.savez(
        folder / "graphs.npz",
        x=rng.normal(size=(60, 5, 2)),
        adjacency=matrices | matrices.transpose(0, 2, 1),
        y=labels,
    )
    _save(folder, "mlp", table, target="answer")
    _save(folder, "rnn", texts, target="answer")
    _save(folder, "linear", sales, target="sold", time="day", horizon=3)
    for model, name in (("cnn", "images"), ("linear", "series"), ("gin", "graphs")):
        _save(folder, model, folder / f"{name}.npz")
    bakeoff.compare("iris", out=folder / "runs", name="iris", pool=SerialExecutor(), **_COMPARED)


def _written(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _save(folder: Path, model: str, data: Path, **options: Any) -> None:
    dataset = load(data, **options)
    weights = build(model, dataset.schema, seed=0).state_dict()
    Predictor.of(dataset, model=model, width=None, weights=weights).save(folder / f"champion-{data.name}")


def champion_folder(dice: Dice, folder: Path) -> Attempt:
    """A champion with a damaged record or weights, asked to predict; nothing in it may choose what is run."""
    examples = Path(os.environ[EXAMPLES])
    source = dice.one_of(sorted(examples.glob("champion-*")))
    champion, data = folder / "champion", examples / source.name.removeprefix("champion-")
    shutil.copytree(source, champion)
    record = json.loads((champion / _RECORD).read_text(encoding="utf-8"))
    act = dice.weighted(
        {"record": 6, "twice": 1, "bytes": 1, "weights": 2, "code": 1, "whole": 2, "gone": 0.3}
    )
    ran = folder / "ran"
    if act in ("record", "twice"):
        for _ in range(1 + (act == "twice")):
            record = damaged_record(dice, record)
    elif act == "code":
        record |= _code(dice, ran)
    (champion / _RECORD).write_text(json.dumps(record), encoding="utf-8")
    if act in ("bytes", "weights"):
        damage_file(dice, champion / (_RECORD if act == "bytes" else _WEIGHTS))
    elif act == "gone":
        (champion / dice.one_of((_RECORD, _WEIGHTS))).unlink()
    return lambda: _predicted(champion, data, ran)


def _code(dice: Dice, ran: Path) -> dict[str, Any]:
    """What would write the file `ran`, if anything in a record were called."""
    touch, system = ["touch", str(ran)], f"touch {ran}"
    return dice.one_of(
        (
            {"model": "subprocess:run", "options": {"args": touch}},
            {"model": "subprocess:Popen", "options": {"args": touch}},
            {"model": "os:system", "options": {"command": system}},
            {"model": "bert", "options": {"trust_remote_code": True, "weights": str(ran)}},
            {"model": "pathlib:Path.touch", "options": {"self": str(ran)}},
            {"encoder": {"kind": "os:system", "command": system}},
        )
    )


def _predicted(champion: Path, data: Path, ran: Path) -> None:
    try:
        predictor = Predictor.load(champion)
        new = predictor.read(data)
        predictor.outputs(new.inputs, new.lengths)
    finally:
        if ran.exists():
            raise WrongError("a record has run code")


def study_database(dice: Dice, folder: Path) -> Attempt:
    """A finished run whose database is damaged, read, or compared again: a comparison of nothing."""
    run = folder / "iris"
    shutil.copytree(Path(os.environ[EXAMPLES]) / "runs" / "iris", run)
    study = run / "study.sqlite"
    if dice.chance(0.35):
        damage_file(dice, study)
    elif dice.chance(0.8):
        _change_rows(dice, study)
    if dice.chance(0.04):
        return lambda: bakeoff.compare("iris", out=folder, name="iris", pool=SerialExecutor(), **_COMPARED)
    return lambda: _read_store(run)


def _read_store(run: Path) -> None:
    store = Store(run)
    store.fact("definition")
    store.jobs()


def _change_rows(dice: Dice, study: Path) -> None:
    """One statement that a later version, another program or a broken disk might have made."""
    tables = {
        "facts": ("name", "value"),
        "jobs": ("name",),
        "trials": ("job", "position", "key", "facts", "validation", "test"),
    }
    table = dice.one_of(list(tables))
    column = dice.one_of(tables[table])
    with sqlite3.connect(study) as connection:
        odd = dice.one_of(
            (json.dumps(odd_value(dice)), b"\x93NUMPY\x01", dice.one_of(HOSTILE).encode(), 7, "")
        )
        statement, values = dice.one_of(
            (
                (f"UPDATE OR REPLACE {table} SET {column} = ?", (odd,)),
                (f"UPDATE OR REPLACE {table} SET {column} = ? WHERE rowid = 1", (odd,)),
                (f"DELETE FROM {table} WHERE rowid % 2 = 0", ()),
                (f"DROP TABLE {table}", ()),
                (f"ALTER TABLE {table} RENAME COLUMN {column} TO renamed", ()),
                ("PRAGMA user_version = 99", ()),
            )
        )
        connection.execute(statement, values)
        if table == "trials" and dice.chance(0.5):
            _change_facts(dice, connection)
    connection.close()


def _change_facts(dice: Dice, connection: sqlite3.Connection) -> None:
    found = connection.execute("SELECT name FROM sqlite_master WHERE name = 'trials'").fetchone()
    if found is None:
        return
    names = [row[1] for row in connection.execute("PRAGMA table_info(trials)")]
    row = connection.execute("SELECT facts FROM trials LIMIT 1").fetchone() if "facts" in names else None
    if row is not None and isinstance(row[0], str):
        try:
            record = damaged_record(dice, json.loads(row[0]))
        except ValueError:
            return
        connection.execute("UPDATE trials SET facts = ? WHERE rowid = 1", (json.dumps(record),))
