"""Sentences about: report. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {}
