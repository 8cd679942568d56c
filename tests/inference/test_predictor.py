"""A trained network that is saved and loaded answers as it did in the comparison."""

from pathlib import Path

import numpy as np
import polars
import pytest
import torch

from bakeoff.data.load import load
from bakeoff.errors import DataError, StoreError
from bakeoff.inference.predictor import RECORD_FILE, WEIGHTS_FILE, Predictor
from bakeoff.models import build
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked.fit_stack import fit_stack
from bakeoff.train.tensors import TrainingData
from examples import made_up, untrained

RECIPE = Recipe(steps=12, batch_size=16, evaluations=3)


@pytest.mark.parametrize(
    ("name", "kind", "numbers"),
    [("cnn", "image", False), ("gru", "short series", True), ("mlp", "tokens", False)],
)
def test_a_loaded_network_gives_the_outputs_of_the_comparison(
    tmp_path: Path, name: str, kind: str, numbers: bool
) -> None:
    dataset = made_up(kind, numbers=numbers)
    replica = Replica(learning_rate=1e-3, seed=3, examples=60)
    (trained,) = fit_stack(
        lambda seed: build(name, dataset.schema, seed=seed),
        TrainingData(dataset),
        [replica],
        RECIPE,
        stack_size=1,
    )
    Predictor.of(dataset, model=name, width=None, weights=trained.weights, facts={"seed": 3}).save(tmp_path)
    predictor = Predictor.load(tmp_path)
    test = dataset.splits.test
    lengths = dataset.lengths_at(test)
    outputs = predictor.outputs(dataset.inputs[test], lengths)
    scale = np.abs(trained.test_outputs).max()
    np.testing.assert_allclose(outputs, trained.test_outputs, rtol=1e-5, atol=1e-6 * scale)
    assert predictor.facts == {"seed": 3}
    if numbers:
        assert abs(outputs.mean() - 120) < 40  # the data's unit, not the standardised one
        np.testing.assert_array_equal(predictor.predict(dataset.inputs[test], lengths), outputs)
        with pytest.raises(DataError, match="use `predict`"):
            predictor.predict_proba(dataset.inputs[test], lengths)
    else:
        np.testing.assert_allclose(
            predictor.predict_proba(dataset.inputs[test], lengths).sum(1), 1, rtol=1e-5
        )
    with torch.no_grad():
        next(predictor.module.parameters()).add_(0.1)
    assert not np.allclose(
        predictor.outputs(dataset.inputs[test], lengths), trained.test_outputs, atol=1e-4 * scale
    )


def test_a_folder_without_a_network_and_a_damaged_one_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no trained network"):
        Predictor.load(tmp_path)
    (tmp_path / RECORD_FILE).write_text("{}")
    (tmp_path / WEIGHTS_FILE).write_bytes(b"\x00" * 40)
    with pytest.raises(StoreError, match="train"):
        Predictor.load(tmp_path)


def test_new_data_in_the_form_of_the_old_ones_are_prepared_as_those_were() -> None:
    """A frame with a missing value and a category, texts, and tensors, without a thought about encodings."""
    rng = np.random.default_rng(0)
    frame = polars.DataFrame(
        {
            "size": [None, *rng.normal(80, 20, 79).round(1).tolist()],
            "city": rng.choice(["Seoul", "Busan"], 80),
            "price": rng.choice(["dear", "cheap"], 80),
        }
    )
    table = load(frame, target="price")
    predictor = untrained(table)
    new = frame.drop("price").head(9)
    np.testing.assert_array_equal(predictor.predict_proba(new), predictor.predict_proba(table.inputs[:9]))
    np.testing.assert_array_equal(predictor.predict_proba(new.to_pandas()), predictor.predict_proba(new))
    np.testing.assert_array_equal(
        predictor.predict_proba(torch.from_numpy(np.asarray(table.inputs[:9]))), predictor.predict_proba(new)
    )
    assert len(np.unique(predictor.predict_proba(new)[:, 0])) > 2, "it looked at them"
    with pytest.raises(DataError, match="city"):
        predictor.predict(new.drop("city"))


def test_inputs_of_another_shape_are_refused() -> None:
    dataset = made_up("image")
    predictor = untrained(dataset)
    with pytest.raises(DataError, match="give data of the same form"):
        predictor.predict(np.zeros((2, 9), dtype=np.float32))
    with pytest.raises(DataError, match="takes"):
        predictor.outputs(np.zeros((2, 9), dtype=np.float32))
    assert predictor.predict(dataset.inputs[:0]).shape == (0,)
