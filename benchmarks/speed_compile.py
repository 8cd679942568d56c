"""Is torch.compile worth its time on stacks of recurrent networks and Transformers? Measured once, one thread.

    python benchmarks/speed_compile.py [gru] [transformer]

A step is forward, loss and gradients of `REPLICAS` networks of the fixed job on MNIST-1D (batch 100, 40 steps): by
plain torch operators on stacked tensors, by the same through torch.compile, by the pure path of `bakeoff.train` and by
its compiled operators (these two with AdamW, and with all that a training has besides). Milliseconds of processor time
a step and network, the least of some; and the seconds that torch.compile took before the first step.
"""

import os
import resource
import sys
import time
from collections.abc import Callable
from unittest.mock import patch

os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}

import speed_bakeoff
import speed_job as job
import torch
from torch import Tensor
from torch.nn import functional as F

REPLICAS, TIMED = 4, 8
Stack = dict[str, Tensor]


def dense(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """[R, N, I] by weight [R, O, I] and bias [R, O]."""
    return torch.baddbmm(bias[:, None], x, weight.mT)


def gru(p: Stack, x: Tensor) -> Tensor:
    """Logits [R, B, 10] of series [R, B, T, 1]."""
    replicas, batch, steps, _ = x.shape
    ours = dense(x.flatten(1, 2), p["cell.weight_ih_l0"], p["cell.bias_ih_l0"]).unflatten(1, (batch, steps))
    h = x.new_zeros(replicas, batch, job.HIDDEN)
    for own in ours.unbind(2):
        r, z, n = dense(h, p["cell.weight_hh_l0"], p["cell.bias_hh_l0"]).chunk(3, 2)
        r_own, z_own, n_own = own.chunk(3, 2)
        z = torch.sigmoid(z + z_own)
        new = torch.tanh(n_own + torch.sigmoid(r + r_own) * n)
        h = new + z * (h - new)
    return dense(h, p["head.weight"], p["head.bias"])


def transformer(p: Stack, x: Tensor) -> Tensor:
    """The same of the pre-norm Transformer."""
    replicas, batch, steps, _ = x.shape

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (job.WIDTH,)) * p[f"{name}.weight"][:, None] + p[f"{name}.bias"][:, None]

    h = dense(x.flatten(1, 2), p["embed.weight"], p["embed.bias"])
    h = h + p["positions"].repeat(1, batch, 1)
    for layer in range(job.LAYERS):
        own = f"blocks.{layer}."
        qkv = dense(norm(h, own + "norm1"), p[own + "attention.qkv.weight"], p[own + "attention.qkv.bias"])
        parts = qkv.view(replicas * batch, steps, 3, job.HEADS, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*parts).transpose(1, 2).reshape(replicas, batch * steps, -1)
        h = h + dense(mixed, p[own + "attention.out.weight"], p[own + "attention.out.bias"])
        hidden = dense(norm(h, own + "norm2"), p[own + "up.weight"], p[own + "up.bias"]).relu()
        h = h + dense(hidden, p[own + "down.weight"], p[own + "down.bias"])
    mean = h.view(replicas, batch, steps, -1).mean(2)
    return dense(mean, p["head.weight"], p["head.bias"])


FORWARD = {"gru": gru, "transformer": transformer}


def least(step: Callable[[], object]) -> float:
    """Milliseconds of processor time of a step and network."""
    times = []
    for _ in range(TIMED):
        began = time.process_time()
        step()
        times.append(time.process_time() - began)
    return 1e3 * min(times) / REPLICAS


def spent() -> float:
    """Processor time of this process and of those that it started and waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def operators(family: str, data: job.Data) -> tuple[float, float, float]:
    """Milliseconds by plain operators, by the same compiled, and seconds of processor time of compiling."""
    modules = [job.network(family, data, own_block=True) for _ in range(REPLICAS)]
    stack = {
        name: torch.stack([module.state_dict()[name] for module in modules]).requires_grad_()
        for name in modules[0].state_dict()
    }
    rows = torch.arange(REPLICAS * job.BATCH) % len(data.train)
    x = torch.from_numpy(data.train)[rows].reshape(REPLICAS, job.BATCH, data.steps, data.channels)
    y = torch.from_numpy(data.train_targets)[rows]
    found = FORWARD[family](stack, x)[0]
    torch.testing.assert_close(
        found, modules[0](torch.from_numpy(data.train[: job.BATCH])), atol=1e-4, rtol=1e-3
    )

    def loss(stack: Stack, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(FORWARD[family](stack, x).flatten(0, 1), y) * REPLICAS

    def step(loss: Callable[..., Tensor]) -> object:
        return torch.autograd.grad(loss(stack, x, y), list(stack.values()))

    plain = least(lambda: step(loss))
    compiled = torch.compile(loss, dynamic=False)
    began = spent()
    step(compiled)
    return plain, least(lambda: step(compiled)), spent() - began - plain * REPLICAS * TIMED / 1e3


def training(family: str, data: job.Data, *, native: bool) -> float:
    """Milliseconds a step and network of `bakeoff.train`."""
    from bakeoff.train.kernels import native as operators_file
    from bakeoff.train.recipe import Recipe, Replica
    from bakeoff.train.stacked.run import StackedTraining

    takes = operators_file.takes if native else lambda *_: False
    with patch.object(operators_file, "takes", takes):
        replicas = [
            Replica(learning_rate=job.LEARNING_RATE, seed=seed, examples=len(data.train))
            for seed in range(REPLICAS)
        ]
        run = StackedTraining(
            lambda seed: job.network(family, data, own_block=True),
            speed_bakeoff.stacked_data(data),
            replicas,
            Recipe(steps=10**6, batch_size=job.BATCH, clip_norm=None),
        )
        run.advance(2)
        return least(lambda: run.advance(run.steps_done + 1))


def main() -> None:
    torch.set_num_threads(1)
    data = job.load("mnist1d")
    for family in sys.argv[1:] or FORWARD:
        ours, pure = training(family, data, native=True), training(family, data, native=False)
        plain, compiled, seconds = operators(family, data)
        steps = seconds * 1e3 / (plain - compiled) / REPLICAS if plain > compiled else float("inf")
        print(
            f"{family}: plain operators {plain:.1f} ms, torch.compile {compiled:.1f} ms after {seconds:.0f} s "
            f"(repaid after {steps:.0f} steps of {REPLICAS} networks), pure path {pure:.1f} ms, "
            f"compiled operators {ours:.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
