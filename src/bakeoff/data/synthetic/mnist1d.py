"""MNIST-1D: the ten digits as short curves, padded, scaled, shifted, sheared and with noise added.

Greydanus & Kobak, *Scaling down deep learning with MNIST-1D*, 2024 (arXiv 2011.14439). The curves and the numbers
below are the published ones; with them this generator gives the same 5000 examples as the authors' package
(`mnist1d` 0.0.2.post1, seed 42), which a test holds against it. It is written out here because importing that
package loads a plotting library, which takes longer than making the data.
"""

import numpy as np
from numpy.typing import NDArray

#: One curve a digit, before it is centred and scaled.
TEMPLATES = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
#: All examples, and those for training.
EXAMPLES, TRAIN_EXAMPLES = 5000, 4000
#: Steps of a series.
LENGTH = 40
#: Of the random numbers.
SEED = 42
#: Zeros appended to a curve.
FEWEST_ZEROS, MOST_ZEROS = 36, 60
#: Steps to which curve and zeros are then stretched.
WIDE = 72
#: Range of the random factor around 1.
SCALE = 0.4
#: The largest shift, in steps, is less than this.
FURTHEST_MOVE = 48
#: Range of the random slope.
SHEAR = 0.75
#: Deviation of the correlated noise, and of the Gaussian filter (in steps) that makes it.
SMOOTH_NOISE, SMOOTHING = 0.25, 2
#: Deviation of the white noise.
WHITE_NOISE = 0.02


def generate() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Inputs [5000, 40], centred and scaled over all of them, and digits [5000]; the first 4000 are for training."""
    rng = np.random.RandomState(SEED)  # the published stream of random numbers
    curves = np.asarray(TEMPLATES)
    curves = (curves - curves.mean(axis=1, keepdims=True)) / curves.std(axis=1, keepdims=True)
    curves = (curves - curves[:, :1]) / 6
    digits = np.repeat(np.arange(len(curves)), EXAMPLES // len(curves))
    series = np.stack([_distort(curves[digit], rng) for digit in digits])
    order = rng.permutation(EXAMPLES)
    return (series[order] - series.mean()) / series.std(), digits[order]


def _distort(curve: NDArray[np.float64], rng: np.random.RandomState) -> NDArray[np.float64]:
    """One example of a digit's curve [12]: [40]."""
    from scipy.ndimage import gaussian_filter1d

    zeros = FEWEST_ZEROS + int(rng.rand() * (MOST_ZEROS - FEWEST_ZEROS + 1))
    wide = _stretch(np.concatenate([curve + 1e-8, np.zeros(zeros)]), WIDE)
    wide = wide * (1 + SCALE * (rng.rand() - 0.5))
    wide = np.roll(wide, rng.choice(FURTHEST_MOVE))
    noise = gaussian_filter1d(SMOOTH_NOISE * rng.randn(WIDE), SMOOTHING)
    wide = np.where(wide != 0, wide, noise) + WHITE_NOISE * rng.randn(WIDE)
    wide = wide - SHEAR * (rng.rand() - 0.5) * np.linspace(-0.5, 0.5, WIDE)
    return _stretch(wide, LENGTH)


def _stretch(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Linear interpolation to another length."""
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(values)), values)
