"""What is to be trained: the definition of a study, its jobs, and which of them are worth the time that is left.

A *job* is the work of one entrant that runs as one program: a stack of replicas, or some classical fits. Each
entrant has first a tuning job (every setting, at full size, with the first seed) and then curve jobs (more sizes and
seeds, at the setting that did best on validation).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Schema
from bakeoff.errors import OptionError
from bakeoff.models import ModelCard
from bakeoff.study import classical
from bakeoff.study.trial import Trial

#: Part of a trial's key: raised when the same trial would give other figures.
PROTOCOL = 2
#: The learning rates that every network is given. Small networks want large ones: on MNIST-1D the CNN reaches 94 to
#: 95 % at the last and 91 % at 1e-2, the MLP 68 % at the third, and on digits Transformer, LSTM and GRU take one of
#: the last two.
LEARNING_RATES = (5e-4, 2e-3, 7e-3, 2.5e-2)
#: After each of these parts of the steps the worst of the learning rates leaves.
REJECTIONS = (0.25, 0.5)
BATCH = 100
#: The whole protocol trains for this many epochs at full size, within these bounds of steps.
EPOCHS, FEWEST_STEPS, MOST_STEPS = 120, 1000, 6000
#: Under a clock no network is judged on fewer steps than this.
SHORTEST_TRAINING = 150
#: Evaluations of a training. It stops where so many in a row brought nothing better, or changed no answer.
EVALUATIONS, PATIENCE, SETTLED = 12, 8, 3
SIZES, SEEDS = 5, 3
#: Work of less than this many seconds a worker is not dealt out any finer, nor work where the busiest has no more than
#: so many times its part.
WORTH_DEALING, UNEVEN = 1.0, 1.2
#: Jobs of a climb are called ENTRANT/rung-EXAMPLES.
RUNG = "rung-"
#: In a list of models: every scalable family that takes the data.
ALL_FAMILIES = "*"
#: Tuning may take this part of the time that is left for training; seeds and curves need the rest.
TUNING_PART = 0.38
#: Predicted times are trusted only up to this part of the time that is left.
TRUST = 0.85


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One that takes part.

    Attributes:
        name: unique in the study.
        kind: "baseline", "classical" or "network".
        family: for colours and for the report.
        settings: of the tuned number; (None,) where there is none.
        card: of a network; None otherwise.
        width: the network's dial; None for its default.
        device: where a network is trained: "cpu", "cuda", "mps"; or "auto" until its profile has found the fastest.
    """

    name: str
    kind: str
    family: str
    settings: tuple[float | None, ...]
    card: ModelCard | None = None
    width: int | None = None
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Everything that a study's figures depend on, save the speed of the machine where there is a clock.

    Attributes:
        dataset: fingerprint of the data.
        entrants: names (with widths), in order.
        metric: the deciding one.
        seed: trials use seed, seed + 1, ...
        budget_seconds: of the whole run; None for no clock.
        sizes: training sizes, ascending; the last is all there is.
        seeds: how many.
        steps: of every training; None lets budget and data decide.
        equal: what the networks have equally much of (see `bakeoff.study.equal`).
        device: where networks are trained, as it was asked for.
    """

    dataset: str
    entrants: tuple[str, ...]
    metric: str
    seed: int
    budget_seconds: float | None
    sizes: tuple[int, ...]
    seeds: int = SEEDS
    steps: int | None = None
    protocol: int = PROTOCOL
    equal: str = "steps"
    device: str = "auto"

    @property
    def context(self) -> str:
        """What a trial's key depends on beyond the trial itself."""
        return f"{self.protocol}/{self.dataset}"

    def to_json(self) -> dict[str, Any]:
        """For the store: a run is continued where all of it is the same."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
        }


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What is known of a network before it is trained, or why it cannot be.

    Attributes:
        parameters, flops_per_example: see `bakeoff.cost`.
        training_flops: of one example in one optimiser step, forward and backward.
        seconds_per_step: of one replica in a small stack, on one thread of the CPU or on `device`.
        fault: why it cannot take part, else "".
        operators: compiled ones or pure torch, for the record.
        device: where it is trained.
    """

    entrant: str
    parameters: int | None = None
    flops_per_example: int | None = None
    training_flops: int | None = None
    seconds_per_step: float = 0.0
    fault: str = ""
    operators: str = ""
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Job:
    """Some trials of one entrant that run as one program. `contest`: they compete at the rejections."""

    name: str
    entrant: str
    trials: tuple[Trial, ...]
    contest: bool = False

    @property
    def is_tuning(self) -> bool:
        return self.name.endswith("/tuning")

    @property
    def is_rung(self) -> bool:
        """Whether it is a step of a climb (see `bakeoff.study.climb`)."""
        return self.name.startswith(f"{self.entrant}/{RUNG}")


