"""Sentences about: models. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {}
