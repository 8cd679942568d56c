"""Sentences about: why. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {}
