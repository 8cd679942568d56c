"""The page of `explain`: what was found inside one network, as pictures and figures."""

from dataclasses import dataclass
from pathlib import Path

from bakeoff.data.encoder import NewExamples
from bakeoff.explain.network.explain_network import Explained
from bakeoff.messages import say
from bakeoff.report.content.network_evidence import EvidenceGroup, evidence_groups
from bakeoff.report.content.training_figures import reach_figure
from bakeoff.report.html.document import document
from bakeoff.report.words.text import bound, clean
from bakeoff.system.files import write_text


@dataclass(frozen=True, kw_only=True)
class ExplainPage:
    name: str
    data_name: str
    sentences: tuple[str, ...]
    groups: tuple[EvidenceGroup, ...]


def write_explained(explained: Explained, new: NewExamples, path: Path) -> Path:
    """Write the plots of one network into a file. Raises `StoreError` where it cannot be written."""
    page = ExplainPage(
        name=clean(explained.model),
        data_name=clean(explained.data),
        sentences=tuple(bound(clean(sentence)) for sentence in explained.sentences),
        groups=evidence_groups(explained, new),
    )
    reach = explained.reach
    figures = {} if reach is None else {"reach": reach_figure(reach, explained.reach_steps)}
    title = say("why.explain.title", model=page.name, data=page.data_name)
    return write_text(path, document("explain.html.j2", title=title, figures=figures, page=page))
