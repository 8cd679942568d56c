"""Which of a comparison's entrants are trained again, so that its evidence tells something."""

from collections.abc import Sequence

from bakeoff.study.protocol import MOST_LEADERS

#: A network without assumptions about the data's structure: where it loses, information was removed that all need.
CONTROL = "mlp"


def choose_to_retrain(ranking: Sequence[str], candidates: Sequence[str]) -> tuple[str, ...]:
    """Choose the entrants to train again: the leaders and a control (`CONTROL`, or where it leads the next best).

    Args:
        ranking: all entrants that can be trained again, best first.
        candidates: the entrants that may be the best.

    >>> choose_to_retrain(("gru", "cnn", "rnn", "mlp"), ("gru", "cnn", "rnn"))
    ('gru', 'cnn', 'mlp')
    >>> choose_to_retrain(("mlp", "cnn", "linear"), ("mlp",))
    ('mlp', 'cnn')
    """
    leaders = [name for name in ranking if name in candidates][:MOST_LEADERS] or list(ranking[:1])
    others = [name for name in ranking if name not in leaders]
    control = CONTROL if CONTROL in others else next(iter(others), None)
    return tuple(leaders) if control is None else (*leaders, control)
