"""How a reason is written in a table or a list: on one line, in the language in force."""

from bakeoff.messages.statement import Statement
from bakeoff.messages.statement import reason_text as said
from bakeoff.report.words.text import clean


def reason_text(reason: Statement | None) -> str:
    """The reason, without a full stop at its end; "" without one.

    >>> from bakeoff.messages.statement import because
    >>> reason_text(because("allowed_over")), reason_text(because("words", words="division by zero"))
    ('The time allowed was over', 'division by zero')
    """
    return clean(said(reason)).rstrip(".")
