"""Texts are cut into tokens once: vocabulary and tokens are stored in the user's cache folder and memory-mapped.

The folder's name is a hash of what they depend on: every text, which of them are training examples, and how they are
cut. Where the cache cannot be written (on a full disk, without permission), texts are cut again each time.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.forms.token_encoder import TokenEncoder
from bakeoff.system.cache import cache_folder, store_folder

#: Part of the key; raised when the cutting changes, so that old tokens are not used.
_VERSION = 1
#: Texts with fewer characters than this in all are not cached: they are cut in a tenth of a second.
LEAST_SIGNS = 1_000_000
#: Caches that are not removed, besides those used within a day.
MOST_CACHES = 10

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
            store_folder(
                place,
                partial(_write, cut=found),
                lambda folder: _open(folder, len(texts), read) is not None,
                most_old=MOST_CACHES,
            )
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


def _write(folder: Path, cut: Cut) -> None:
    encoder, tokens, lengths = cut
    np.save(folder / "tokens.npy", tokens, allow_pickle=False)
    np.save(folder / "lengths.npy", lengths, allow_pickle=False)
    (folder / "encoder.json").write_text(json.dumps(encoder.to_json()), encoding="utf-8")
