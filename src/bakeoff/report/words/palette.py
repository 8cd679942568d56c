"""One colour per family of entrants, the same in every figure and table.

The first eight colours of a theme were optimised so that the smallest distance between any two, seen normally or with
protanopia, deuteranopia or tritanopia (Machado et al. 2009, severity 1), is as large as possible; then a ninth, that of
graph networks, was added as far from them as possible. A test checks the distance. Entrants of one family share its
colour and differ by marker and dash.

A figure names colours by token ("family-cnn", "ink"), never by value, so that one figure serves both themes.
"""

from collections.abc import Sequence

#: Token of a family -> (light theme, dark theme).
FAMILY_COLOURS: dict[str, tuple[str, str]] = {
    "baseline": ("#74787D", "#CFD8E5"),
    "neighbours": ("#443E00", "#877812"),
    "trees": ("#8D215F", "#C44D8D"),
    "linear": ("#C34716", "#FF8C29"),
    "mlp": ("#CE8D0B", "#FED33B"),
    "cnn": ("#407FE6", "#3F7CDC"),
    "rnn": ("#4AB18D", "#73B89F"),
    "transformer": ("#5C2AAA", "#B89FFF"),
    "gnn": ("#0F002D", "#FFFFC3"),
}

#: Token of the page -> (light theme, dark theme). The same names are CSS custom properties of the report.
PAGE_COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#FBFAF7", "#15181C"),
    "panel": ("#FFFFFF", "#1D2126"),
    "sunken": ("#F3F1EC", "#101316"),
    "ink": ("#1D2228", "#E8EAED"),
    "soft": ("#565D66", "#A5ADB8"),
    "faint": ("#8A919B", "#78818D"),
    "line": ("#DEDBD4", "#333941"),
    "grid": ("#ECE9E3", "#282D34"),
    "accent": ("#1F5FBF", "#7FB0FF"),
    "good": ("#1B7F5C", "#5CCBA0"),
    "warn": ("#9A5B00", "#F0B35A"),
    "bad": ("#B3372B", "#FF8A7A"),
}

_ALIASES = {
    "majority": "baseline",
    "mean": "baseline",
    "last_value": "baseline",
    "seasonal_naive": "baseline",
    "neighbors": "neighbours",
    "knn": "neighbours",
    "k_nearest_neighbours": "neighbours",
    "boosting": "trees",
    "gradient_boosting": "trees",
    "tree": "trees",
    "recurrent": "rnn",
    "lstm": "rnn",
    "gru": "rnn",
    "attention": "transformer",
    "convolutional": "cnn",
    **dict.fromkeys(
        ("series_cnn", "mtcnn", "lenet", "alexnet", "vgg", "googlenet", "plain", "resnet", "efficientnet"),
        "cnn",
    ),
    "elman": "rnn",
    "vit": "transformer",
    "perceptron": "linear",
}

MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def colour_token(family: str) -> str:
    """The token of a family's colour; families without a colour are drawn in the colour of the page's text ("ink").

    >>> colour_token("gru"), colour_token("cnn"), colour_token("user")
    ('family-rnn', 'family-cnn', 'ink')
    """
    plain = family.lower().replace("-", "_").replace(" ", "_")
    plain = _ALIASES.get(plain, plain)
    return f"family-{plain}" if plain in FAMILY_COLOURS else "ink"


def colours(theme: str) -> dict[str, str]:
    """Every token with its value ("#RRGGBB") in the "light" or the "dark" theme."""
    column = ("light", "dark").index(theme)
    families = {f"family-{name}": pair[column] for name, pair in FAMILY_COLOURS.items()}
    return {**families, **{name: pair[column] for name, pair in PAGE_COLOURS.items()}}


def styles(families: Sequence[str]) -> list[tuple[str, str, str]]:
    """(colour token, marker, dash) of each entrant, given their families in order: no two are the same.

    >>> styles(["cnn", "rnn", "rnn"])
    [('family-cnn', 'circle', 'solid'), ('family-rnn', 'circle', 'solid'), ('family-rnn', 'square', 'dash')]
    """
    seen: dict[str, int] = {}
    found = []
    for family in families:
        token = colour_token(family)
        rank = seen.get(token, 0)
        seen[token] = rank + 1
        turn = rank // len(DASHES)
        found.append((token, MARKERS[(rank + turn) % len(MARKERS)], DASHES[rank % len(DASHES)]))
    return found
