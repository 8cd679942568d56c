"""Names of months, halves of a day, eras and time zones, in the languages that dates are read in."""

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
#: Eras of Japan -> the year before their first.
ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867}
#: Abbreviations of one meaning: those of RFC 2822, of Korea and Japan, and of Central Europe -> offset from UTC.
ZONES = {
    **{"UTC": "+00", "GMT": "+00", "KST": "+09", "JST": "+09", "CET": "+01", "CEST": "+02"},
    **{
        "EST": "-05",
        "EDT": "-04",
        "CST": "-06",
        "CDT": "-05",
        "MST": "-07",
        "MDT": "-06",
        "PST": "-08",
        "PDT": "-07",
    },
}
