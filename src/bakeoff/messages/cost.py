"""Sentences about: cost. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {}
