"""Sentences about: data. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {}
