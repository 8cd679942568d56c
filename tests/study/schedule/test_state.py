"""What is known while a study runs: which setting of an entrant did best."""

import numpy as np
import pytest

from bakeoff.data.load import load
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.schedule.state import StudyState
from examples import study_of

RATES = (1e-3, 1e-2, 1e-1)
MLP = Entrant(name="mlp", kind="network", family="mlp", settings=RATES)


def state(confidences: dict[float, tuple[float, int]]) -> StudyState:
    """Iris, tuned: for each rate the probability that it gives its answers, and how many of them are wrong."""
    dataset = load("iris")
    truth = dataset.targets_at(dataset.splits.validation)
    definition = study_of(dataset)
    results = []
    for rate, (confidence, wrong) in confidences.items():
        answers = truth.copy()
        answers[:wrong] = (answers[:wrong] + 1) % 3
        outputs = np.full((len(truth), 3), np.log((1 - confidence) / 2), np.float32)
        outputs[np.arange(len(truth)), answers] = np.log(confidence)
        trial = Trial(entrant="mlp", setting=rate, examples=definition.sizes[-1], seed=0, steps=100)
        results.append(
            TrialResult(
                trial=trial, state=TrialState.FINISHED, validation_outputs=outputs, test_outputs=outputs
            )
        )
    known = StudyState(dataset=dataset, definition=definition, entrants={"mlp": MLP})
    known.results["mlp/tuning"] = tuple(results)
    return known


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_of_rates_with_equally_many_errors_the_one_with_the_lowest_loss_is_taken(
    order: tuple[int, ...],
) -> None:
    """The order of the rates has no say, as it would where the first of equals were taken."""
    found = {1e-3: (0.5, 1), 1e-2: (0.9, 1), 1e-1: (0.6, 1)}
    rates = [RATES[place] for place in order]
    assert state({rate: found[rate] for rate in rates}).best() == {"mlp": {None: 1e-2}}


def test_fewer_errors_count_more_than_a_lower_loss() -> None:
    assert state({1e-3: (0.4, 0), 1e-2: (0.9, 1), 1e-1: (0.6, 2)}).best() == {"mlp": {None: 1e-3}}
