"""Sentences about: verdict. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {}
