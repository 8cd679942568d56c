"""The data card as rows of words, the same for terminal and report."""

from bakeoff.data.card import DataCard


def card_pairs(card: DataCard) -> list[tuple[str, str]]:
    return [("name", getattr(card, "name", ""))]


def card_findings(card: DataCard) -> list[tuple[str, str]]:
    return []
