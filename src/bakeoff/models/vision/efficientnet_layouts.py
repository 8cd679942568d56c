"""How torchvision, timm and Hugging Face name EfficientNet's tensors. See `bakeoff.models.weights`.

A block of the first stage has no layer that widens, so torchvision's and timm's numbers are one less there.
"""

from collections.abc import Mapping, Sequence

from bakeoff.models.layers.image_stem import FOR_PHOTOGRAPHS
from bakeoff.models.weights import Layout

_OUTSIDE = {
    "torchvision": {
        "features.0.0.{p}": "stem.convolution.{p}",
        "features.0.1.{p}": "stem.norm.{p}",
        "features.8.0.{p}": "last.convolution.{p}",
        "features.8.1.{p}": "last.norm.{p}",
        "classifier.1.{p}": "head.{p}",
    },
    "timm": {
        "conv_stem.{p}": "stem.convolution.{p}",
        "bn1.{p}": "stem.norm.{p}",
        "conv_head.{p}": "last.convolution.{p}",
        "bn2.{p}": "last.norm.{p}",
        "classifier.{p}": "head.{p}",
    },
    "huggingface": {
        "embeddings.convolution.{p}": "stem.convolution.{p}",
        "embeddings.batchnorm.{p}": "stem.norm.{p}",
        "encoder.top_conv.{p}": "last.convolution.{p}",
        "encoder.top_bn.{p}": "last.norm.{p}",
        "classifier.{p}": "head.{p}",
    },
}
#: The parts of a block of the first stage, and of all others.
_FIRST = {
    "torchvision": {
        "block.0.0": "depthwise.convolution",
        "block.0.1": "depthwise.norm",
        "block.1.fc1": "excitation.squeeze",
        "block.1.fc2": "excitation.excite",
        "block.2.0": "narrow.convolution",
        "block.2.1": "narrow.norm",
    },
    "timm": {
        "conv_dw": "depthwise.convolution",
        "bn1": "depthwise.norm",
        "se.conv_reduce": "excitation.squeeze",
        "se.conv_expand": "excitation.excite",
        "conv_pw": "narrow.convolution",
        "bn2": "narrow.norm",
    },
}
_OTHERS = {
    "torchvision": {
        "block.0.0": "widen.convolution",
        "block.0.1": "widen.norm",
        "block.1.0": "depthwise.convolution",
        "block.1.1": "depthwise.norm",
        "block.2.fc1": "excitation.squeeze",
        "block.2.fc2": "excitation.excite",
        "block.3.0": "narrow.convolution",
        "block.3.1": "narrow.norm",
    },
    "timm": {
        "conv_pw": "widen.convolution",
        "bn1": "widen.norm",
        "conv_dw": "depthwise.convolution",
        "bn2": "depthwise.norm",
        "se.conv_reduce": "excitation.squeeze",
        "se.conv_expand": "excitation.excite",
        "conv_pwl": "narrow.convolution",
        "bn3": "narrow.norm",
    },
    "huggingface": {
        "expansion.expand_conv": "widen.convolution",
        "expansion.expand_bn": "widen.norm",
        "depthwise_conv.depthwise_conv": "depthwise.convolution",
        "depthwise_conv.depthwise_norm": "depthwise.norm",
        "squeeze_excite.reduce": "excitation.squeeze",
        "squeeze_excite.expand": "excitation.excite",
        "projection.project_conv": "narrow.convolution",
        "projection.project_bn": "narrow.norm",
    },
}


def layouts(repeats: Sequence[int]) -> dict[str, Layout]:
    """The layouts of an EfficientNet with so many blocks in each stage."""
    torchvision, timm, huggingface = (dict(_OUTSIDE[publisher]) for publisher in _OUTSIDE)
    for stage in range(len(repeats)):
        parts = _OTHERS if stage else _FIRST
        torchvision |= _block(f"features.{stage + 1}.{{b}}", f"stages.{stage}.{{b}}", parts["torchvision"])
        timm |= _block(f"blocks.{stage}.{{b}}", f"stages.{stage}.{{b}}", parts["timm"])
    places = [(stage, block) for stage, count in enumerate(repeats) for block in range(count)]
    for number, (stage, block) in enumerate(places):
        huggingface |= _block(f"encoder.blocks.{number}", f"stages.{stage}.{block}", _OTHERS["huggingface"])
    return {
        "torchvision": Layout(rules=torchvision, options=FOR_PHOTOGRAPHS),
        "timm": Layout(rules=timm, options={"epsilon": 1e-5, **FOR_PHOTOGRAPHS}),
        "huggingface": Layout(
            rules=huggingface,
            prefixes=("efficientnet.",),
            options={"padding": "tensorflow", **FOR_PHOTOGRAPHS},
        ),
    }


def _block(theirs: str, ours: str, parts: Mapping[str, str]) -> dict[str, str]:
    return {f"{theirs}.{word}.{{p}}": f"{ours}.{part}.{{p}}" for word, part in parts.items()}
