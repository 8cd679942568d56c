"""How well trained networks answer the examples that they were trained on.

For whoever minimises it, the training error rises with the examples towards the best that a family can do, which no
further data will pass: forecasts of more data are bounded by it (`analysis.curve_points.fitted_at_best`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.trial import Trial
from bakeoff.study.protocol import TRAINING_SCORE_EXAMPLES
from bakeoff.study.workers.training import builder
from bakeoff.tasks.metrics.registry import METRICS, MetricContext

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bakeoff.train.folds import StackData
    from bakeoff.train.result import TrainingResult
    from bakeoff.train.tensors import TrainingData


def training_scores(
    entrant: Entrant,
    data: "StackData",
    trials: Sequence[Trial],
    trained: Sequence["TrainingResult"],
    metric: str | None,
) -> list[float | None]:
    """The score of each network on (at most `TRAINING_SCORE_EXAMPLES` of) its own training examples.

    Args:
        data: that they were trained on.
        metric: name of the deciding one; None computes nothing.

    Returns:
        One score a trial; None where the network was not evaluated.
    """
    if metric is None or not trials:
        return [None] * len(trials)
    module = builder(entrant, data.schema)(0).to(data.device).eval()
    scores: list[float | None] = []
    for trial, one in zip(trials, trained, strict=True):
        if one.validation_outputs is None:
            scores.append(None)
            continue
        module.load_state_dict(one.weights)
        own = data.of_fold(trial.fold)
        places = own.subset(seed=trial.seed, examples=trial.examples)[:TRAINING_SCORE_EXAMPLES]
        scores.append(_score(module, own.read_by(module), places, metric))
    return scores


def _score(module: "nn.Module", data: "TrainingData", places: "Tensor", metric: str) -> float:
    import torch

    from bakeoff.models.layers.views import arguments
    from bakeoff.train.stacked.run import EVALUATION_ROWS

    rows = len(places) if data.dataset.offsets is not None else EVALUATION_ROWS
    outputs = []
    with torch.no_grad():
        for part in places.split(rows):  # type: ignore[no-untyped-call]
            batch = data.train.at(part)
            outputs.append(batch.answers(module(*arguments(module, batch.inputs, batch.lengths))).cpu())
    answers = data.in_unit_of_data(torch.cat(outputs).double()).float().numpy()
    truth = data.dataset.targets_at(np.sort(data.dataset.splits.train)[places.numpy()])
    context = MetricContext(seasonal_scale=data.dataset.seasonal_scale)
    return METRICS[metric].score(answers, truth, context)
