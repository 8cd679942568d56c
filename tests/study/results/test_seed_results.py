"""Results of all seeds on one form of the data: they count together or not at all."""

from collections.abc import Mapping

import numpy as np

from bakeoff.messages.statement import because
from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import Trial, TrialResult
from bakeoff.study.results.seed_results import SeedResults
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