def choose_entrants(
    schema: Schema, models: Sequence[str | ModelCard] | None, *, device: str = "cpu"
) -> tuple[Entrant, ...]:
    """Baselines and classical entrants always; then the networks asked for, or every scalable family that fits.

    Args:
        schema: of the data.
        models: names, `name@width`, `file.py:NAME`, `package.module:NAME`, or cards; "*", and None, for all that are
            scalable.
        device: of the networks.

    Raises:
        ModelError: an unknown name. OptionError: a name twice, or a width that is no whole number.
    """
    from bakeoff import models as catalogue

    chosen: list[Entrant] = [
        Entrant(name=plain.name, kind=plain.kind, family=plain.kind, settings=plain.settings)
        for plain in classical.entrants(schema)
    ]
    known = {entrant.name for entrant in chosen}
    scalable = [card for card in catalogue.catalogue().values() if card.scalable and card.takes(schema)]
    wanted: list[str | ModelCard] = []
    for wish in models if models is not None else [ALL_FAMILIES]:
        wanted += scalable if wish == ALL_FAMILIES else [wish]
    for wish in wanted:
        if isinstance(wish, str) and wish in known and any(e.name == wish and e.card is None for e in chosen):
            continue  # asked for by name, and there in any case
        name, width = (wish.name, None) if isinstance(wish, ModelCard) else catalogue.name_and_width(wish)
        card = wish if isinstance(wish, ModelCard) else catalogue.card(name)
        label = card.name if width is None else f"{card.name}@{width}"
        if label in known:
            raise OptionError(f"'{label}' is there twice: name each entrant once.")
        known.add(label)
        chosen.append(
            Entrant(
                name=label,
                kind="network",
                family=card.family,
                settings=LEARNING_RATES,
                card=card,
                width=width,
                device=device,
            )
        )
    return tuple(chosen)


