"""Standard output and error that take any text and any reader.

A terminal of ASCII alone shows `?` for what it cannot; so does a name of a file that is no text. Where the reader
has gone (`bakeoff compare digits | head -1`), the command still finishes its work and writes its files; what nobody
reads is dropped.
"""

import codecs
import os
import sys
from typing import Any, TextIO

#: As a shell says that a program ended because its reader had gone: 128 + SIGPIPE.
STATUS_NO_READER = 141


#: What stands for a sign that an encoding lacks; any other becomes `?`.
_IN_ASCII = {
    "·": "-",
    "●": "*",
    "±": "+/-",
    "×": "x",
    "−": "-",
    "–": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "µ": "u",
    "…": "...",
}
_ERRORS = "bakeoff.readable"


class _WithoutReader:
    """A text stream that drops what is written once its reader has gone, and remembers that it had."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = False

    def write(self, text: str) -> int:
        if not self.lost:
            try:
                return self._stream.write(text)
            except BrokenPipeError:
                self._lose()
        return len(text)

    def flush(self) -> None:
        if not self.lost:
            try:
                self._stream.flush()
            except BrokenPipeError:
                self._lose()

    def _lose(self) -> None:
        """What is left in the buffer goes nowhere, too, so that closing the stream does not fail."""
        self.lost = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def prepare_streams() -> None:
    """Let standard output and error take any text, and go on without a reader.

    Where Korean cannot be shown, English is spoken: a page of question marks helps nobody.
    """
    codecs.register_error(_ERRORS, _readable)
    if not _can_show("한", sys.stdout):
        os.environ["BAKEOFF_LANG"] = "en"
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None:  # a program without a console
            continue
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)
        setattr(sys, name, _WithoutReader(stream))


def reader_has_gone() -> bool:
    """Whether something that was written to standard output found no reader."""
    sys.stdout.flush()
    return isinstance(sys.stdout, _WithoutReader) and sys.stdout.lost


def _readable(error: UnicodeError) -> tuple[str, int]:
    """What to write for the signs that the encoding lacks, and where to go on."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(sign, "?") for sign in lacking), error.end


def _can_show(text: str, stream: TextIO | None) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
