"""Who takes part: baselines, classical entrants and networks, and what is known of a network beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.data.schema import Schema
from bakeoff.errors import OptionError
from bakeoff.messages.statement import Statement
from bakeoff.models import ModelCard
from bakeoff.study.design import classical
from bakeoff.study.protocol import LEARNING_RATES

#: In a list of models: every scalable family that takes the data.
ALL_FAMILIES = "*"


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One network, classical method or baseline that takes part in a study.

    Attributes:
        name: unique in the study.
        kind: "baseline", "classical" or "network".
        family: of the network; decides its colour in the report.
        settings: the values tried for its one tuned number; (None,) where nothing is tuned.
        card: of a network; None otherwise.
        width: of the network's layers; None for its default.
        device: where a network is trained: "cpu", "cuda", "mps"; or "auto" until its profile has found the fastest.
        is_explained: whether it is trained again on changed data, to see which assumptions it lives from.
    """

    name: str
    kind: str
    family: str
    settings: tuple[float | None, ...]
    card: ModelCard | None = None
    width: int | None = None
    device: str = "cpu"
    is_explained: bool = False


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What is measured of a network before it is trained, or why it cannot take part.

    Attributes:
        parameters, flops_per_example: see `bakeoff.cost`.
        training_flops: of one example in one optimiser step, forward and backward.
        seconds_per_step: of one replica in a small stack, on one thread of the CPU or on `device`.
        fault: why it cannot take part, else None (a stored name).
        operators: which implementation trains it, compiled or torch's, for the record.
        device: where it is trained.
    """

    entrant: str
    parameters: int | None = None
    flops_per_example: int | None = None
    training_flops: int | None = None
    seconds_per_step: float = 0.0
    fault: Statement | None = None
    operators: str = ""
    device: str = "cpu"


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
        Entrant(
            name=plain.name,
            kind=plain.kind,
            family=plain.kind,
            settings=plain.settings,
            is_explained=isinstance(schema.input, plain.explained_on),
        )
        for plain in classical.entrants(schema)
    ]
    known = {entrant.name for entrant in chosen}
    scalable = [card for card in catalogue.catalogue().values() if card.scalable and card.takes(schema)]
    wanted: list[str | ModelCard] = []
    for model in models if models is not None else [ALL_FAMILIES]:
        wanted += scalable if model == ALL_FAMILIES else [model]
    for model in wanted:
        if (
            isinstance(model, str)
            and model in known
            and any(e.name == model and e.card is None for e in chosen)
        ):
            continue  # a baseline or classical entrant, which takes part in any case
        name, width = (model.name, None) if isinstance(model, ModelCard) else catalogue.name_and_width(model)
        card = model if isinstance(model, ModelCard) else catalogue.card(name)
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
                is_explained=True,
            )
        )
    return tuple(chosen)
