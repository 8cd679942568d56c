"""Words that stand for a value that is not known."""

import polars as pl

#: In every column: no word of a language, or one that says "missing" and nothing else.
MISSING_WORDS = (
    *("", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "<NA>", "NaN", "nan", "NULL", "null", "?"),
    *("결측", "결측치", "欠測", "缺失"),
)
#: Beside them in columns of numbers and dates, in lower case: elsewhere they may be a value ("none", "없음").
MISSING_BESIDE_NUMBERS = frozenset(
    {
        *("-", "--", "---", "—", "–", "−", ".", "..", "...", "*", "x", "/"),
        *("none", "nil", "missing", "unknown", "unk", "undefined", "not available", "not applicable"),
        *("n.a.", "n.a", "na.", "nd", "n.d.", "tbd", "tba", "n/d", "s/o", "k.a.", "k. a.", "keine angabe"),
        *("unbekannt", "fehlt", "inconnu", "manquant", "desconocido", "sin dato", "ninguno"),
        *("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "nat", "(null)", "(none)"),
        *("0000-00-00", "0000-00-00 00:00:00"),
        *(
            "없음",
            "미상",
            "모름",
            "해당없음",
            "해당 없음",
            "무응답",
            "미측정",
            "不明",
            "なし",
            "无",
            "無",
            "未知",
        ),
        *(word.lower() for word in MISSING_WORDS),
    }
)


def is_missing_word(words: pl.Series) -> pl.Series:
    """Whether each word stands for a missing number or date; null counts as one."""
    distinct = words.drop_nulls().unique()
    plain = distinct.str.strip_chars().str.to_lowercase()
    found = distinct.filter(plain.is_in(list(MISSING_BESIDE_NUMBERS)))
    return words.is_in(found.to_list()).fill_null(True) if len(found) else words.is_null()
