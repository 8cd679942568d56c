"""Vision Transformer: an image is a sentence of patches.

Dosovitskiy et al., *An image is worth 16x16 words: Transformers for image recognition at scale*, ICLR 2021
(arXiv 2010.11929).

New in 2020: cut the image into patches of 16 x 16, map each to a vector, add a learned vector for its
place, and give the row to an ordinary Transformer encoder. No convolution after the first cut. With
little data it loses to a ResNet; with hundreds of millions of images it wins: what a convolution assumes,
it had to learn, and could.

It assumes only that any two patches may be related, and learns which. Even that neighbours belong
together it must learn, from the places' vectors.

    x [B, C, H, W] -> patches [B, T, D], a class token in front, plus places
      -> L blocks:  x + attention(norm(x)),  x + mlp(norm(x))
      -> norm -> the class token's vector -> head

    legend: D width, L depth, T = (H / P)(W / P) patches of P x P, h heads

Where this differs from the paper: none in the shape; the head is one linear layer, as for fine-tuning.
`Ti` and `S` are the sizes of Touvron et al. (DeiT, arXiv 2012.12877). An image whose sides are no
multiple of P is filled up with zeros at its ends. Images of at most 64 pixels a side are cut into about 8
x 8 patches (4 x 4 for the `/32`), as is usual for them. Places of published weights for another size are
resized as the paper does (section 3.2).
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from bakeoff.data.schema import Classes, Image, Schema, Value
from bakeoff.errors import OptionError
from bakeoff.models import register
from bakeoff.models.layers.image_stem import FOR_PHOTOGRAPHS, image_of, imagenet, is_small, require_no_width
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.weights import Layout, Part

PAPER = "Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021, arXiv 2010.11929"
Row = Float[Tensor, "batch tokens width"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """Width D, depth L, heads h, and the side of a patch in pixels on photographs. The MLP inside is 4 D
    wide.
    """

    width: int
    depth: int
    heads: int
    patch: int = 16


SIZES = {
    "vit_ti_16": Size(width=192, depth=12, heads=3),
    "vit_s_16": Size(width=384, depth=12, heads=6),
    "vit_b_16": Size(width=768, depth=12, heads=12),
    "vit_b_32": Size(width=768, depth=12, heads=12, patch=32),
    "vit_l_16": Size(width=1024, depth=24, heads=16),
    "vit_l_32": Size(width=1024, depth=24, heads=16, patch=32),
}
#: The hidden layer of a block's MLP, in widths of the model (the paper's table 1).
MLP_WIDENS = 4


class Attention(nn.Module):
    """Each token asks all others: a mean of their values, weighted by how well query and key agree."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Row) -> Row:
        joined = self.queries_keys_values(x).unflatten(2, (3, self.heads, -1))  # [B, T, 3, h, D / h]
        queries, keys, values = joined.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(queries, keys, values)  # [B, h, T, D / h]
        return self.output(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention mixes the tokens, the MLP mixes each token's features; each adds to what came in."""

    def __init__(self, size: Size, epsilon: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(size.width, eps=epsilon)
        self.attention = Attention(size.width, size.heads)
        self.norm2 = nn.LayerNorm(size.width, eps=epsilon)
        self.widen = nn.Linear(size.width, MLP_WIDENS * size.width)
        self.narrow = nn.Linear(MLP_WIDENS * size.width, size.width)

    def forward(self, x: Row) -> Row:
        x = x + self.attention(self.norm1(x))
        return x + self.narrow(F.gelu(self.widen(self.norm2(x))))


class VisionTransformer(nn.Module):
    """Images [B, C, H, W] to logits [B, outputs].

    Args:
        image: what the data are: the places are learned for this size.
        outputs: how many numbers come out.
        size: width, depth, heads.
        patch: side of a patch in pixels.
        epsilon: of the layer normalisations.
    """

    def __init__(self, image: Image, outputs: int, *, size: Size, patch: int, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.grid = (math.ceil(image.height / patch), math.ceil(image.width / patch))
        self.fill = (0, self.grid[1] * patch - image.width, 0, self.grid[0] * patch - image.height)
        self.cut = nn.Conv2d(image.channels, size.width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, size.width))
        self.places = nn.Parameter(torch.empty(1, 1 + self.grid[0] * self.grid[1], size.width))
        self.blocks = nn.Sequential(*(Block(size, epsilon) for _ in range(size.depth)))
        self.norm = nn.LayerNorm(size.width, eps=epsilon)
        self.head = nn.Linear(size.width, outputs)
        self._initialise()

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch outputs"]:
        x = self.cut(F.pad(x, self.fill)).flatten(2).transpose(1, 2)
        x = torch.cat((self.class_token.expand(len(x), -1, -1), x), dim=1) + self.places
        return self.head(self.norm(self.blocks(x))[:, 0])

    def fit_tensor(self, name: str, tensor: Tensor) -> Tensor:
        """Places learned on another grid, resized bicubically to ours; all other tensors as they are.

        Section 3.2 of the paper: "2D interpolation of the pre-trained position embeddings, according to their
        location in the original image". The published grid is taken to be square.
        """
        side = math.isqrt(tensor.shape[1] - 1) if name == "places" and tensor.ndim == 3 else 0
        if side == 0 or tensor.shape == self.places.shape or side**2 != tensor.shape[1] - 1:
            return tensor
        grid = tensor[:, 1:].float().reshape(1, side, side, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=self.grid, mode="bicubic", align_corners=False)
        return torch.cat((tensor[:, :1].float(), grid.flatten(2).transpose(1, 2)), dim=1)

    def _initialise(self) -> None:
        nn.init.trunc_normal_(self.places, std=0.02)
        nn.init.trunc_normal_(self.cut.weight, std=self.cut.weight[0].numel() ** -0.5)
        assert self.cut.bias is not None
        nn.init.zeros_(self.cut.bias)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)


def build(
    schema: Schema,
    width: int | None = None,
    *,
    name: str,
    patch: int | None = None,
    small: bool | None = None,
    **options: Any,
) -> nn.Module:
    """A Vision Transformer; `patch` is the side of a patch in pixels, `epsilon` as in the class.

    Small images get smaller patches, as many as a photograph has, unless `small` says otherwise.

    Raises:
        OptionError: a patch larger than the image, or smaller than a pixel.
    """
    require_no_width(name, width)
    image, size = image_of(schema), SIZES[name]
    if patch is None:
        patch = size.patch
        if is_small(image, small):
            patch = max(1, round(max(image.height, image.width) * size.patch / 128))
    if not 1 <= patch <= max(image.height, image.width):
        raise OptionError(
            f"patch must be from 1 to the image's {max(image.height, image.width)} pixels, and {patch} was given."
        )
    return VisionTransformer(image, schema.outputs, size=size, patch=patch, **options)


_TORCHVISION_BLOCK = "encoder.layers.encoder_layer_{i}"
LAYOUTS = {
    "torchvision": Layout(
        options=FOR_PHOTOGRAPHS,
        rules={
            "conv_proj.{p}": "cut.{p}",
            "class_token": "class_token",
            "encoder.pos_embedding": "places",
            _TORCHVISION_BLOCK + ".ln_1.{p}": "blocks.{i}.norm1.{p}",
            _TORCHVISION_BLOCK
            + ".self_attention.in_proj_{p}": "blocks.{i}.attention.queries_keys_values.{p}",
            _TORCHVISION_BLOCK + ".self_attention.out_proj.{p}": "blocks.{i}.attention.output.{p}",
            _TORCHVISION_BLOCK + ".ln_2.{p}": "blocks.{i}.norm2.{p}",
            _TORCHVISION_BLOCK + ".mlp.0.{p}": "blocks.{i}.widen.{p}",
            _TORCHVISION_BLOCK + ".mlp.3.{p}": "blocks.{i}.narrow.{p}",
            _TORCHVISION_BLOCK + ".mlp.linear_1.{p}": "blocks.{i}.widen.{p}",
            _TORCHVISION_BLOCK + ".mlp.linear_2.{p}": "blocks.{i}.narrow.{p}",
            "encoder.ln.{p}": "norm.{p}",
            "heads.head.{p}": "head.{p}",
        },
    ),
    "timm": Layout(
        options=FOR_PHOTOGRAPHS,
        rules={
            "patch_embed.proj.{p}": "cut.{p}",
            "cls_token": "class_token",
            "pos_embed": "places",
            "blocks.{i}.norm1.{p}": "blocks.{i}.norm1.{p}",
            "blocks.{i}.attn.qkv.{p}": "blocks.{i}.attention.queries_keys_values.{p}",
            "blocks.{i}.attn.proj.{p}": "blocks.{i}.attention.output.{p}",
            "blocks.{i}.norm2.{p}": "blocks.{i}.norm2.{p}",
            "blocks.{i}.mlp.fc1.{p}": "blocks.{i}.widen.{p}",
            "blocks.{i}.mlp.fc2.{p}": "blocks.{i}.narrow.{p}",
            "norm.{p}": "norm.{p}",
            "head.{p}": "head.{p}",
        },
    ),
    "huggingface": Layout(
        prefixes=("vit.",),
        options={"epsilon": 1e-12, **FOR_PHOTOGRAPHS},
        rules={
            "embeddings.patch_embeddings.projection.{p}": "cut.{p}",
            "embeddings.cls_token": "class_token",
            "embeddings.position_embeddings": "places",
            "encoder.layer.{i}.layernorm_before.{p}": "blocks.{i}.norm1.{p}",
            **{
                f"encoder.layer.{{i}}.attention.attention.{word}.{{p}}": Part(
                    "blocks.{i}.attention.queries_keys_values.{p}", place, of=3
                )
                for place, word in enumerate(("query", "key", "value"))
            },
            "encoder.layer.{i}.attention.output.dense.{p}": "blocks.{i}.attention.output.{p}",
            "encoder.layer.{i}.layernorm_after.{p}": "blocks.{i}.norm2.{p}",
            "encoder.layer.{i}.intermediate.dense.{p}": "blocks.{i}.widen.{p}",
            "encoder.layer.{i}.output.dense.{p}": "blocks.{i}.narrow.{p}",
            "layernorm.{p}": "norm.{p}",
            "pooler.{rest}": None,
            "classifier.{p}": "head.{p}",
        },
    ),
}

for _name, _size in SIZES.items():
    register(
        ModelCard(
            name=_name,
            family="vit",
            year=2020,
            paper=PAPER,
            summary=f"Patches of {_size.patch} x {_size.patch} as words of a {_size.depth}-layer Transformer.",
            biases=("relation",),
            recipe="attention",
            inputs=(Image,),
            targets=(Classes, Value),
            build=partial(build, name=_name),
            example=imagenet(),
            layouts=LAYOUTS,
        )
    )
