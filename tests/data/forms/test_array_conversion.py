"""Arrays of other packages: sparse, masked, of odd number types; what they say besides numbers is kept and told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

import bakeoff
from bakeoff.data.dataset import Dataset
from bakeoff.data.load import read_new
from bakeoff.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)).astype(np.float32)
Y = np.arange(60) % 3


def kinds(dataset: Dataset) -> dict[str, dict[str, Any]]:
    return {finding.kind: finding.values for finding in dataset.findings}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e5m2])
def test_a_tensor_of_a_type_that_numpy_lacks_holds_the_numbers_that_torch_says(dtype: torch.dtype) -> None:
    tensor = torch.from_numpy(X).to(dtype)
    dataset = bakeoff.load((tensor, torch.from_numpy(Y)))
    np.testing.assert_array_equal(dataset.inputs, tensor.float().numpy())


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok"])
def test_a_sparse_matrix_is_the_dense_one_with_its_zeros_and_that_is_reported(form: str) -> None:
    dense = np.where(np.abs(X) > 1, X, 0)
    for sparse in (
        scipy.sparse.csr_matrix(dense).asformat(form),
        scipy.sparse.csr_array(dense).asformat(form),
    ):
        dataset = bakeoff.load((sparse, Y))
        np.testing.assert_array_equal(dataset.inputs, dense)
        assert kinds(dataset)["sparse_written_out"]["zeros"] == pytest.approx((dense == 0).mean())
    assert "sparse_written_out" not in kinds(bakeoff.load((dense, Y)))


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
@pytest.mark.parametrize("form", ["to_sparse_coo", "to_sparse_csr"])
def test_a_sparse_tensor_is_the_dense_one(form: str) -> None:
    dense = torch.from_numpy(np.where(np.abs(X) > 1, X, 0))
    dataset = bakeoff.load({"x": getattr(dense, form)(), "y": Y})
    np.testing.assert_array_equal(dataset.inputs, dense.numpy())
    assert kinds(dataset)["sparse_written_out"]["zeros"] == pytest.approx(float((dense == 0).float().mean()))


def test_a_sparse_matrix_larger_than_the_memory_is_refused_before_it_is_written_out() -> None:
    huge = scipy.sparse.csr_matrix((60, 2**40))
    with pytest.raises(DataError, match=r"would take .* GB of memory, .* give fewer rows or columns"):
        bakeoff.load((huge, Y))


def test_values_under_a_mask_are_missing_and_no_data() -> None:
    mask = np.zeros(X.shape, bool)
    mask[3:9, 2] = True
    hidden = np.where(mask, np.float32(-999), X)
    dataset = bakeoff.load((np.ma.MaskedArray(hidden, mask), Y))
    assert dataset.inputs.min() > -900
    assert kinds(dataset)["masked_missing"] == {"count": 6}
    assert kinds(dataset)["missing_filled"]["count"] == 6
    whole = bakeoff.load((np.ma.MaskedArray(X, np.zeros(X.shape, bool)), Y))
    np.testing.assert_array_equal(whole.inputs, X)
    assert "masked_missing" not in kinds(whole)


def test_a_masked_answer_is_a_missing_one() -> None:
    with pytest.raises(DataError, match="missing"):
        bakeoff.load((X, np.ma.MaskedArray(Y, np.arange(60) == 7)))


def test_groups_of_another_length_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y, groups=np.arange(59))
    with pytest.raises(DataError, match=r"60 inputs and 59 groups .* give one group for each input"):
        bakeoff.load(tmp_path / "a.npz")


def test_arrays_that_nobody_asked_for_are_never_read_and_named(tmp_path: Path) -> None:
    words = np.array(["a", "b"], dtype=object)
    np.savez(tmp_path / "a.npz", x=X, y=Y, feature_names=words, y_std=np.ones(3))
    dataset = bakeoff.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(dataset.inputs, X)
    assert kinds(dataset)["arrays_ignored"] == {"count": 2, "names": "'feature_names', 'y_std'"}
    assert not kinds(bakeoff.load({"x": X, "y": Y}))


def test_an_array_that_unpacks_to_more_than_the_memory_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((60, 100_000)), y=Y, z=np.zeros((60, 200_000)))
    assert (tmp_path / "bomb.npz").stat().st_size < 1_000_000
    monkeypatch.setenv("BAKEOFF_MEMORY_GB", "0.02")
    with pytest.raises(DataError, match=r"The array 'x' of 'bomb.npz' would take 0.0 GB of memory"):
        bakeoff.load(tmp_path / "bomb.npz")
    monkeypatch.setenv("BAKEOFF_MEMORY_GB", "0.06")
    assert bakeoff.load(tmp_path / "bomb.npz").inputs.shape == (60, 100_000)


def test_bytes_that_are_no_squares_may_be_series_and_that_is_reported() -> None:
    steps = RNG.integers(0, 256, (60, 3, 100), dtype=np.uint8)
    assert kinds(bakeoff.load((steps, Y)))["axes_pictures"]["height"] == 3
    assert not kinds(bakeoff.load((steps, Y), kind="image"))
    assert not kinds(bakeoff.load((steps[:, :, :28].repeat(10, axis=1)[:, :28], Y)))


def test_a_nested_tensor_is_series_of_different_lengths() -> None:
    series = [torch.arange(3.0 + place % 4) for place in range(60)]
    nested = torch.nested.nested_tensor(series, layout=torch.jagged)
    dataset = bakeoff.load((nested, Y))
    assert dataset.lengths is not None
    np.testing.assert_array_equal(dataset.lengths, [len(one) for one in series])
    np.testing.assert_array_equal(dataset.inputs[5, 0, :4], series[5].numpy())


def test_answers_that_are_none_are_reported() -> None:
    with pytest.raises(DataError, match="The targets are None: give one target for each input"):
        bakeoff.load((X, None))


def test_pictures_with_masked_pixels_are_read_as_series_and_that_is_reported() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (60, 8, 9), dtype=np.uint8)
    dataset = bakeoff.load((np.ma.masked_less(pixels, 5), Y))
    assert {"axes_series", "masked_missing"} <= set(kinds(dataset))


@pytest.mark.parametrize("kind", [">f8", ">f4", "<f2", ">f2"])
def test_arrays_with_gaps_are_read_in_any_order_of_bytes(kind: str) -> None:
    """Polars makes columns of native numbers alone: such arrays with NaN ended in an error of Rust."""
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float16).astype(np.float64)
    x[3, 1] = np.nan
    y = np.arange(60) % 2
    plain, other = bakeoff.load((x.astype("<f4"), y)), bakeoff.load((x.astype(kind), y))
    np.testing.assert_array_equal(other.inputs, plain.inputs)
    assert other.encoder is not None
    read = read_new(other.encoder.to_json(), x.astype(kind), schema=other.schema)
    np.testing.assert_array_equal(read.inputs, plain.inputs)
