"""One trained network explained: what it can see, what it uses, and what it gets most wrong."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bakeoff.data.dataset import Dataset
from bakeoff.data.encoder import NewExamples, encoder_from_json
from bakeoff.data.forms.table import TableEncoder
from bakeoff.data.schema import Input
from bakeoff.data.splits import Splits
from bakeoff.errors import DataError, printable
from bakeoff.explain.network import probes
from bakeoff.explain.network.linearity import LinearShare, linear_share
from bakeoff.explain.network.probes import Floats, ReceptiveField
from bakeoff.inference.predictor import Predictor
from bakeoff.models.layers.graphs import GraphBatch, network_inputs
from bakeoff.models.layers.views import arguments, dense
from bakeoff.study.analysis.verdict import Statement

#: The most examples whose outputs are computed.
EXAMPLES = 2000
#: The most examples whose gradients are computed.
PROBED = 64
#: The most examples that are shown.
SHOWN = 6
#: A linear map is fitted and evaluated on at least this many examples.
FEWEST_FOR_LINE = 40
#: The most numbers of all dense views of graphs together by which the line is fitted.
MOST_ROW_NUMBERS = 2**26


@dataclass(frozen=True, kw_only=True, eq=False)
class Head:
    """One attention head.

    Attributes:
        layer, head: counted from 1.
        distance: mean distance between an element and what it attends to, in positions of the input.
        even: the same distance for uniform attention.
    """

    layer: int
    head: int
    distance: float
    even: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Wrong:
    """A bad mistake of the network.

    Attributes:
        index: of the example in the new data. name: of the example.
        truth, answer: class names, or values as text.
        confidence: probability of the answer; not a number for values.
    """

    index: int
    name: str
    truth: str
    answer: str
    confidence: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Explained:
    """What was measured of one network on some data; a part is None or empty where the network has no such layer.

    Attributes:
        model, data: their names. kind: what one example is. columns: names of its features, of a table with a header.
        linear: how much of the outputs a linear map explains.
        receptive: receptive field of the last convolution.
        reach: norm of the gradient of the last recurrent state with respect to each step, [T].
        reach_steps: number of the last steps that hold 95 % of it.
        attention: weights for the shown examples, [SHOWN, heads, T, T] for each layer.
        heads: mean attention distance of each head.
        shown: indices of the shown examples. saliency: of them.
        filters: of the first convolution. feature_maps: of the first shown example.
        wrong: the worst mistakes; None where the data have no targets.
    """

    model: str
    data: str
    kind: Input | None = None
    columns: tuple[str, ...] = ()
    linear: LinearShare | None = None
    receptive: ReceptiveField | None = None
    reach: Floats | None = None
    reach_steps: int = 0
    attention: tuple[NDArray[np.float32], ...] = ()
    heads: tuple[Head, ...] = ()
    shown: tuple[int, ...] = ()
    saliency: Floats | None = None
    filters: NDArray[np.float32] | None = None
    feature_maps: NDArray[np.float32] | None = None
    wrong: tuple[Wrong, ...] | None = None

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The findings as sentences, each with its figure."""
        made = []
        if self.linear is not None:
            part = {name: f"{round(100 * getattr(self.linear, name))} %" for name in ("share", "low", "high")}
            made.append(Statement(key="why.explain.linear", values=part))
        if self.receptive is not None:
            values: dict[str, Any] = {"theoretical": self.receptive.theoretical}
            values["effective"] = f"{self.receptive.effective:.1f}"
            made.append(Statement(key="why.explain.receptive", values=values))
        if self.reach is not None:
            made.append(
                Statement(
                    key="why.explain.reach", values={"steps": self.reach_steps, "length": len(self.reach)}
                )
            )
        for head in _nearest_and_farthest(self.heads):
            values = {"layer": head.layer, "head": head.head}
            values |= {"distance": f"{head.distance:.1f}", "even": f"{head.even:.1f}"}
            made.append(Statement(key="why.explain.attention", values=values))
        if self.wrong:
            made.append(_worst(self.wrong[0]))
        return tuple(made)

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(statement.text() for statement in self.statements)


def explain_network(
    predictor: Predictor, new: NewExamples, *, data: str = "data", seed: int = 0
) -> Explained:
    """Measure what a trained network uses of these examples.

    Args:
        predictor: the trained network.
        new: examples of the form that it was trained on; where they have targets, the worst mistakes are listed.
        data: their name.
        seed: of the choice of examples, where there are more than `EXAMPLES`.

    Raises:
        DataError: there is no example.
    """
    if len(new) == 0:
        raise DataError("There are no examples to explain the network with: name data with at least one.")
    rows = np.sort(np.random.default_rng(seed).permutation(len(new))[:EXAMPLES])
    module = predictor.module
    inputs, _ = _read_by(predictor, new, rows)
    probed, probed_lengths = _read_by(predictor, new, rows[:PROBED])
    outputs = predictor.outputs(
        new.inputs[rows], None if new.lengths is None else np.asarray(new.lengths)[rows]
    )
    wrong = _wrong(predictor, new, rows, outputs)
    shown = tuple(one.index for one in wrong)[:SHOWN] if wrong else tuple(int(row) for row in rows[:SHOWN])
    seen, seen_given = _read_by(predictor, new, np.array(shown, np.int64))
    grid = isinstance(inputs, Tensor) and inputs.is_floating_point()
    norms = probes.gradient_reach(module, probed, probed_lengths)
    convolutions = probes.convolutions(module) if grid else []
    layers = probes.attention_weights(module, probed, probed_lengths)
    return Explained(
        model=predictor.model if predictor.width is None else f"{predictor.model}@{predictor.width}",
        data=data,
        kind=predictor.schema.input,
        columns=_columns(predictor),
        linear=_line(inputs, outputs),
        receptive=probes.receptive_field(module, probed) if isinstance(probed, Tensor) and grid else None,
        reach=norms,
        reach_steps=0 if norms is None else probes.reach(norms),
        attention=tuple(part.float().numpy() for part in probes.attention_weights(module, seen, seen_given)),
        heads=_heads(predictor, layers),
        shown=shown,
        saliency=probes.saliency(module, seen, seen_given),
        filters=convolutions[0].weight.detach().numpy() if convolutions else None,
        feature_maps=_feature_maps(predictor, seen[:1])
        if convolutions and isinstance(seen, Tensor)
        else None,
        wrong=wrong,
    )


