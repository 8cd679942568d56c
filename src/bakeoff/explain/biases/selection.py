"""Which of a comparison's networks show why it came out so, on which changes, and how much of it fits the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Of those that may be the best so many are trained again, beside one control.
MOST_LEADERS = 2
#: A network that assumes nothing: what it loses, everybody must.
CONTROL = "mlp"
#: Predicted times are trusted up to this part of the time there is.
TRUST = 0.8
#: Losses are paired over at least so many seeds.
FEWEST_SEEDS = 2


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Somebody who can be trained again.

    Attributes:
        name: of the entrant.
        seconds: of one training on one worker, as measured.
        seeds: those whose training on the data as they are is there already.
    """

    name: str
    seconds: float
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is trained.

    Attributes:
        seeds: of every training.
        wishes: (entrant, change), the most telling first; empty where nothing fits.
        seconds: predicted, on all workers together.
        needed_seconds: of the least that would tell anything.
    """

    seeds: tuple[int, ...] = ()
    wishes: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    needed_seconds: float = 0.0


def cast(ranking: Sequence[str], candidates: Sequence[str]) -> tuple[str, ...]:
    """Who is trained again: the leaders, and a control that assumes nothing (or, where it leads, the next best).

    Args:
        ranking: all who can be, best first.
        candidates: those that may be the best.

    >>> cast(("gru", "cnn", "rnn", "mlp"), ("gru", "cnn", "rnn")), cast(("mlp", "cnn", "linear"), ("mlp",))
    (('gru', 'cnn', 'mlp'), ('mlp', 'cnn'))
    """
    leaders = [name for name in ranking if name in candidates][:MOST_LEADERS] or list(ranking[:1])
    others = [name for name in ranking if name not in leaders]
    control = CONTROL if CONTROL in others else next(iter(others), None)
    return tuple(leaders) if control is None else (*leaders, control)


def select(
    people: Sequence[Candidate],
    changes: Sequence[str],
    *,
    seeds: Sequence[int],
    seconds_left: float | None,
    workers: int,
) -> Selection:
    """The most telling trainings that fit.

    First the first change for everybody, then the second ... With more than two seeds only where all of it fits, and
    where everybody has them on the data as they are; with two, what does not fit is left out.

    Args:
        people: the leaders, then the control.
        changes: the most telling first.
        seeds: of the comparison, in order.
        seconds_left: None for no clock.
    """
    wishes = [(person.name, change) for change in changes for person in people]
    known = {person.name: person for person in people}
    shared = [seed for seed in seeds if all(seed in person.seeds for person in people)]
    first, *_ = (*seeds, 0)
    fewest = tuple(seeds[:FEWEST_SEEDS]) if len(seeds) >= FEWEST_SEEDS else (first, first + 1)
    choices = [tuple(shared[:count]) for count in range(len(shared), FEWEST_SEEDS, -1)]
    room = None if seconds_left is None else TRUST * max(seconds_left, 0.0)
    for chosen in choices:
        cost = _wall_seconds(wishes, known, chosen, workers)
        if room is None or cost <= room:
            return Selection(seeds=chosen, wishes=tuple(wishes), seconds=cost)
    fitting: list[tuple[str, str]] = []
    for wish in wishes:
        if room is None or _wall_seconds([*fitting, wish], known, fewest, workers) <= room:
            fitting.append(wish)
    least = min(
        (
            _wall_seconds([(person.name, changes[0])], known, fewest, workers)
            for person in people[:-1] or people
        ),
        default=0.0,
    )
    if not any(name == person.name for name, _ in fitting for person in people[:-1] or people):
        return Selection(seeds=fewest, needed_seconds=least / TRUST)
    return Selection(
        seeds=fewest,
        wishes=tuple(fitting),
        seconds=_wall_seconds(fitting, known, fewest, workers),
        needed_seconds=least / TRUST,
    )


def _wall_seconds(
    wishes: Sequence[tuple[str, str]],
    known: Mapping[str, Candidate],
    seeds: Sequence[int],
    workers: int,
) -> float:
    """Time on all workers: a stack of seeds each wish, and what is missing on the data as they are."""
    tasks = [len(seeds) * known[name].seconds for name, _ in wishes]
    for name in dict.fromkeys(name for name, _ in wishes):
        missing = [seed for seed in seeds if seed not in known[name].seeds]
        if missing:
            tasks.append(len(missing) * known[name].seconds)
    return max(sum(tasks) / workers, max(tasks, default=0.0))
