"""The data card on a terminal. User text reaches Rich as `Text`, never as markup."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bakeoff.data.card import DataCard
from bakeoff.errors import printable
from bakeoff.messages import say

_STYLES = {"fault": "bold red", "warning": "yellow", "note": "dim"}
_SIGNS = {"fault": "✗", "warning": "!", "note": "·"}


def card_table(card: DataCard) -> RenderableType:
    """The card as a panel: its rows, then the findings, the worst first."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    for heading, text in card.rows():
        rows.add_row(Text(heading), Text(text))
    findings = Table.grid(padding=(0, 1))
    for severity, sentence in card.sentences():
        style = _STYLES[severity]
        findings.add_row(Text(_SIGNS[severity], style=style), Text(sentence, style=style))
    heading = say("data.card.findings") if card.findings else say("data.card.no_findings")
    body = (
        Group(rows, Text(""), Text(heading), findings)
        if card.findings
        else Group(rows, Text(""), Text(heading))
    )
    return Panel(body, title=Text(printable(card.name)), title_align="left")
