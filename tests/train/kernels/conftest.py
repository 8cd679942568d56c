"""Both ways of every operator: PyTorch alone, and the compiled library."""

import pytest

from bakeoff.train.kernels import native


@pytest.fixture(params=["pure", "compiled"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "compiled":
        if not native.available():
            pytest.skip(f"no compiled operators here: {native.describe()}")
    else:
        monkeypatch.setattr(native, "takes", lambda *tensors: False)
    return request.param
