"""The evidence that a comparison ends with: who is trained again, on what, what fits the time, and what is kept."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.interventions.catalogue import intervention, most_telling
from bakeoff.data.load import load
from bakeoff.data.options import ReadingOptions
from bakeoff.data.schema import Classes, Forecast, Image, Schema, Series, Table, Tokens
from bakeoff.explain.biases.comparison_evidence import ComparisonEvidence
from bakeoff.explain.biases.selection import choose_to_retrain
from bakeoff.study.comparison.compare import compare
from bakeoff.study.comparison.settings import ComparisonSettings
from bakeoff.study.design.entrants import choose_entrants
from bakeoff.study.design.jobs import Definition, paired_job
from bakeoff.study.results.facts import DEFINITION
from bakeoff.study.results.store import Store
from bakeoff.study.schedule.retraining_plan import RetrainableEntrant, select
from bakeoff.study.schedule.runner import JobRunner
from bakeoff.study.workers import tasks
from bakeoff.study.workers.executor import TaskContext
from bakeoff.study.workers.requests import TrainingRequest
from bakeoff.study.workers.shared_dataset import share
from examples import rising_or_falling

CHANGES = ("permute_positions", "random_shift", "mirror")


pytestmark = pytest.mark.usefixtures("english")


def stop(done, total):
    """What Ctrl-C does in the middle of the evidence."""
    raise KeyboardInterrupt


class Asking:
    """Evidence as a comparison makes it, and beside it what other circumstances would have given."""

    def __init__(self):
        self.other = {}

    def seconds(self, comparison):
        return ComparisonEvidence().seconds(comparison)

    def gather(self, comparison, verdict, results):
        self.wanted = ComparisonEvidence().seconds(comparison)
        self.other["stopped"] = ComparisonEvidence().gather(
            replace(comparison, report=stop), verdict, results
        )
        found = ComparisonEvidence().gather(comparison, verdict, results)
        short = replace(comparison, reserved_seconds=0.0)
        self.other["short"] = ComparisonEvidence().gather(short, verdict, results)
        unlearned = replace(verdict, beats_baseline=False)
        self.other["unlearned"] = ComparisonEvidence().gather(comparison, unlearned, results)
        late = replace(comparison, reserved_seconds=1.0, deadline=time.monotonic() + 1e-3)
        self.other["again"] = ComparisonEvidence().gather(late, verdict, results)
        comparison.store.put_fact("why", None)
        self.other["expensive"] = ComparisonEvidence().gather(late, verdict, results)
        comparison.store.put_fact("why", None)
        return found


@pytest.fixture(scope="module")
def planted(tmp_path_factory, workers):
    """A comparison on series whose direction matters, without a clock."""
    asking, out = Asking(), tmp_path_factory.mktemp("runs")
    x, y = rising_or_falling(0, 400)
    reading = ReadingOptions(kind="series")
    settings = ComparisonSettings(
        models=["mlp"], budget_seconds=None, steps=120, seeds=2, reading=reading, name="steps", out=out
    )
    return compare((x, y), settings, pool=workers, evidence=asking), asking


def test_what_was_planted_is_said_with_the_figures_of_the_comparison_itself(planted):
    found, _ = planted
    assert set(found.why.matters()) == {"direction", "place"}
    mlp = found.entrant("mlp")
    cell = found.why.cell("mlp", "reverse_time")
    assert cell.loss.before == pytest.approx(mlp.score)
    assert cell.loss.after == pytest.approx(0.5, abs=0.15)
    assert cell.tested.loss > 0.2
    assert any(text.startswith("The direction of time is used here") for text in found.why.sentences)
    assert {c.change for c in found.why.cells} == {"permute_positions", "random_shift", "reverse_time"}
    record = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert set(record["why"]["matters"]) == {"direction", "place"}


def test_what_is_finished_is_read_again_after_the_time_is_over_with_the_same_figures(planted):
    found, asking = planted
    again = asking.other["again"]
    figures = [(c.entrant, c.change, c.loss) for c in again.cells]
    assert figures == [(c.entrant, c.change, c.loss) for c in found.why.cells]


def test_ctrl_c_stores_what_is_finished_and_is_reported_and_the_rest_comes_later(planted):
    found, asking = planted
    stopped = asking.other["stopped"]
    assert stopped.interrupted
    assert len(stopped.cells) < len(found.why.cells)
    assert not found.why.interrupted
    assert not found.interrupted


def test_without_time_it_says_what_it_would_take_and_without_learning_nothing_is_trained(planted):
    _, asking = planted
    assert asking.wanted > 0
    short, expensive, unlearned = (asking.other[name] for name in ("short", "expensive", "unlearned"))
    assert short.cells == expensive.cells == unlearned.cells == ()
    assert "a budget under 40 s" in short.sentences[0]
    assert "training mlp again on changed data would take about" in expensive.sentences[0]
    assert expensive.needed_seconds > 0
    assert "was shown to beat the baseline" in unlearned.sentences[0]


def test_leaders_and_a_control_are_trained_again():
    assert choose_to_retrain(("gru", "cnn", "rnn", "mlp"), ("gru", "cnn", "rnn")) == ("gru", "cnn", "mlp")
    assert choose_to_retrain(("gru", "mlp"), ("knn",)) == ("gru", "mlp")  # what leads cannot be trained again
    assert choose_to_retrain(("mlp", "cnn", "linear"), ("mlp",)) == ("mlp", "cnn")
    assert choose_to_retrain(("boosting",), ("boosting",)) == ("boosting",)


def entrants(*seconds, seeds=(0, 1, 2)):
    return [RetrainableEntrant(name=f"n{i}", seconds=s, seeds=seeds) for i, s in enumerate(seconds)]


def chosen(who, left, **more):
    return select(who, CHANGES, **{"seeds": (0, 1, 2), "workers": 2, **more}, seconds_left=left)


def test_everything_with_all_seeds_where_it_fits_or_there_is_no_clock():
    for left in (None, 1000.0):
        found = chosen(entrants(1.0, 0.5), left)
        assert found.seeds == (0, 1, 2)
        assert found.requests == tuple((name, change) for change in CHANGES for name in ("n0", "n1"))
        assert found.seconds == pytest.approx(3 * 3 * 1.5 / 2)


def test_under_a_clock_seeds_go_first_then_the_less_telling_changes():
    tight = chosen(entrants(1.0, 0.5), 7.0)
    assert tight.seeds == (0, 1)
    assert len(tight.requests) == 6
    tighter = chosen(entrants(1.0, 0.5), 4.0)
    assert tighter.requests == (
        ("n0", CHANGES[0]),
        ("n1", CHANGES[0]),
        ("n0", CHANGES[1]),
        ("n1", CHANGES[1]),
    )
    for left, found in ((7.0, tight), (4.0, tighter)):
        assert found.seconds <= left


def test_a_control_alone_is_no_evidence():
    nothing = chosen(entrants(10.0, 0.1), 5.0)
    assert nothing.requests == ()
    assert nothing.needed_seconds == pytest.approx(20.0 / 0.8)


def test_seeds_that_the_comparison_has_not_are_paid_for():
    there = chosen(entrants(1.0), 3.0, workers=1)
    missing = chosen(entrants(1.0, seeds=(0,)), 3.0, workers=1)
    assert there.requests
    assert not missing.requests
    one = chosen(entrants(1.0, seeds=(5,)), None, seeds=(5,))
    assert one.seeds == (5, 6)


@pytest.mark.parametrize(
    ("schema", "first"),
    [
        (
            Schema(input=Image(channels=1, height=8, width=8), target=Classes(names=("a", "b"))),
            "permute_positions",
        ),
        (Schema(input=Series(channels=1, length=40), target=Classes(names=("a", "b"))), "permute_positions"),
        (Schema(input=Tokens(vocabulary_size=9, length=6), target=Classes(names=("a", "b"))), "bag_of_words"),
        (Schema(input=Table(features=3), target=Classes(names=("a", "b"))), "rotate_features"),
        (Schema(input=Series(channels=1, length=48), target=Forecast(horizon=4, season=4)), "keep_last_12"),
    ],
)
def test_the_most_telling_changes_apply_to_their_kind_of_data(schema, first):
    found = most_telling(schema)
    assert found[0].name == first
    assert 2 <= len(found) <= 3
    assert all(change.applies(schema) for change in found)


def test_a_job_of_evidence_comes_back_from_the_run_and_another_one_does_not(planted):
    """What a continued run takes is the very job that was finished, with its outputs and tests."""
    found, _ = planted
    store = Store(found.folder)
    jobs = store.jobs()
    assert {"mlp/paired-reverse_time", "mlp/test"} <= set(jobs)
    assert not (found.folder / "why").exists(), "all of it lies in the one file"
    assert [result.trial.intervention.name for result in jobs["mlp/paired-reverse_time"]] == [
        "reverse_time"
    ] * 2
    assert set(jobs["mlp/test"][0].tested) == {"permute_positions", "random_shift", "reverse_time"}
    definition = DEFINITION.read(store)
    runner = JobRunner(
        dataset=found.dataset,
        definition=definition,
        store=store,
        executor=None,
        judge="loss",
        reproducible=True,
    )
    entrant, (one, _) = choose_entrants(found.dataset.schema, ["mlp"])[-1], jobs["mlp/paired-reverse_time"]
    changes = {change.name: change for change in most_telling(found.dataset.schema)}

    def job(change="reverse_time", **given):
        same = {"setting": one.trial.setting, "seeds": (0, 1), "steps": 120}
        return paired_job(entrant, changes[change], definition=definition, **{**same, **given})

    again = runner.stored(job())
    for back, written in zip(again, jobs["mlp/paired-reverse_time"], strict=True):
        assert back.test_outputs.equals(written.test_outputs)
    assert runner.stored(job("permute_positions")) is not None
    for other in ({"steps": 121}, {"seeds": (0, 2)}, {"setting": 0.5}):
        assert runner.stored(job(**other)) is None


def test_what_is_drawn_for_each_example_is_drawn_anew_for_every_seed(tmp_path: Path, monkeypatch):
    """The second of two seeds is trained on a draw of its own; a fixed change is the same for both."""
    x, y = rising_or_falling(1, count=200)
    dataset = load((x, y), kind="series")
    shared = share(dataset, tmp_path)
    monkeypatch.setattr(tasks, "set_up_torch", lambda: None)  # it is for a worker's whole process
    entrant = choose_entrants(dataset.schema, ["linear"])[-1]

    def outputs(change, *, seeds, first=0):
        definition = Definition(
            dataset="x",
            entrants=("linear",),
            metric="accuracy",
            seed=first,
            budget_seconds=None,
            sizes=(len(dataset.splits.train),),
        )
        one = intervention(change, dataset.schema)
        job = paired_job(entrant, one, definition=definition, setting=1e-2, seeds=seeds, steps=20)
        request = TrainingRequest(
            dataset=shared,
            entrant=entrant,
            job=job,
            profile=None,
            weights=(None,) * len(seeds),
            reproducible=True,
            judge="loss",
        )
        return [result.test_outputs.values for result in tasks.train(request, TaskContext())]

    assert np.array_equal(
        outputs("random_shift", seeds=(0, 1))[1], outputs("random_shift", seeds=(1,), first=1)[0]
    )
    fixed = outputs("permute_positions", seeds=(0, 1))
    assert not np.array_equal(fixed[1], outputs("permute_positions", seeds=(1,), first=1)[0])
    assert np.allclose(fixed[1], outputs("permute_positions", seeds=(1,))[0], atol=1e-5)


def test_a_comparison_killed_in_its_evidence_goes_on_and_ends_with_the_same_figures(tmp_path: Path):
    """SIGKILL once the first job of the evidence is stored; the other jobs are trained by the second process."""
    x, y = rising_or_falling(0, count=120)
    np.savez(tmp_path / "steps.npz", x=x, y=y)
    command = [
        *(sys.executable, "-m", "bakeoff", "compare", str(tmp_path / "steps.npz"), "--kind", "series"),
        *("--models", "mlp,gru", "--budget", "none", "--steps", "40", "--seeds", "2", "--name", "steps"),
    ]

    def begun(out):
        return subprocess.Popen(
            [*command, "--out", str(out)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = begun(killed)
    deadline = time.monotonic() + 600
    while not (before := _evidence_jobs(killed / "steps")):
        assert time.monotonic() < deadline, "no job of the evidence was stored"
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "steps" / "verdict.json").exists()
    for out in (killed, whole):
        assert begun(out).wait(600) == 0
    found, wanted = (json.loads((out / "steps" / "verdict.json").read_text()) for out in (killed, whole))
    assert len(_evidence_jobs(killed / "steps")) == len(_evidence_jobs(whole / "steps")) > len(before)
    for name in ("cells", "statements", "entrants", "left_out"):
        assert found["why"][name] == wanted["why"][name]
    for name in ("leader", "tied", "probability_best", "top"):
        assert found[name] == wanted[name]


def _evidence_jobs(folder):
    """Names of the jobs of evidence that lie in a run's store."""
    if not (folder / "study.sqlite").exists():
        return []
    with closing(sqlite3.connect(folder / "study.sqlite", timeout=30)) as connection:
        try:
            names = [name for (name,) in connection.execute("SELECT name FROM jobs")]
        except sqlite3.OperationalError:  # the tables are not made yet
            return []
    return [name for name in names if "/paired" in name or name.endswith("/test")]
