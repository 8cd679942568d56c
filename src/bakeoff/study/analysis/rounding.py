"""Numbers of examples as a sentence names them: a forecast has two digits that mean something."""


def two_digits(examples: float) -> float:
    """Rounded to two digits.

    >>> two_digits(4234.5)
    4200.0
    """
    return round(examples, -max(len(f"{examples:.0f}") - 2, 0))


def about(examples: float) -> str:
    """The same, as text.

    >>> about(4234.5), about(87.2)
    ('4,200', '87')
    """
    return f"{two_digits(examples):,.0f}"
