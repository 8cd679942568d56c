"""A word's letters to its sounds: a GRU encoder-decoder with published weights.

Paper: Cho, van Merrienboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio, "Learning Phrase Representations using RNN
Encoder-Decoder for Statistical Machine Translation", EMNLP 2014 (arXiv 1406.1078). The weights: g2p_en 2.1.0 by
Kyubyong Park and Jongseok Kim (Apache-2.0), file `checkpoint20.npz`, learned from the CMU pronouncing dictionary.

What was new: one recurrent network reads a sequence of any length into one vector, a second writes a sequence of any
other length from it. Before, input and output had to be lined up by hand.

What it assumes: order, in and out; and that 256 numbers can hold the whole word. (Where they cannot, attention was
invented.)

    letters -> embedding -> GRU -> last state -> GRU -> sounds, each fed back as the next input, until "</s>"

Where this differs: the paper feeds the encoder's vector to each step of the decoder; these weights have it as the
first state only. Input is one word of small letters; the words that the package looks up in a dictionary are not
looked up here. Not in the catalogue: its answer is a sequence of signs, not an example's class or value.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bakeoff.errors import DataError
from bakeoff.models.layers.sequences import Lengths
from bakeoff.models.sequence.rnns import Recurrence
from bakeoff.models.weights import Layout

LETTERS = ("<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz")
VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
CONSONANTS = (
    *("B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG"),
    *("P", "R", "S", "SH", "T", "TH", "V", "W", "Y", "Z", "ZH"),
)
#: ARPAbet in the order of the alphabet; 0, 1 and 2 after a vowel: no, main and side stress. "UW" is there bare as well.
SOUNDS = (
    *("<pad>", "<unk>", "<s>", "</s>"),
    *sorted([*CONSONANTS, "UW", *(vowel + stress for vowel in VOWELS for stress in "012")]),
)
#: The most sounds of a pronunciation.
LONGEST = 20

#: The package's names to ours.
LAYOUTS = {
    "g2p_en": Layout(
        rules={
            "enc_emb": "letters.weight",
            "dec_emb": "sounds.weight",
            "fc_w": "head.weight",
            "fc_b": "head.bias",
            "enc_w_{p}": "encoder.weight_{p}_l0",
            "enc_b_{p}": "encoder.bias_{p}_l0",
            "dec_w_{p}": "decoder.weight_{p}_l0",
            "dec_b_{p}": "decoder.bias_{p}_l0",
        }
    )
}


class LettersToSounds(nn.Module):
    """Two GRUs of 256 units, one that reads letters and one that writes sounds."""

    def __init__(self, width: int = 256) -> None:
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), width)
        self.sounds = nn.Embedding(len(SOUNDS), width)
        self.encoder = Recurrence("gru", width, width)
        self.decoder = Recurrence("gru", width, width)
        self.head = nn.Linear(width, len(SOUNDS))

    def forward(
        self, letters: Int[Tensor, "batch time"], sounds: Int[Tensor, "batch other"], lengths: Lengths = None
    ) -> Float[Tensor, "batch other sounds"]:
        """Scores of each next sound, given the letters and the sounds before it (the first of them is "<s>")."""
        word = self.encoder.summary(self.encoder(self.letters(letters), lengths), lengths)
        return self.head(self.decoder(self.sounds(sounds), initial=word))

    @torch.no_grad()
    def pronounce(self, word: str) -> list[str]:
        """The sounds of a word, each the likeliest after those before it.

        Raises:
            DataError: a sign that is not one of the letters a to z.
        """
        unknown = sorted(set(word) - set(LETTERS))
        if unknown or not word:
            raise DataError(
                f"'{word}' is not a word of the letters a to z: write it in small letters without signs."
            )
        letters = torch.tensor(
            [[LETTERS.index(sign) for sign in (*word, "</s>")]], device=self.head.weight.device
        )
        state = self.encoder.summary(self.encoder(self.letters(letters)))
        sound, written = torch.full_like(letters[:, :1], SOUNDS.index("<s>")), []
        for _ in range(LONGEST):
            state = self.decoder(self.sounds(sound), initial=state)[:, -1]
            sound = self.head(state).argmax(dim=1, keepdim=True)
            if SOUNDS[int(sound)] == "</s>":
                break
            written.append(SOUNDS[int(sound)])
        return written
