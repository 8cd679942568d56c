"""Sentences about: fit. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {}
