"""Results of all seeds on one form of the data: they count together or not at all."""

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
import pytest

from bakeoff.messages.statement import because
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.results.seed_results import SeedResults
from bakeoff.tasks.metrics.registry import METRICS, NO_CONTEXT
from bakeoff.tasks.outputs import Outputs


def result(
    seed: int, state: TrialState = TrialState.FINISHED, tested: Mapping[str, Outputs] | None = None
) -> TrialResult:
    outputs = np.full((3, 2), seed, np.float32) if state.counts else None
    return TrialResult(
        trial=Trial(entrant="mlp", setting=0.1, examples=9, seed=seed, steps=7),
        state=state,
        reason=because("words", words="no memory") if state is TrialState.FAILED else None,
        seconds=0.5,
        validation_outputs=outputs,
        test_outputs=outputs,
        tested=tested or {},
    )


def test_outputs_are_one_array_a_seed_in_order_and_none_where_one_seed_is_missing() -> None:
    whole = SeedResults((result(4), result(7, TrialState.EARLY)))
    assert [float(outputs[0, 0]) for outputs in whole.outputs] == [4, 7]
    assert (whole.failure, whole.steps, whole.seconds) == (None, 7, 1.0)
    for state, said in (
        (TrialState.STOPPED, because("state.stopped")),
        (TrialState.FAILED, because("words", words="no memory")),
    ):
        part = SeedResults((result(4), result(7, state)))
        assert part.outputs == ()
        assert part.failure == said


def test_of_changed_test_data_only_those_count_on_which_all_seeds_were_tested() -> None:
    mirrored = Outputs(np.ones((3, 2), np.float32))
    both = SeedResults(
        (result(0, tested={"mirror": mirrored, "rotate": mirrored}), result(1, tested={"mirror": mirrored}))
    )
    assert list(both.tested) == ["mirror"]
    assert [outputs.shape for outputs in both.tested["mirror"]] == [(3, 2), (3, 2)]


def scored(name: str, validation: float, test: float) -> SeedResults:
    """Two seeds of a network with these shares of right answers among 100, one a point better and one a point worse."""

    def outputs(right: float) -> np.ndarray:
        return np.where(np.arange(100)[:, None] < 100 * right, [[-0.1, -2.4]], [[-2.4, -0.1]])

    return SeedResults(
        tuple(
            TrialResult(
                trial=Trial(entrant=name, setting=0.1, examples=9, seed=seed),
                state=TrialState.FINISHED,
                validation_outputs=outputs(validation + away),
                test_outputs=outputs(test + away),
            )
            for seed, away in enumerate((0.01, -0.01))
        )
    )


def test_the_score_by_which_networks_are_chosen_is_the_mean_over_seeds_on_validation() -> None:
    found = scored("mlp", 0.9, 0.5).on_validation(METRICS["accuracy"], np.zeros(100, np.int64))
    assert found == pytest.approx(0.9)


def test_whom_the_evidence_and_why_speak_of_is_not_the_one_that_was_lucky_on_test() -> None:
    from bakeoff.explain.biases.comparison_evidence import _TrainedAlready
    from bakeoff.explain.biases.interpretation import Interpretation

    both = {"lucky": scored("lucky", 0.85, 0.97), "steady": scored("steady", 0.91, 0.94)}
    dataset = SimpleNamespace(
        targets_at=lambda part: np.zeros(100, np.int64), splits=SimpleNamespace(validation=None)
    )
    shared = {"metric": METRICS["accuracy"], "context": NO_CONTEXT}
    known = SimpleNamespace(
        comparison=SimpleNamespace(dataset=dataset),
        runs={name: dict(enumerate(runs.results)) for name, runs in both.items()},
        **shared,
    )
    assert _TrainedAlready.ranking_on_validation(known) == ["steady", "lucky"]
    study = SimpleNamespace(results={(name, None): runs for name, runs in both.items()})
    interpretation = SimpleNamespace(dataset=dataset, study=study, **shared)
    chosen = Interpretation._on_validation(interpretation, both)
    assert chosen == {"lucky": pytest.approx(0.85), "steady": pytest.approx(0.91)}
