"""Arithmetic of complex numbers in the unit of all other counts: operations on real ones.

(a + bi)(c + di) = (ac - bd) + (ad + bc)i: four real products, so that one complex multiply-add is 4 MACs or 8 FLOPs.
PyTorch itself runs a complex convolution as three real ones, and dispatches those: they are counted as they run.
"""

#: Real multiply-adds of one complex one: each part of the one number times each part of the other.
REAL_MACS = 4
#: Real operations of one complex one: a product is 4 products and 2 sums, a quotient a product with the conjugate (6),
#: the denominator's square (3) and 2 quotients, an absolute value 2 squares, their sum and a root.
_REAL_FLOPS = {"mul": 6, "div": 11, "reciprocal": 11, "abs": 4, "square": 6}
#: A sum adds both parts; other functions have no fixed count and are taken as one operation on each part.
_OTHER_REAL_FLOPS = 2


def in_real_numbers(name: str, macs: int, flops: int) -> tuple[int, int]:
    """`(macs, other FLOPs)` in real operations, of an operation on complex numbers.

    Args:
        name: such as "aten.mul".
        macs, flops: with one operation an element, as the rules count; Fourier transforms are in real ones already.

    >>> in_real_numbers("aten.mm", 6, 0)
    (24, 0)
    """
    if name.startswith("aten._fft"):
        return macs, flops
    short = name.partition(".")[2].rstrip("_")
    return REAL_MACS * macs, _REAL_FLOPS.get(short, _OTHER_REAL_FLOPS) * flops
