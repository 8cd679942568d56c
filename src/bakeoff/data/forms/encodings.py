"""The encoding of a text file that need not be UTF-8.

charset-normalizer weighs encodings by how the decoded text reads, which takes some text: of a table, often a single
word of the header is not ASCII. So three things are settled before it is asked: the mark of UTF-16, Korean (whose
common syllables lie in a narrow range of bytes), and too little text, which is read as Western.
"""

import codecs
import re
from typing import IO

from bakeoff.errors import DataError, printable

#: Bytes read at once from a file of any size.
_CHUNK_BYTES = 1 << 24
#: Of the lines that are not ASCII, what is looked at.
_SAMPLE_BYTES = 1 << 16
#: With fewer bytes beyond ASCII than this the library guesses (a header "Größe" is Japanese to it).
_LEAST_EVIDENCE = 32
#: Lines in which the header stands.
_HEADER_LINES = 40
#: Share of signs that must be common Korean syllables or symbols; the rest may be Chinese characters.
_KOREAN_SHARE = 0.9
#: What the library chooses among. Central European cp1250 is no choice: it cannot be told from cp1252 in short texts.
_CHOICES = ["cp1252", "cp1251", "cp1253", "cp1254", "cp932", "euc_jp", "gb18030", "big5"]


#: What reads a header that has the name the user says in it, the likelier one first.
_WITH_NAME = (
    "latin-1",
    "cp1252",
    "cp949",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
)


def text_encoding(file: IO[bytes], *, name: str, column: str | None = None) -> str:
    """The name of the encoding, which decodes the whole file: "utf-8" where that does, else the likeliest.

    Args:
        file: opened, at its beginning.
        name: for the message.
        column: as the user writes its name: an encoding in which the header has it is right.

    Raises:
        DataError: the file holds zero bytes and is no UTF-16, so it is no text.
    """
    if file.read(4).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(_CHUNK_BYTES):
            if b"\0" in chunk:
                file.seek(0)
                return _utf16_without_mark(file.read(_SAMPLE_BYTES), name)
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        file.seek(0)
        content = file.read()
        return _by_name(content, column or "") or _other_encoding(content)
    return "utf-8"


def _by_name(content: bytes, name: str) -> str | None:
    """The encoding in which a name that is not ASCII stands among the first lines, if there is one."""
    if name.isascii():
        return None
    start = b"\n".join(content.splitlines()[:_HEADER_LINES])
    for encoding in _WITH_NAME:
        written = name.encode(encoding, "ignore")
        if written.decode(encoding) == name and written in start and _decodes(content, encoding):
            return "cp1252" if encoding == "latin-1" and re.search(rb"[\x80-\x9f]", content) else encoding
    return None


def _other_encoding(content: bytes) -> str:
    """Of a text that is not UTF-8: the likeliest that decodes all of it, at last latin-1, which has a sign a byte."""
    lines = b"\n".join(line for line in content.splitlines() if not line.isascii())[:_SAMPLE_BYTES]
    western = "cp1252" if re.search(rb"[\x80-\x9f]", content) else "latin-1"
    for encoding in ("cp949" if _reads_as_korean(lines) else _weighed(lines), western):
        if encoding is not None and _decodes(content, encoding):
            return western if encoding == "cp1252" else encoding
    return "latin-1"


def _weighed(lines: bytes) -> str | None:
    """What charset-normalizer thinks of lines that are not ASCII; None where there is too little to go by."""
    from charset_normalizer import from_bytes

    if sum(byte > 127 for byte in lines) < _LEAST_EVIDENCE:
        return None
    best = from_bytes(lines, cp_isolation=_CHOICES).best()
    return None if best is None else best.encoding


def _utf16_without_mark(start: bytes, name: str) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(start, cp_isolation=["utf_16_le", "utf_16_be"]).best()
    if best is None or "\0" in str(best) or "\n" not in str(best):
        raise DataError(
            f"'{printable(name)}' is not a text file (it holds zero bytes): save it as CSV in UTF-8."
        )
    return best.encoding.replace("_", "-")


def _reads_as_korean(lines: bytes) -> bool:
    """Whether nearly all signs are the 2,350 common syllables (rows B0 to C8 of KS X 1001) or symbols (A1 to AC)."""
    text = lines.decode("cp949", "replace")
    codes = [sign.encode("cp949", "replace") for sign in re.findall(r"[^\x00-\x7f]", text)]
    pairs = [code for code in codes if len(code) == 2 and code[1] >= 0xA1]
    syllables = sum(0xB0 <= code[0] <= 0xC8 for code in pairs)
    symbols = sum(0xA1 <= code[0] <= 0xAC for code in pairs)
    return syllables > 0 and syllables + symbols >= _KOREAN_SHARE * len(codes)


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
