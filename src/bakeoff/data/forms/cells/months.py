"""Names of months, of halves of a day and of weekdays, in the languages that dates are read in."""

_NAMES = (
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "jänner feber maerz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
)
#: Of French, "jui" is two months.
_AMBIGUOUS = frozenset({"jui"})


def _months() -> dict[str, int]:
    found: dict[str, int] = {"sept": 9, "janv": 1, "juil": 7, "févr": 2, "mrz": 3}
    for language in _NAMES:
        for number, name in enumerate(language.split(), 1):
            for word in (name, name[:3], name[:4]):
                if word not in _AMBIGUOUS:
                    found.setdefault(word, number)
    return found


#: Name or abbreviation in lower case -> 1 to 12.
MONTHS = _months()
#: Words before noon and after it, in lower case without dots.
MORNING = ("am", "오전", "午前", "上午")
AFTERNOON = ("pm", "오후", "午後", "下午")
