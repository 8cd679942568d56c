"""Two threads count at once: what is changed for the whole process is changed by one at a time."""

import gc
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from torch import Tensor, nn

from bakeoff import cost_of

#: How long the first waits for the second to be inside of its count too: never, where one waits for the other.
SECONDS = 0.5
FIGURES = ("flops", "training_flops", "activation_bytes", "peak_inference_bytes", "peak_training_bytes")


class _Meeting(nn.Module):
    """A layer of attention that calls `meet` in each forward pass, before it computes."""

    def __init__(self, meet: Callable[[], object]) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self._meet = meet

    def forward(self, x: Tensor) -> Tensor:
        self._meet()
        return self.layer(x)


def test_a_second_thread_that_counts_meanwhile_changes_nothing() -> None:
    first_is_inside, second_is_inside, first_is_done = Event(), Event(), Event()

    def in_first() -> None:
        first_is_inside.set()
        second_is_inside.wait(SECONDS)

    def in_second() -> None:
        second_is_inside.set()
        first_is_done.wait(SECONDS)

    def count_second() -> object:
        first_is_inside.wait()
        return cost_of(_Meeting(in_second), (2, 5, 8))

    alone = cost_of(_Meeting(int), (2, 5, 8))
    filters, forward = list(warnings.filters), nn.TransformerEncoderLayer.forward
    with ThreadPoolExecutor(2) as threads:
        second = threads.submit(count_second)
        first = threads.submit(cost_of, _Meeting(in_first), (2, 5, 8)).result()
        first_is_done.set()
        costs = [first, second.result()]
    assert [[getattr(cost, figure) for figure in FIGURES] for cost in costs] == [
        [getattr(alone, figure) for figure in FIGURES]
    ] * 2
    assert nn.TransformerEncoderLayer.forward is forward
    assert gc.isenabled()
    assert warnings.filters == filters
