"""Explicit operators on stacks of networks: R replicas of one architecture, each with its own weights and batch.

Letters: R replicas, B batch, T time, D width, I inputs, O outputs, C channels, L length, H height, W width, K classes.
Every tensor has the replica axis first, activations and parameters alike; all are float32 (or float64, for tests).
All are differentiable (`torch.autograd.Function`s with a backward pass written by hand) unless they end in `_`.

    linear(x [R,B,...,I], weight [R,O,I], bias [R,O] | None, *, relu=False)                      -> [R,B,...,O]
    conv1d(x [R,B,C,L], weight [R,O,C,k], bias [R,O] | None, *, stride, padding, relu=False)      -> [R,B,O,L']
    conv2d(x [R,B,C,H,W], weight [R,O,C,k,k'], bias, *, stride, padding, relu=False)              -> [R,B,O,H',W']
    max_pool2d(x [R,B,C,H,W], *, size)                     (stride = size, no padding)            -> [R,B,C,H',W']
    recurrent(cell, x [R,B,T,I], layers)      (cell "rnn" | "lstm" | "gru"; from zeros)           -> [R,B,T,D]
        `layers` holds one (weight_ih [R,G*D,I], weight_hh [R,G*D,D], bias_ih [R,G*D], bias_hh [R,G*D]) a layer, in
        torch's order of gates; biases both None without bias. The states of the last layer at every step come back.
    layer_norm(x [R,B,...,D], weight [R,D], bias [R,D], *, epsilon=1e-5)                          -> [R,B,...,D]
    attention(qkv [R,B,T,3*D], *, heads, real [R,B,T] bool | None)                                -> [R,B,T,D]
    transformer_block(x [R,B,T,D], parameters, *, heads, real=None, activation="relu", epsilon=1e-5) -> [R,B,T,D]
        `parameters` is a `BlockParameters`: pre-norm, one qkv product (queries, keys, values; heads side by side).
    cross_entropy(logits [R,B,K], targets [R,B] int64, weights [R,B] | None)                      -> [R]
        sum_b weights * loss; the mean over B where None. Weight 0 leaves a row out (short batches, padding).
    adamw_(parameters [R,P], gradients [R,P], mean [R,P], square [R,P], *, learning_rate [R], steps [R] int64,
           weight_decay=0.01, betas=(0.9, 0.999), epsilon=1e-8, scale [R] | None)   one pass, in place; steps from 1;
           `weight_decay` a number or [R]; `scale` multiplies the gradients (clipping).

Memory formats: conv1d, conv2d and max_pool2d return channels-last memory under the shape above, and take either.
`native.available()` says whether the compiled path is in use (`BAKEOFF_NATIVE=0` turns it off); results of both paths
agree to rounding. `native.keep_memory()` stops the allocator's page faults in a worker process: call it once at start.
"""

from bakeoff.train.kernels.attention import attention, layer_norm
from bakeoff.train.kernels.block import BlockParameters, transformer_block
from bakeoff.train.kernels.convolution import conv1d, conv2d, max_pool2d
from bakeoff.train.kernels.dense import linear
from bakeoff.train.kernels.loss import cross_entropy
from bakeoff.train.kernels.optimiser import adamw_
from bakeoff.train.kernels.recurrent import recurrent

__all__ = [
    "BlockParameters",
    "adamw_",
    "attention",
    "conv1d",
    "conv2d",
    "cross_entropy",
    "layer_norm",
    "linear",
    "max_pool2d",
    "recurrent",
    "transformer_block",
]