def _columns(predictor: Predictor) -> tuple[str, ...]:
    if predictor.encoder is None:
        return ()
    encoder = encoder_from_json(dict(predictor.encoder), predictor.schema)
    return encoder.feature_names if isinstance(encoder, TableEncoder) else ()


def _nearest_and_farthest(heads: tuple[Head, ...]) -> tuple[Head, ...]:
    ordered = sorted(heads, key=lambda head: head.distance)
    return tuple(ordered) if len(ordered) < 2 else (ordered[0], ordered[-1])


def _read_by(
    predictor: Predictor, new: NewExamples, rows: NDArray[np.int64]
) -> tuple[Tensor | GraphBatch, Tensor | None]:
    """What the network reads of these rows: scaled inputs, and their true lengths where it takes any."""
    nothing = np.zeros(0, np.int64)
    dataset = Dataset(
        name="new",
        schema=predictor.schema,
        inputs=new.inputs,
        targets=np.zeros(len(new), np.int64),
        splits=Splits(train=nothing, validation=nothing, test=nothing),
        lengths=new.lengths,
        scaling=predictor.scaling,
    )
    lengths = dataset.lengths_at(rows)
    inputs, *given = arguments(
        predictor.module,
        network_inputs(dataset.inputs_at(rows), predictor.schema.input),
        None if lengths is None else torch.from_numpy(lengths),
    )
    return inputs, next((one for one in given if isinstance(one, Tensor)), None)


def _line(inputs: Tensor | GraphBatch, outputs: NDArray[np.float32]) -> LinearShare | None:
    """How much of the outputs a straight line explains; None of tokens, of large graphs and of few examples."""
    if isinstance(inputs, GraphBatch):
        if inputs.batch_size * math.prod(inputs.kind.shape) > MOST_ROW_NUMBERS:
            return None
        inputs = dense(inputs)
    if not inputs.is_floating_point() or len(inputs) < FEWEST_FOR_LINE:
        return None
    return linear_share(inputs.numpy(), outputs)


def _heads(predictor: Predictor, layers: list[Tensor]) -> tuple[Head, ...]:
    found = []
    for number, weights in enumerate(layers):
        places = probes.element_positions(predictor.module, predictor.schema.input, weights.shape[2])
        even = probes.attention_distance(torch.full_like(weights[:1], 1 / weights.shape[3]), places)
        for head, distance in enumerate(probes.attention_distance(weights, places)):
            found.append(
                Head(layer=number + 1, head=head + 1, distance=float(distance), even=float(even[head]))
            )
    return tuple(found)


def _feature_maps(predictor: Predictor, inputs: Tensor) -> NDArray[np.float32]:
    module = predictor.module
    with torch.no_grad(), probes.watched(module, probes.convolutions(module)[0]) as found:
        module(inputs)
    return np.asarray(found[-1][0].numpy())


def _wrong(
    predictor: Predictor, new: NewExamples, rows: NDArray[np.int64], outputs: NDArray[np.float32]
) -> tuple[Wrong, ...] | None:
    """The most confident mistakes, or the largest errors, the worst first."""
    if new.targets is None:
        return None
    truth = np.asarray(new.targets)[rows]
    names = new.names if len(new.names) == len(new) else [str(row) for row in range(len(new))]
    task = predictor.task
    return tuple(
        Wrong(
            index=int(rows[one.place]),
            name=str(names[int(rows[one.place])]),
            truth=_in_short(task.headline(one.truth)),
            answer=_in_short(task.headline(one.answer)),
            confidence=one.confidence if task.has_probabilities else float("nan"),
        )
        for one in task.worst(outputs, truth, most=SHOWN)
    )


def _in_short(headline: Any) -> str:
    return headline if isinstance(headline, str) else f"{headline:.4g}"


def _worst(wrong: Wrong) -> Statement:
    values: dict[str, Any] = {
        "index": wrong.index,
        "truth": printable(wrong.truth),
        "answer": printable(wrong.answer),
    }
    if np.isnan(wrong.confidence):
        return Statement(key="why.explain.wrong_value", values=values)
    values["confidence"] = f"{100 * wrong.confidence:.0f} %"
    return Statement(key="why.explain.wrong", values=values)
