"""The evidence that a comparison ends with: who is trained again, on what, what fits the time, and what is kept."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.interventions.catalogue import most_telling
from bakeoff.data.load import load
from bakeoff.data.schema import Classes, Forecast, Image, Schema, Series, Table, Tokens
from bakeoff.errors import StoreError
from bakeoff.explain.biases.comparison_evidence import ClosingEvidence
from bakeoff.explain.biases.evidence_cache import KeptTrainings
from bakeoff.explain.biases.selection import Candidate, cast, select
from bakeoff.explain.biases.worker_tasks import Training, TrainingOutputs, train_changed
from bakeoff.messages import set_language
from bakeoff.study.comparison import compare
from bakeoff.study.design.entrants import choose_entrants
from bakeoff.study.workers.local import share

CHANGES = ("permute_positions", "random_shift", "mirror")


@pytest.fixture(autouse=True)
def english():
    set_language("en")
    yield
    set_language(None)


def rising_or_falling(seed, count=400, length=16):
    """Series that rise or fall by a step, in noise. To an MLP direction matters, and place (moved around, each both
    rises and falls), but no neighbourhood."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    place = rng.integers(4, length - 4, count)
    step = np.where(np.arange(length) >= place[:, None], 1.0, -1.0) * np.where(y, 1, -1)[:, None]
    return (step + 0.5 * rng.standard_normal((count, length))).astype(np.float32)[:, None], y


def stop(done, total):
    """What Ctrl-C does in the middle of the evidence."""
    raise KeyboardInterrupt


