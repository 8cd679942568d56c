"""Korean particles by rule: 이 or 가, 을 or 를, 으로 or 로, whichever the sound before it asks for.

A Korean sentence writes `{leader:이/가}` for the value with its particle, and `{loss:-을/를}` for the particle alone,
where something stands between: `{loss}({low} ~ {high}){loss:-을/를}`. The rule looks at the last sound of the value as
it is read aloud: a Hangul syllable by its final consonant, a number by its Korean reading, a Latin word as Koreans
read it. What stands in closing brackets is passed over, as a reader does.
"""

import re

#: After a final consonant, after a vowel. Any ending with and without 으 or 이 is a pair too: 으로/로, 이라/라.
PARTICLES = ("은/는", "이/가", "을/를", "과/와", "아/야")

_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_FINAL_CONSONANTS = 28  # of the Unicode block of syllables: none and 27 others, in this order
_RIEUL = 8

_DIGITS = dict(zip("0123456789", "영일이삼사오육칠팔구", strict=True))
_SMALL_UNITS = "십백천"
_MYRIADS = "만억조경해"
#: The last syllable of a sign's reading: 퍼센트, 퍼밀, 도, 제곱, 세제곱, 무한대, 마이크로, 알파, 베타, 시그마, 파이.
_SIGNS = dict(zip("%‰°℃²³∞µαβσπ", "트밀도도곱곱대로파타마이", strict=True))
#: Letters whose Korean names end in a consonant: 엘, 엠, 엔, 알.
_LETTERS = dict(zip("lmnr", "엘엠엔알", strict=True))
#: Words that are read otherwise than their spelling suggests: 비트, 그룹, 타입, 북, 비아이티 (ViT), 유씨알 (UCR).
_WORDS = {"bit": "트", "group": "룹", "type": "입", "book": "북", "vit": "티", "ucr": "알"}
#: How a Latin word ends, and a syllable with the same final sound: 링, 폼 and 타임, 맨 and 라인, 셀 and 파일, 넷.
_ENDINGS = (
    (re.compile("ng$"), "잉"),
    (re.compile("me?$"), "음"),
    (re.compile("ne?$"), "은"),
    (re.compile("le?$"), "을"),
    (re.compile("(?<![aeiou])[aeiou](?:b|c|k|ck|p|t)$|out$"), "읍"),
)
_CLOSED = re.compile(r"""(?:\([^()]*\)|\[[^\[\]]*\]|[\s"'’”」』》〉)\].,…~])+$""")
_NUMBER = re.compile(r"(\d[\d,]*)(\.\d+)?$")
_WORD = re.compile(r"[A-Za-z]+$")


def with_particle(value: str, form: str) -> str:
    """The value with the particle that fits; a form that begins with "-" gives the particle alone.

    Where nobody can know how the value is read, both are written, as Koreans do: 이(가), (으)로.

    >>> with_particle("cnn", "이/가"), with_particle("98.9 %", "을/를"), with_particle("서울", "으로/로")
    ('cnn이', '98.9 %를', '서울로')

    Raises:
        ValueError: `form` is no pair of particles.
    """
    pair = form.removeprefix("-")
    after_consonant, _, after_vowel = pair.partition("/")
    is_ending = after_vowel and after_consonant in ("으" + after_vowel, "이" + after_vowel)
    if pair not in PARTICLES and not is_ending:
        raise ValueError(
            f"'{form}' is no pair of particles: write {', '.join(PARTICLES)}, 으로/로 or 이라/라"
        )
    particle = _fitting(last_syllable(value), after_consonant, after_vowel)
    return particle if form.startswith("-") else value + particle


def _fitting(syllable: str | None, after_consonant: str, after_vowel: str) -> str:
    is_added = after_consonant.endswith(after_vowel)  # 으로/로: the other half with a syllable before it
    if syllable is None:
        added = after_consonant.removesuffix(after_vowel)
        return f"({added}){after_vowel}" if is_added else f"{after_consonant}({after_vowel})"
    final = (ord(syllable) - _FIRST_SYLLABLE) % _FINAL_CONSONANTS
    sounds_open = final == 0 or (final == _RIEUL and after_consonant.startswith("으"))
    return after_vowel if sounds_open else after_consonant


def last_syllable(text: str) -> str | None:
    """A syllable that ends as the text does when it is read aloud; None where that cannot be known.

    >>> last_syllable("파일(3)"), last_syllable("1,200"), last_syllable("0.50"), last_syllable("resnet")
    ('일', '백', '영', '읍')
    """
    word = _CLOSED.sub("", text) or text.strip(" ()[]'\".,")
    if not word:
        return None
    last = word[-1]
    if _FIRST_SYLLABLE <= ord(last) <= _LAST_SYLLABLE:
        return last
    if number := _NUMBER.search(word):
        return _DIGITS[last] if number[2] else _end_of_number(number[1].replace(",", ""))
    if latin := _WORD.search(word):
        return _end_of_latin(latin[0])
    return _SIGNS.get(last)


def _end_of_number(digits: str) -> str:
    """120 is 백이십, 120000 is 십이만."""
    zeros = len(digits) - len(digits.rstrip("0"))
    if zeros in (0, len(digits)):
        return _DIGITS[digits[-1]]
    if zeros < 4:
        return _SMALL_UNITS[zeros - 1]
    return _MYRIADS[min(zeros // 4, len(_MYRIADS)) - 1]


def _end_of_latin(word: str) -> str:
    """An abbreviation is spelled (CNN: 씨엔엔), a word is read (resnet: 레스넷)."""
    lower = word.lower()
    if lower in _WORDS:
        return _WORDS[lower]
    if word.isupper() or len(word) < 3 or not re.search("[aeiouy]", lower):
        return _LETTERS.get(lower[-1], "이")
    return next((syllable for ending, syllable in _ENDINGS if ending.search(lower)), "이")
