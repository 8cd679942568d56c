"""Texts are cut into tokens once: vocabulary and tokens are stored in the user's cache folder and memory-mapped.

The folder's name is a hash of what they depend on: every text, which of them are training examples, and how they are
cut. As with decoded images (`image_cache`) a cache is written under another name and renamed when it is complete. Where
it cannot be written (by two programs at once, on a full disk, without permission), texts are cut again each time.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.readers.token_encoder import TokenEncoder
from bakeoff.system.files import cache_folder

#: Part of the key; raised when the cutting changes, so that old tokens are not used.
_VERSION = 1
#: Texts with fewer characters than this in all are not cached: they are cut in a tenth of a second.
LEAST_SIGNS = 1_000_000
#: Caches that are not removed, besides those used within a day.
MOST_CACHES = 10
_DAY_SECONDS = 86_400

#: Encoder, tokens [N, T] and lengths [N].
Cut = tuple[TokenEncoder, NDArray[np.int32], NDArray[np.int64]]


def cut_once(
    texts: Sequence[str],
    training: NDArray[np.int64],
    *,
    form: str,
    learn: Callable[[list[str]], TokenEncoder],
    read: Callable[[dict[str, Any]], TokenEncoder],
) -> Cut:
    """The encoder learned from the training texts, with all texts' tokens [N, T] and lengths [N]; cached.

    Args:
        texts: all of them.
        training: indices of the training texts.
        form: everything else that the encoder depends on.
        learn: makes the encoder from the training texts.
        read: makes it from its record.
    """
    if sum(map(len, texts)) < LEAST_SIGNS:
        return _cut(texts, training, learn)
    place = cache_folder() / "texts" / _key(texts, training, form)
    found = _open(place, len(texts), read)
    if found is None:
        found = _cut(texts, training, learn)
        with suppress(OSError):
            _store(place, found)
    return found


def _cut(
    texts: Sequence[str], training: NDArray[np.int64], learn: Callable[[list[str]], TokenEncoder]
) -> Cut:
    encoder = learn([texts[place] for place in training.tolist()])
    return (encoder, *encoder.encode(texts))


def _key(texts: Sequence[str], training: NDArray[np.int64], form: str) -> str:
    digest = hashlib.blake2b(f"{_VERSION} {len(texts)} {len(form)} {form}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(training, dtype="<i8").tobytes())
    for text in texts:
        written = text.encode("utf-8", "surrogatepass")
        digest.update(f"{len(written)} ".encode() + written)
    return digest.hexdigest()


def _open(place: Path, count: int, read: Callable[[dict[str, Any]], TokenEncoder]) -> Cut | None:
    """The contents of a complete cache, else None."""
    try:
        encoder = read(json.loads((place / "encoder.json").read_text(encoding="utf-8")))
        tokens = np.load(place / "tokens.npy", mmap_mode="r", allow_pickle=False)
        lengths = np.load(place / "lengths.npy", allow_pickle=False)
        complete = tokens.shape == (count, encoder.length) and lengths.shape == (count,)
        if not complete or tokens.dtype != np.int32 or lengths.dtype != np.int64:
            return None
        if tokens.min() < 0 or tokens.max() >= encoder.vocabulary_size:
            return None
        if lengths.min() < 1 or lengths.max() > encoder.length:
            return None
        os.utime(place)
        return encoder, tokens, lengths
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _store(place: Path, cut: Cut) -> None:
    """Write a cache under another name and rename it; one that another run has finished meanwhile stays."""
    encoder, tokens, lengths = cut
    place.parent.mkdir(parents=True, exist_ok=True)
    _sweep(place.parent)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=place.parent))
    try:
        np.save(unfinished / "tokens.npy", tokens, allow_pickle=False)
        np.save(unfinished / "lengths.npy", lengths, allow_pickle=False)
        (unfinished / "encoder.json").write_text(json.dumps(encoder.to_json()), encoding="utf-8")
        if place.exists() and _open(place, len(tokens), type(encoder).from_json) is None:
            shutil.rmtree(place)
        unfinished.rename(place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what killed runs left, and the oldest caches: nothing that was used within a day."""
    old = []
    for entry in folder.iterdir():
        with suppress(OSError):
            changed = entry.stat().st_mtime
            if time.time() - changed > _DAY_SECONDS:
                old.append((entry.name.startswith("unfinished-"), changed, entry))
    finished = sorted(entry for entry in old if not entry[0])
    for *_, entry in [entry for entry in old if entry[0]] + finished[: max(0, len(finished) - MOST_CACHES)]:
        shutil.rmtree(entry, ignore_errors=True)
