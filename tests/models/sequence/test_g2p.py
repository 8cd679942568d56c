"""Real weights: the GRU encoder-decoder of g2p_en pronounces words as the CMU dictionary does."""

from pathlib import Path

import pytest
import torch

from bakeoff.errors import DataError, ModelError
from bakeoff.models.sequence.g2p import LAYOUTS, SOUNDS, LettersToSounds
from bakeoff.models.weights import load_tensors, read_tensors

DATA = Path(__file__).parents[2] / "data"
CHECKPOINT = DATA / "g2p_en" / "checkpoint20_float16.safetensors"


@pytest.fixture(scope="module")
def pronouncer() -> LettersToSounds:
    module = LettersToSounds().eval()
    load_tensors(module, read_tensors(CHECKPOINT), layouts=LAYOUTS)
    return module


@pytest.fixture(scope="module")
def dictionary() -> dict[str, list[list[str]]]:
    """200 words drawn by chance, each with its pronunciations."""
    words: dict[str, list[list[str]]] = {}
    for line in (DATA / "cmudict" / "words.txt").read_text().splitlines():
        word, *sounds = line.split()
        words.setdefault(word, []).append(sounds)
    return words


def right(module: LettersToSounds, dictionary: dict[str, list[list[str]]]) -> int:
    return sum(module.pronounce(word) in sounds for word, sounds in dictionary.items())


def test_three_in_four_words_are_pronounced_exactly_as_in_the_dictionary(
    pronouncer: LettersToSounds, dictionary: dict[str, list[list[str]]]
) -> None:
    """157 of the 200, each sound and each stress right."""
    assert len(dictionary) == 200
    assert right(pronouncer, dictionary) >= 150


def test_the_packages_own_example_comes_out_as_its_documentation_prints_it(
    pronouncer: LettersToSounds,
) -> None:
    assert " ".join(pronouncer.pronounce("activationist")) == "AE2 K T IH0 V EY1 SH AH0 N IH0 S T"


def test_one_changed_tensor_breaks_it(dictionary: dict[str, list[list[str]]]) -> None:
    """The reset and the update gate of the encoder exchanged: the shapes fit, the words do not."""
    tensors = read_tensors(CHECKPOINT)
    reset, update, new = tensors["enc_w_hh"].chunk(3)
    tensors["enc_w_hh"] = torch.cat([update, reset, new])
    module = LettersToSounds().eval()
    load_tensors(module, tensors, layouts=LAYOUTS)
    assert right(module, dictionary) < 10


def test_scores_of_a_whole_word_are_those_of_writing_it_sound_by_sound(pronouncer: LettersToSounds) -> None:
    """`forward` on the letters and the sounds before each step foretells what `pronounce` writes; padding or not."""
    word = [[3 + ord(sign) - ord("a") for sign in "zebra"] + [2]]
    written = [SOUNDS.index(sound) for sound in pronouncer.pronounce("zebra")]
    before = torch.tensor([[SOUNDS.index("<s>"), *written]])
    expected = [*written, SOUNDS.index("</s>")]
    assert pronouncer(torch.tensor(word), before).argmax(dim=2)[0].tolist() == expected
    padded = torch.tensor([word[0] + [0, 0, 0]])
    assert pronouncer(padded, before, torch.tensor([6])).argmax(dim=2)[0].tolist() == expected


def test_other_signs_and_other_files_are_refused_by_name(pronouncer: LettersToSounds) -> None:
    with pytest.raises(DataError, match="'naïve' is not a word of the letters a to z"):
        pronouncer.pronounce("naïve")
    tensors = read_tensors(CHECKPOINT)
    tensors["surplus"] = tensors.pop("fc_b")
    with pytest.raises(ModelError, match=r"missing 'head.bias' \(theirs: 'fc_b'\); surplus 'surplus'"):
        load_tensors(pronouncer, tensors, layouts=LAYOUTS)
