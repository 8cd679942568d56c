"""`bakeoff models [NAME]`: the catalogue of networks."""

from typing import Annotated

import typer


def models(name: Annotated[str | None, typer.Argument(help="A network's name: shows its card.")] = None) -> None:
    """List the catalogue of networks, or show one."""
    from bakeoff.models import catalogue

    for card in [catalogue()[name]] if name else catalogue().values():
        print(card.name, card.family, card.year, card.summary)
