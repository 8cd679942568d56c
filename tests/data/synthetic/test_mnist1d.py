"""Our generator of MNIST-1D against the authors' own package."""

import warnings

import numpy as np
import pytest

from bakeoff.data.synthetic import mnist1d


@pytest.fixture(scope="module")
def published() -> dict[str, np.ndarray]:
    state = np.random.get_state()  # noqa: NPY002 - the package seeds the global generator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mnist1d.data import get_dataset_args, make_dataset

        made = make_dataset(get_dataset_args())
    np.random.set_state(state)  # noqa: NPY002
    return made


def test_the_examples_are_those_of_the_published_package(published: dict[str, np.ndarray]) -> None:
    inputs, targets = mnist1d.generate()
    np.testing.assert_allclose(inputs[:4000], published["x"], atol=1e-12)
    np.testing.assert_allclose(inputs[4000:], published["x_test"], atol=1e-12)
    np.testing.assert_array_equal(targets, np.concatenate([published["y"], published["y_test"]]))


def test_another_seed_gives_other_examples(
    published: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist1d, "SEED", 43)
    assert np.abs(mnist1d.generate()[0][:4000] - published["x"]).max() > 0.1
