"""The whole of `why` on small planted data, from arrays to sentences and pages."""

import json
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from bakeoff import load, models
from bakeoff.api.why import why
from bakeoff.data.dataset import Dataset
from bakeoff.errors import BudgetError, DataError, OptionError
from bakeoff.explain.biases.subsample import limited
from bakeoff.explain.network.anatomy import AnatomyRequest, anatomy
from bakeoff.explain.network.explain_network import explain_network
from bakeoff.study.design.entrants import choose_entrants
from bakeoff.study.protocol import WHY_MOST_TEST_EXAMPLES, WHY_MOST_TRAINING_EXAMPLES
from bakeoff.study.results.facts import SOURCE
from bakeoff.study.results.store import Store
from bakeoff.study.workers.executor import TaskContext
from bakeoff.study.workers.shared_dataset import share
from examples import rising_or_falling, untrained

pytestmark = pytest.mark.usefixtures("english")


def test_the_right_assumptions_are_found_and_the_wrong_ones_not_without_a_clock(workers):
    x, y = rising_or_falling(0)
    changes = ["reverse_time", "halve_resolution", "shuffle_labels"]
    options = {"kind": "series", "steps": 120, "seeds": 2, "pool": workers}
    found = why((x, y), models=["mlp"], changes=changes, budget_seconds=None, **options)
    assert found.matters() == ("direction",)
    assert found.broken == ()
    reversed_cell = found.cell("mlp", "reverse_time")
    assert reversed_cell.loss.after == pytest.approx(0.5, abs=0.15)  # nothing is left to tell the classes by
    assert reversed_cell.tested.loss > 0.2
    assert found.cell("mlp", "shuffle_labels").tested is None
    assert any("direction of time is used" in sentence for sentence in found.sentences)
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.slow
def test_the_best_network_is_tried_at_half_and_twice_its_width_and_one_without_a_width_is_not():
    options = {"changes": ["mirror"], "budget_seconds": None, "steps": 300, "workers": 1}
    narrow, wide = why("digits", models=["mlp@8"], seeds=3, **options).sizes
    assert [(size.width, size.usual) for size in (narrow, wide)] == [(4, 8), (16, 8)]
    assert narrow.loss.loss > 0.05 > wide.loss.loss
    assert why("digits", models=["linear"], seeds=2, **options).sizes == ()


@pytest.mark.slow
@pytest.mark.parametrize(("data", "seconds"), [("iris", 45.0), ("mnist1d", 60.0)])
def test_the_budget_is_not_exceeded_whatever_the_data(data, seconds):
    started = time.monotonic()
    found = why(data, budget_seconds=seconds)
    assert time.monotonic() - started < 1.1 * seconds
    assert found.entrants


def test_the_anatomy_finds_the_width_of_a_network_by_itself(tmp_path):
    dataset = load("digits")
    shared = share(dataset, tmp_path)

    def look(name, *, field):
        return anatomy(AnatomyRequest(dataset=shared, entrant=cards[name], field=field), TaskContext())

    cards = {entrant.name: entrant for entrant in choose_entrants(dataset.schema, ["linear", "mlp", "cnn"])}
    cnn = look("cnn", field=True)
    assert cnn.width == 16  # by the parameters: its card names none
    assert sorted(cnn.parameters) == [8, 16, 32]
    assert cnn.parameters[16] == sum(p.numel() for p in models.build("cnn", dataset.schema).parameters())
    assert cnn.receptive_field > 1
    assert look("mlp", field=True).receptive_field is None
    assert look("linear", field=False).width is None


@pytest.mark.slow
def test_labels_of_noise_have_nothing_to_explain():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((400, 5)).astype(np.float32), rng.integers(0, 2, 400)
    found = why(
        (x, y),
        models=["linear"],
        changes=["rotate_features", "shuffle_columns"],
        budget_seconds=None,
        steps=60,
        seeds=2,
        workers=1,
    )
    assert found.matters() == ()
    assert "there is no bias to explain" in found.sentences[0]
    assert {entrant.name for entrant in found.entrants} == {"linear", "boosting"}


def test_what_cannot_be_done_says_so():
    with pytest.raises(BudgetError, match="at least 20 s"):
        why("iris", budget_seconds=5)
    with pytest.raises(OptionError, match="give at least 2"):
        why("iris", seeds=1)
    with pytest.raises(DataError, match="'mirror' does not apply to Table"):
        why("iris", changes=["mirror"])