class Asking:
    """Evidence as a comparison makes it, and beside it what other circumstances would have given."""

    def __init__(self):
        self.other = {}

    def seconds(self, judged):
        return ClosingEvidence().seconds(judged)

    def gather(self, judged, verdict, results):
        self.wanted = ClosingEvidence().seconds(judged)
        self.other["stopped"] = ClosingEvidence().gather(replace(judged, tell=stop), verdict, results)
        found = ClosingEvidence().gather(judged, verdict, results)
        short = replace(judged, kept_seconds=0.0)
        self.other["short"] = ClosingEvidence().gather(short, verdict, results)
        unlearned = replace(verdict, beats_baseline=False)
        self.other["unlearned"] = ClosingEvidence().gather(judged, unlearned, results)
        late = replace(judged, kept_seconds=1.0, deadline=time.monotonic() + 1e-3)
        self.other["again"] = ClosingEvidence().gather(late, verdict, results)
        judged.store.put_fact("why", None)
        self.other["dear"] = ClosingEvidence().gather(late, verdict, results)
        judged.store.put_fact("why", None)
        return found


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A comparison on series whose direction matters, without a clock."""
    asking, out = Asking(), tmp_path_factory.mktemp("runs")
    x, y = rising_or_falling(0)
    options = {"steps": 120, "seeds": 2, "workers": 1, "kind": "series", "name": "steps"}
    return compare((x, y), ["mlp"], None, out=out, evidence=asking, **options), asking


def test_what_was_planted_is_said_with_the_figures_of_the_comparison_itself(planted):
    found, _ = planted
    assert set(found.why.matters()) == {"direction", "place"}
    mlp = found.entrant("mlp")
    cell = found.why.cell("mlp", "reverse_time")
    assert cell.loss.before == pytest.approx(mlp.score)
    assert cell.loss.after == pytest.approx(0.5, abs=0.15)
    assert cell.tested.loss > 0.2
    assert any(text.startswith("The direction of time matters here") for text in found.why.sentences)
    assert {c.change for c in found.why.cells} == {"permute_positions", "random_shift", "reverse_time"}
    record = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert set(record["why"]["matters"]) == {"direction", "place"}


def test_what_is_finished_is_read_again_after_the_time_is_over_with_the_same_figures(planted):
    found, asking = planted
    again = asking.other["again"]
    figures = [(c.entrant, c.change, c.loss) for c in again.cells]
    assert figures == [(c.entrant, c.change, c.loss) for c in found.why.cells]


def test_ctrl_c_keeps_what_is_finished_and_is_told_and_the_rest_comes_later(planted):
    found, asking = planted
    stopped = asking.other["stopped"]
    assert stopped.interrupted
    assert len(stopped.cells) < len(found.why.cells)
    assert not found.why.interrupted
    assert not found.interrupted


def test_without_time_it_says_what_it_would_take_and_without_learning_nothing_is_trained(planted):
    _, asking = planted
    assert asking.wanted > 0
    short, dear, unlearned = (asking.other[name] for name in ("short", "dear", "unlearned"))
    assert short.cells == dear.cells == unlearned.cells == ()
    assert "a budget under 40 s" in short.sentences[0]
    assert "training mlp again on changed data would take about" in dear.sentences[0]
    assert dear.needed_seconds > 0
    assert "there is no bias to explain" in unlearned.sentences[0]


def test_leaders_and_a_control_are_trained_again():
    assert cast(("gru", "cnn", "rnn", "mlp"), ("gru", "cnn", "rnn")) == ("gru", "cnn", "mlp")
    assert cast(("gru", "mlp"), ("knn",)) == ("gru", "mlp")  # what leads cannot be trained again
    assert cast(("mlp", "cnn", "linear"), ("mlp",)) == ("mlp", "cnn")
    assert cast(("boosting",), ("boosting",)) == ("boosting",)


def people(*seconds, seeds=(0, 1, 2)):
    return [Candidate(name=f"n{i}", seconds=s, seeds=seeds) for i, s in enumerate(seconds)]


def chosen(who, left, **more):
    return select(who, CHANGES, **{"seeds": (0, 1, 2), "workers": 2, **more}, seconds_left=left)


def test_everything_with_all_seeds_where_it_fits_or_there_is_no_clock():
    for left in (None, 1000.0):
        found = chosen(people(1.0, 0.5), left)
        assert found.seeds == (0, 1, 2)
        assert found.wishes == tuple((name, change) for change in CHANGES for name in ("n0", "n1"))
        assert found.seconds == pytest.approx(3 * 3 * 1.5 / 2)


def test_under_a_clock_seeds_go_first_then_the_less_telling_changes():
    tight = chosen(people(1.0, 0.5), 7.0)
    assert tight.seeds == (0, 1)
    assert len(tight.wishes) == 6
    tighter = chosen(people(1.0, 0.5), 4.0)
    assert tighter.wishes == (("n0", CHANGES[0]), ("n1", CHANGES[0]), ("n0", CHANGES[1]), ("n1", CHANGES[1]))
    for left, found in ((7.0, tight), (4.0, tighter)):
        assert found.seconds <= left


def test_a_control_alone_is_no_evidence():
    nothing = chosen(people(10.0, 0.1), 5.0)
    assert nothing.wishes == ()
    assert nothing.needed_seconds == pytest.approx(20.0 / 0.8)


def test_seeds_that_the_comparison_has_not_are_paid_for():
    there = chosen(people(1.0), 3.0, workers=1)
    missing = chosen(people(1.0, seeds=(0,)), 3.0, workers=1)
    assert there.wishes
    assert not missing.wishes
    one = chosen(people(1.0, seeds=(5,)), None, seeds=(5,))
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


def training(**changes):
    entrant = choose_entrants(Schema(input=Table(features=3), target=Classes(names=("a", "b"))), ["mlp"])[-1]
    fields = {"change": "rotate_features", "setting": 1e-3, "seeds": (0, 1), "steps": 9, "seed": 0}
    return Training(entrant=entrant, **{**fields, **changes})


def test_a_kept_training_comes_back_and_another_or_a_damaged_one_does_not(tmp_path: Path):
    kept = KeptTrainings(tmp_path / "why", "1/data")
    rng = np.random.default_rng(0)
    runs = tuple(rng.standard_normal((2, 5, 2)).astype(np.float32))
    kept.put(TrainingOutputs(training=training(), outputs=runs, tested={"shuffle_columns": runs[::-1]}))
    back = kept.get(training())
    assert np.array_equal(np.stack(back.outputs), np.stack(runs))
    assert np.array_equal(back.tested["shuffle_columns"][0], runs[1])
    for other in ({"steps": 10}, {"seeds": (0, 2)}, {"judge": "errors"}, {"change": None}):
        assert kept.get(training(**other)) is None
    assert KeptTrainings(tmp_path / "why", "1/other data").get(training()) is None
    kept.path(training()).write_bytes(b"PK\x03\x04 cut short")
    assert kept.get(training()) is None
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written .*name another place"):
        KeptTrainings(tmp_path / "file", "").put(TrainingOutputs(training=training(), outputs=runs))


def test_what_is_drawn_for_each_example_is_drawn_anew_for_every_seed(tmp_path: Path):
    """The second of two seeds is trained on a draw of its own; a fixed change is the same for both."""
    x, y = rising_or_falling(1, count=200)
    dataset = load((x, y), kind="series")
    shared, board = share(dataset, tmp_path), str(tmp_path / "board")
    np.memmap(board, dtype=np.int64, mode="w+", shape=(256, 2))
    entrant = choose_entrants(dataset.schema, ["linear"])[-1]
    one = Training(entrant=entrant, change="random_shift", setting=1e-2, seeds=(1,), steps=20, seed=1)

    def outputs(**changes):
        found = train_changed(shared, replace(one, **changes), None, True, board, 0)
        return found.outputs

    assert np.array_equal(outputs(seeds=(0, 1), seed=0)[1], outputs()[0])
    fixed = outputs(change="permute_positions", seeds=(0, 1), seed=0)
    assert not np.array_equal(fixed[1], outputs(change="permute_positions")[0])
    assert np.allclose(fixed[1], outputs(change="permute_positions", seed=0)[0], atol=1e-5)
