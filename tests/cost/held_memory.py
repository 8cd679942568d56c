"""What PyTorch really holds in a training step, as its own profiler reports it. Run in a fresh process.

    python held_memory.py NETWORK:OPTIMISER ...

prints one line of JSON for each: bytes at the peak of the second and third training step, and of a forward pass without
gradients.
Every allocation and release of the CPU's allocator is an event of the profiler, those inside of operations too.
"""

import json
import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile, record_function


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norms[0](self.first(x)))
        return F.relu(x + self.norms[1](self.second(y)))


class Recurrent(nn.Module):
    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x)[0][:, -1])


class Language(nn.Module):
    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.embedding = nn.Embedding(1000, 128)
        layer = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(128, 1000)

    def forward(self, tokens: Tensor) -> Tensor:
        mask = (
            nn.Transformer.generate_square_subsequent_mask(tokens.shape[1], device=tokens.device)
            if self.causal
            else None
        )
        return self.head(self.layers(self.embedding(tokens), mask=mask))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(128, 384), nn.Linear(128, 128)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.inner(x).reshape(*x.shape[:2], 3, 4, 32).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.outer(mixed.transpose(1, 2).reshape(x.shape))


class Summary(nn.Module):
    """`nn.MultiheadAttention` of a sequence to itself, and the weights besides."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.head = nn.MultiheadAttention(64, 4, batch_first=True), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        mixed, weights = self.attention(x, x, x)
        return self.head(mixed * weights.sum(1).unsqueeze(-1))


def _long_encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(64, 4, 128, activation="gelu", batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def _convolutions() -> nn.Module:
    stem = nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU()
    )
    return nn.Sequential(
        stem, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 15 * 15, 256), nn.ReLU(), nn.Linear(256, 10)
    )


def _depthwise() -> nn.Module:
    def block(width: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False), nn.BatchNorm2d(width), nn.SiLU(),
            nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width), nn.SiLU(),
        )  # fmt: skip

    return nn.Sequential(
        nn.Conv2d(3, 32, 3, 2, 1), *(block(32) for _ in range(4)), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def _perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 512), nn.Tanh(),
                         nn.Linear(512, 10))  # fmt: skip


#: Name -> how to make it, and the shape of its input; a shape of two sizes is one of tokens.
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 1000)), (64, 3, 32, 32)),
    "mlp": (_perceptron, (64, 3, 32, 32)),
    "cnn": (_convolutions, (16, 3, 64, 64)),
    "residual": (
        lambda: nn.Sequential(nn.Conv2d(3, 32, 3), *(Residual(32) for _ in range(4))),
        (8, 3, 32, 32),
    ),
    "depthwise": (_depthwise, (8, 3, 64, 64)),
    "rnn": (lambda: Recurrent(nn.RNN(32, 128, 2, batch_first=True), 128), (16, 100, 32)),
    "lstm": (lambda: Recurrent(nn.LSTM(32, 128, 2, batch_first=True), 128), (16, 100, 32)),
    "gru": (lambda: Recurrent(nn.GRU(32, 128, bidirectional=True, batch_first=True), 256), (16, 100, 32)),
    "transformer": (lambda: Language(causal=False), (8, 100)),
    "decoder": (lambda: Language(causal=True), (8, 100)),
    "attention": (
        lambda: nn.Sequential(Attention(), nn.LayerNorm(128), nn.GELU(), Attention()),
        (8, 200, 128),
    ),
    "long": (_long_encoder, (4, 300, 64)),
    "summary": (Summary, (4, 200, 64)),
    "rnns": (lambda: Recurrent(nn.RNN(32, 64, 2, bidirectional=True), 128), (16, 50, 32)),
}

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=1e-3),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=1e-3, momentum=0.9),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
}


def inputs_of(shape: tuple[int, ...]) -> Tensor:
    return torch.zeros(shape, dtype=torch.int64) if len(shape) == 2 else torch.randn(shape)


def measure(name: str, optimiser_name: str) -> dict[str, int]:
    """Peaks in bytes: "training" and "inference"."""
    make, shape = NETWORKS[name]
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        network, x = make(), inputs_of(shape)
        optimiser = OPTIMISERS[optimiser_name](network.parameters())
        for step in range(3):
            with record_function("settled" if step else "first"):
                optimiser.zero_grad(set_to_none=True)
                output = network(x)
                gradient = torch.empty_like(output)
                output.backward(gradient)
                del output, gradient
                optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        optimiser.state.clear()
        network.eval()
        with torch.no_grad(), record_function("inference"):
            network(x)
    return _peaks(profiler)


def _peaks(profiler: profile) -> dict[str, int]:
    events = profiler.profiler.kineto_results.events()
    allocations = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    spans = {"training": (0, 0), "inference": (0, 0)}
    for event in events:
        if event.name() in ("settled", "inference"):
            span = "training" if event.name() == "settled" else "inference"
            first = spans[span][0] or event.start_ns()
            spans[span] = (
                min(first, event.start_ns()),
                max(spans[span][1], event.start_ns() + event.duration_ns()),
            )
    held, peaks = 0, dict.fromkeys(spans, 0)
    for moment, size in allocations:
        held += size
        for name, (start, stop) in spans.items():
            if start <= moment <= stop:
                peaks[name] = max(peaks[name], held)
    return peaks


if __name__ == "__main__":
    torch.set_num_threads(1)
    for job in sys.argv[1:]:
        print(json.dumps(measure(*job.split(":"))))
