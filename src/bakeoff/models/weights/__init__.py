"""Published weights: read a file, rename its tensors to ours, and put them in, every one or none.

A publisher's file is a flat table of tensors whose names follow that publisher's code:
`layer1.0.conv1.weight` in torchvision, `resnet.encoder.stages.0.layers.0.layer.0.convolution.weight` at
Hugging Face. A network's file tells how each of them names what we name in our own words, in a dictionary
that a person can read and a card carries:

    LAYOUTS = {
        "torchvision": Layout(rules={
            "conv1.{p}": "stem.convolution.{p}",                 # {p} stands for one word between dots
            "layer1.{b}.{rest}": "stages.0.{b}.{rest}",          # {rest} stands for everything, dots and all
            "fc.{p}": "head.{p}",
        }),
    }
    register(ModelCard(name="resnet18", ..., layouts=LAYOUTS))

Recipe for a new network
1. Write the network with the names that read best. Call the last layer `head` (fine-tuning replaces it).
2. For each publisher write one `Layout`. The left side is a name of theirs, the right side one of:
   - `"ours.{p}"`                              the same tensor under our name
   - `Part("ours.qkv.{p}", 0, of=3)`           a third of ours; the parts are joined on axis 0 (their
     query, key, value)
   - `Cut(("ours.q.{p}", "ours.k.{p}"))`       theirs is cut on axis 0 into equal parts
   - `Changed("ours.{p}", transposed)`         a function of the tensor (GPT-2 keeps its matrices transposed)
   - `None`                                    holds nothing learned (position numbers, masks): left out
   The first rule that matches a name wins, so put the special ones first. Several publishers' prefixes
   (with and without `bert.`) are two rules, or one with `Layout(..., prefixes=("bert.", ""))`.
   Where a publisher's network differs in more than names (an epsilon, a padding), make that an option of
   `build` and put it in `Layout(..., options={"epsilon": 1e-3})`: `bakeoff.models.load` builds with it.
3. Give the dictionary to the card (`layouts=LAYOUTS`), and test it in `tests/models`: build the reference
   with random weights, `load_tensors(ours, reference.state_dict(), layouts=LAYOUTS)`, compare the outputs
   to 1e-5, change one tensor and see that they differ.

Which layout a file is in is found by trying them: the one under which no tensor is missing and none is
left over. Our own names (`module.state_dict()`) always work. A tensor that two names share (tied
embeddings) may stand under either.
"""

from bakeoff.models.weights.layout import Changed, Cut, Layout, Part, transposed
from bakeoff.models.weights.put import find_layout, load_tensors
from bakeoff.models.weights.read import read_tensors, save_tensors

__all__ = [
    "Changed",
    "Cut",
    "Layout",
    "Part",
    "find_layout",
    "load_tensors",
    "read_tensors",
    "save_tensors",
    "transposed",
]