def training_sizes(dataset: Dataset, sizes: int = SIZES) -> tuple[int, ...]:
    """Geometric sizes n/16, n/8, n/4, n/2, n, without those that hold fewer than ten examples or two a class."""
    full = len(dataset.splits.train)
    least = max(10, 2 * dataset.schema.outputs if dataset.schema.is_classification else 10)
    return tuple(n for k in reversed(range(sizes)) if (n := full // 2**k) >= least or k == 0)


def full_steps(examples: int) -> int:
    """Steps of the whole protocol: `EPOCHS` passes over all examples, within bounds."""
    return min(max(EPOCHS * math.ceil(examples / BATCH), FEWEST_STEPS), MOST_STEPS)


def tuning_job(entrant: Entrant, definition: Definition, steps: int) -> Job:
    """Every setting at full size with the first seed, in one contest."""
    return Job(
        name=f"{entrant.name}/tuning",
        entrant=entrant.name,
        contest=True,
        trials=tuple(
            _trial(entrant, setting, definition.sizes[-1], definition.seed, steps)
            for setting in entrant.settings
        ),
    )


def rung_job(entrant: Entrant, definition: Definition, examples: int) -> Job:
    """Every setting of a classical entrant at a smaller size with the first seed: see `bakeoff.study.climb`."""
    return Job(
        name=f"{entrant.name}/{RUNG}{examples}",
        entrant=entrant.name,
        trials=tuple(_trial(entrant, setting, examples, definition.seed, 0) for setting in entrant.settings),
    )


def _trial(entrant: Entrant, setting: float | None, examples: int, seed: int, steps: int) -> Trial:
    return Trial(
        entrant=entrant.name,
        setting=setting,
        examples=examples,
        seed=seed,
        steps=steps if entrant.kind == "network" else 0,
        width=entrant.width,
    )


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One training of an entrant's curve: how many examples, and which seed. `rank`: lower goes first.

    `what` it is part of: "seeds" (at full size), "curve", "long curve", or "curve seeds".
    """

    entrant: str
    what: str
    rank: int
    examples: int
    seed: int

    @property
    def point(self) -> tuple[int, int]:
        return self.examples, self.seed


def parcels(entrant: Entrant, definition: Definition, *, contender: bool) -> tuple[Parcel, ...]:
    """An entrant's curve in parcels, by how much they tell.

    For one that may yet win or tie: its other seeds at full size, then its curve, then the curve's other seeds.
    For one that cannot: first a curve (who would gain from more data?), then the rest.
    """
    first, others = definition.seed, range(definition.seed + 1, definition.seed + definition.seeds)
    full, smaller = definition.sizes[-1], definition.sizes[-2::-1]
    made = (
        ("seeds", 0 if contender else 6, tuple((full, seed) for seed in others)),
        ("curve", 1 if contender else 3, tuple((size, first) for size in smaller[:2])),
        ("long curve", 2 if contender else 4, tuple((size, first) for size in smaller[2:])),
        ("curve seeds", 5 if contender else 7, tuple((size, seed) for size in smaller for seed in others)),
    )
    return tuple(
        Parcel(entrant=entrant.name, what=what, rank=rank, examples=examples, seed=seed)
        for what, rank, points in made
        for examples, seed in points
    )


def grant(
    wanted: Sequence[Parcel], seconds_per_point: Mapping[str, float], seconds_left: float | None, workers: int
) -> tuple[list[Parcel], list[Parcel]]:
    """(granted, refused): in order of rank, each that still fits into the time left on the worker with least to do.

    Args:
        wanted: all parcels.
        seconds_per_point: predicted time of one training of an entrant on one worker.
        seconds_left: until the last job must be done; None grants everything.
        workers: that run side by side.
    """
    granted: list[Parcel] = []
    refused: list[Parcel] = []
    loads = [0.0] * workers
    for parcel in sorted(wanted, key=lambda parcel: (parcel.rank, seconds_per_point[parcel.entrant])):
        idlest = loads.index(min(loads))
        load = loads[idlest] + seconds_per_point[parcel.entrant]
        if seconds_left is not None and load > TRUST * seconds_left:
            refused.append(parcel)
            continue
        loads[idlest] = load
        granted.append(parcel)
    return granted, refused


def curve_jobs(
    granted: Sequence[Parcel],
    entrants: Mapping[str, Entrant],
    best: Mapping[str, float | None],
    steps: Mapping[str, int],
    parts: Mapping[str, int] | None,
) -> list[Job]:
    """Each entrant's granted points at its best setting, as one job; `steps` of each network's trainings.

    Args:
        parts: into so many jobs an entrant's points are dealt out under a clock, since one would keep a single worker
            too long; None without a clock, where nothing may depend on a timing.
    """
    points: dict[str, list[tuple[int, int]]] = {}
    for parcel in granted:
        points.setdefault(parcel.entrant, []).append(parcel.point)
    jobs = []
    for name, places in points.items():
        places.sort(key=lambda place: (-place[0], place[1]))
        count = 1 if parts is None else min(parts.get(name, 1), len(places))
        for dealt in (places[first::count] for first in range(count)):
            trials = (_trial(entrants[name], best[name], *place, steps.get(name, 0)) for place in dealt)
            label = "curve" if parts is None else f"curve-{dealt[0][0]}-{dealt[0][1]}"
            jobs.append(Job(name=f"{name}/{label}", entrant=name, trials=tuple(trials)))
    return jobs


def dealt_out(
    granted: Sequence[Parcel], seconds_per_point: Mapping[str, float], workers: int
) -> dict[str, int]:
    """Into how many jobs each entrant's points are dealt out, so that no worker has much more to do than the others.

    A wide stack is cheaper than two narrow ones: entrants are kept whole where the work is even so, or small.
    """
    points = Counter(parcel.entrant for parcel in granted)
    parts = dict.fromkeys(points, 1)
    fair = sum(seconds_per_point[name] * count for name, count in points.items()) / workers

    def largest(name: str) -> float:
        return seconds_per_point[name] * math.ceil(points[name] / parts[name])

    def busiest() -> float:
        loads = [0.0] * workers
        jobs = (
            seconds_per_point[name] * len(range(first, points[name], parts[name]))
            for name in points
            for first in range(parts[name])
        )
        for seconds in sorted(jobs, reverse=True):
            loads[loads.index(min(loads))] += seconds
        return max(loads)

    while fair >= WORTH_DEALING and busiest() > UNEVEN * fair:
        divisible = [name for name in points if parts[name] < min(points[name], workers)]
        if not divisible:
            break
        parts[max(divisible, key=largest)] += 1
    return parts


def tuning_work(steps: float) -> float:
    """Trainings' worth of steps in a tuning job: fewer than the settings, since the worst of them leave on the way.

    >>> tuning_work(100)  # 4 rates for a quarter, 3 for the next, 2 for the rest
    275.0
    """
    work, alive, before = 0.0, float(len(LEARNING_RATES)), 0.0
    for part in (*REJECTIONS, 1.0):
        work += alive * (part - before)
        alive, before = alive - 1, part
    return work * steps