def test_large_data_are_thinned_without_moving_an_example_between_splits():
    count = WHY_MOST_TRAINING_EXAMPLES + WHY_MOST_TEST_EXAMPLES + 3000
    dataset = load((np.arange(count * 2, dtype=np.float32).reshape(count, 2), np.arange(count) % 2))
    small = limited(dataset)
    assert len(small.splits.train) <= WHY_MOST_TRAINING_EXAMPLES
    assert len(small.splits.test) <= WHY_MOST_TEST_EXAMPLES
    for part in ("train", "validation", "test"):
        was = {tuple(row) for row in dataset.inputs[getattr(dataset.splits, part)]}
        assert {tuple(row) for row in small.inputs[getattr(small.splits, part)]} <= was
    assert limited(load("iris")) is not None


@pytest.mark.parametrize(
    ("name", "source"), [("cnn", "digits"), ("gru", "mnist1d"), ("transformer", "digits"), ("mlp", "iris")]
)
def test_a_network_is_explained_by_the_parts_that_it_has(name, source):
    dataset = load(source)
    predictor = untrained(dataset, name)
    new = _new(dataset)
    found = explain_network(predictor, new, data=source)
    assert (found.receptive is not None) == (found.filters is not None) == (name == "cnn")
    assert (found.reach is not None) == (name == "gru")
    assert bool(found.heads) == bool(found.attention) == (name == "transformer")
    assert found.saliency.shape[0] == len(found.shown)
    wrong = found.wrong[0]
    assert wrong.truth == dataset.schema.target.names[dataset.targets[wrong.index]]
    assert wrong.answer != wrong.truth
    assert len(found.sentences) >= 2


def _new(dataset: Dataset):
    from bakeoff.data.encoder import NewExamples

    return NewExamples(inputs=dataset.inputs, lengths=dataset.lengths, targets=dataset.targets)


def test_explain_writes_its_plots_and_needs_data_or_a_builtin_name(tmp_path):
    from bakeoff.cli.main import app

    predictor = untrained(load("digits"), "cnn")
    predictor.save(tmp_path / "digits-2" / "champion")
    done = CliRunner().invoke(app, ["explain", "digits-2", "--runs", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "One unit of its last convolution can see 8 input positions" in done.output.replace("\n", " ")
    page = (tmp_path / "digits-2" / "explain.html").read_text()
    assert page.count("<img") > 10
    assert "<script" not in page
    (tmp_path / "digits-2").rename(tmp_path / "mine")
    with pytest.raises(OptionError, match="name them after the run"):
        CliRunner().invoke(app, ["explain", "mine", "--runs", str(tmp_path)], catch_exceptions=False)


def test_a_run_on_a_file_is_explained_with_that_file_as_long_as_it_is_there(tmp_path):
    from bakeoff.cli.main import app

    dataset = load("digits")
    predictor = untrained(dataset, "mlp")
    predictor.save(tmp_path / "mine" / "champion")
    file = tmp_path / "file.npz"
    np.savez(file, x=dataset.inputs[:200], y=dataset.targets[:200])
    SOURCE.write(Store(tmp_path / "mine"), str(file))
    command = ["explain", "mine", "--runs", str(tmp_path), "--trust"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "mine" / "explain.html").exists()
    file.unlink()
    with pytest.raises(OptionError, match="no longer there"):
        CliRunner().invoke(app, command, catch_exceptions=False)


def test_a_network_without_examples_says_so():
    dataset = load("iris")
    predictor = untrained(dataset, "mlp")
    from bakeoff.data.encoder import NewExamples

    with pytest.raises(DataError, match="no examples"):
        explain_network(predictor, NewExamples(inputs=dataset.inputs[:0]))


def test_the_command_prints_the_table_and_writes_page_and_figures(tmp_path):
    from bakeoff.cli.main import app

    page, figures = tmp_path / "why.html", tmp_path / "why.json"
    options = [
        "--models",
        "linear",
        "--changes",
        "mirror,shuffle_labels",
        "--budget",
        "none",
        "--steps",
        "60",
    ]
    files = ["--seeds", "2", "--workers", "1", "--out", str(page), "--json", str(figures)]
    done = CliRunner().invoke(app, ["why", "digits", *options, *files], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "mirror" in done.output
    assert "shuffle_labels" in done.output
    record = json.loads(figures.read_text())
    cells = {cell["change"]: cell["loss"] for cell in record["cells"]}
    assert cells["shuffle_labels"]["after"] < 0.3
    assert record["steps"] == 60
    assert "left and right" in page.read_text()


def test_the_examples_shown_of_a_table_have_the_names_of_its_columns(tmp_path):
    rows = [f"{index % 7},{'Seoul' if index % 2 else 'Busan'},{index % 2}" for index in range(60)]
    (tmp_path / "flats.csv").write_text("\n".join(["rooms,city,dear", *rows]), encoding="utf-8")
    dataset = load(tmp_path / "flats.csv", target="dear", kind="table")
    found = explain_network(untrained(dataset, "mlp"), _new(dataset))
    assert found.columns[:2] == ("rooms", "city = Busan")
    assert explain_network(untrained(load("digits"), "mlp"), _new(load("digits"))).columns == ()
