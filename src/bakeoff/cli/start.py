"""Where the command line begins. Ctrl-C ends it with a word from here on, also while Python still imports the rest.

Imports nothing heavy: what is imported before `main` is called, Ctrl-C would end with a traceback.
"""

import os
import signal
from typing import Any

from bakeoff.cli.statuses import INTERRUPTED


def main() -> None:
    """Import the commands and run the one that was typed."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # whoever started us may want Ctrl-C to be ignored
        signal.signal(signal.SIGINT, _stop)
    from bakeoff.cli.main import main as run

    signal.signal(signal.SIGINT, before)
    try:
        run()
    except KeyboardInterrupt:
        _stop()


def _stop(*_: Any) -> None:
    """End at once: nothing has been begun that would have to be ended."""
    os.write(2, b"bakeoff: Stopped.\n")
    os._exit(INTERRUPTED)
