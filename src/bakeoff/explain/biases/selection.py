"""Which of a comparison's entrants are trained again, so that its evidence tells something."""

from collections.abc import Collection, Sequence

from bakeoff.study.protocol import MOST_LEADERS


def choose_to_retrain(
    ranking: Sequence[str], candidates: Sequence[str], *, controls: Collection[str]
) -> tuple[str, ...]:
    """Choose the entrants to train again: the leaders and one control.

    Args:
        ranking: all entrants that can be trained again, best first.
        candidates: the entrants that may be the best.
        controls: networks without assumptions about the structure of the data: where these lose, information was
            removed that all need. Where all of them lead, or there are none, the next best stands in.

    >>> choose_to_retrain(("gru", "cnn", "rnn", "mlp"), ("gru", "cnn", "rnn"), controls={"mlp"})
    ('gru', 'cnn', 'mlp')
    >>> choose_to_retrain(("mlp", "cnn", "linear"), ("mlp",), controls={"mlp"})
    ('mlp', 'cnn')
    """
    leaders = [name for name in ranking if name in candidates][:MOST_LEADERS] or list(ranking[:1])
    others = [name for name in ranking if name not in leaders]
    control = next((name for name in others if name in controls), next(iter(others), None))
    return tuple(leaders) if control is None else (*leaders, control)
