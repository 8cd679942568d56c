"""Factorisations and solvers: the rules against textbook algorithms whose every operation is counted as it happens."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bakeoff.cost import OperationCounter, cost_of
from bakeoff.cost.rules import linear_algebra as rules


class Counted:
    """A number that counts the arithmetic done with it."""

    operations = 0

    def __init__(self, value: Any) -> None:
        self.value = value

    def _with(self, other: "Counted", value: Any) -> "Counted":
        Counted.operations += 1
        return Counted(value)

    def __add__(self, other: "Counted") -> "Counted":
        return self._with(other, self.value + other.value)

    def __sub__(self, other: "Counted") -> "Counted":
        return self._with(other, self.value - other.value)

    def __mul__(self, other: "Counted") -> "Counted":
        return self._with(other, self.value * other.value)

    def __truediv__(self, other: "Counted") -> "Counted":
        return self._with(other, self.value / other.value)


Matrix = list[list[Counted]]


def _matrix(rows: int, columns: int) -> Matrix:
    generator = torch.Generator().manual_seed(rows)
    values = torch.randn(rows, columns, generator=generator, dtype=torch.float64) + 5 * torch.eye(
        rows, columns
    )
    return [[Counted(value) for value in row] for row in values.tolist()]


def _dot(left: list[Counted], right: list[Counted]) -> Counted:
    total = left[0] * right[0]
    for a, b in zip(left[1:], right[1:], strict=True):
        total = total + a * b
    return total


def _eliminate(a: Matrix) -> None:
    """Gauss, in place: L below the diagonal, U on and above it [GVL, algorithm 3.2.1]."""
    n = len(a)
    for k in range(n):
        for i in range(k + 1, n):
            a[i][k] = a[i][k] / a[k][k]
            for j in range(k + 1, n):
                a[i][j] = a[i][j] - a[i][k] * a[k][j]


def _substitute(a: Matrix, b: list[Counted]) -> None:
    """An upper triangular system, in place [GVL, algorithm 3.1.2]."""
    for i in reversed(range(len(a))):
        for j in range(i + 1, len(a)):
            b[i] = b[i] - a[i][j] * b[j]
        b[i] = b[i] / a[i][i]


def _invert(a: Matrix) -> None:
    """Gauss, then a forward substitution that starts at the 1 of each unit vector, and one backward."""
    n = len(a)
    _eliminate(a)
    for unit in range(n):
        b = [Counted(float(i == unit)) for i in range(n)]
        for i in range(unit + 1, n):
            for j in range(unit, i):
                b[i] = b[i] - a[i][j] * b[j]
        _substitute(a, b)


def _cholesky(a: Matrix) -> None:
    """[GVL, algorithm 4.2.1], the square roots of the diagonal aside, on the lower half."""
    n = len(a)
    for k in range(n):
        for i in range(k + 1, n):
            a[i][k] = a[i][k] / a[k][k]
        for j in range(k + 1, n):
            for i in range(j, n):
                a[i][j] = a[i][j] - a[i][k] * a[j][k]


def _reflect_rows(a: Matrix, v: list[Counted], top: int, columns: range) -> None:
    """A reflector I - v v^T from the left: 4 operations for each value."""
    for j in columns:
        factor = _dot(v, [a[top + i][j] for i in range(len(v))])
        for i, value in enumerate(v):
            a[top + i][j] = a[top + i][j] - factor * value


def _reflect_columns(a: Matrix, v: list[Counted], left: int, rows: range) -> None:
    for i in rows:
        factor = _dot(v, a[i][left : left + len(v)])
        for j, value in enumerate(v):
            a[i][left + j] = a[i][left + j] - factor * value


def _triangularise(a: Matrix) -> None:
    """Householder's QR without Q [GVL, algorithm 5.2.1]; which numbers the reflectors hold does not matter here."""
    for k in range(len(a[0])):
        _reflect_rows(a, [row[k] for row in a[k:]], k, range(k, len(a[0])))


def _accumulate(q: Matrix) -> None:
    """The product of n reflectors, from the last to the first [GVL 5.1.6], for as many columns as `q` has."""
    for k in reversed(range(min(len(q), len(q[0])))):
        _reflect_rows(q, [row[k] for row in q[k:]], k, range(k, len(q[0])))


def _bidiagonalise(a: Matrix) -> None:
    """[GVL, algorithm 5.4.2], without the vectors."""
    n = len(a[0])
    for k in range(n):
        _reflect_rows(a, [row[k] for row in a[k:]], k, range(k, n))
        if k + 2 < n:
            _reflect_columns(a, a[k][k + 1 :], k + 1, range(k, len(a)))


def _tridiagonalise(a: Matrix) -> None:
    """[GVL, algorithm 8.3.1]: A v, then the lower half of A - v w^T - w v^T."""
    n = len(a)
    for k in range(n - 2):
        v = [row[k] for row in a[k + 1 :]]
        w = [_dot(v, row[k + 1 :]) for row in a[k + 1 :]]
        for i in range(len(v)):
            for j in range(i + 1):
                a[k + 1 + i][k + 1 + j] = a[k + 1 + i][k + 1 + j] - v[i] * w[j] - w[i] * v[j]


def _leading_coefficient(run: Callable[[int], None]) -> Fraction:
    """The coefficient of n^3 in the operations that `run(n)` takes: the third difference over 6."""
    counts = []
    for n in range(5, 9):
        Counted.operations = 0
        run(n)
        counts.append(Counted.operations)
    return Fraction(counts[3] - 3 * counts[2] + 3 * counts[1] - counts[0], 6)


ALGORITHMS: dict[str, tuple[Callable[[int], None], Callable[[int], float]]] = {
    "lu": (lambda n: _eliminate(_matrix(n, n)), lambda n: rules.lu_flops(n, n)),
    "inverse": (lambda n: _invert(_matrix(n, n)), lambda n: 2 * n**3),
    "cholesky": (lambda n: _cholesky(_matrix(n, n)), rules.cholesky_flops),
    "qr": (lambda n: _triangularise(_matrix(n, n)), lambda n: rules.householder_flops(n, n)),
    "qr, tall": (lambda n: _triangularise(_matrix(3 * n, n)), lambda n: rules.householder_flops(3 * n, n)),
    "q, square": (lambda n: _accumulate(_matrix(n, n)), lambda n: rules.reflectors_flops(n, n, n)),
    "q, reduced": (lambda n: _accumulate(_matrix(3 * n, n)), lambda n: rules.reflectors_flops(3 * n, n, n)),
    "singular values": (
        lambda n: _bidiagonalise(_matrix(n, n)),
        lambda n: rules.singular_value_flops(n, n, False, False),
    ),
    "eigenvalues": (
        lambda n: _tridiagonalise(_matrix(n, n)),
        lambda n: rules.symmetric_eigenvalue_flops(n, False),
    ),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_rule_has_the_leading_term_of_the_textbooks_algorithm(name: str) -> None:
    run, flops = ALGORITHMS[name]
    assert flops(1000) / 1000**3 == pytest.approx(float(_leading_coefficient(run)), rel=1e-6)


def test_a_triangular_system_takes_the_square_of_its_size() -> None:
    counts = []
    for n in (4, 5, 6):
        Counted.operations = 0
        _substitute(_matrix(n, n), [row[0] for row in _matrix(n, 1)])
        counts.append(Counted.operations)
    assert (counts[2] - 2 * counts[1] + counts[0]) / 2 == 1


def test_the_counted_elimination_really_factorises() -> None:
    a = _matrix(5, 5)
    original = torch.tensor([[number.value for number in row] for row in a], dtype=torch.float64)
    _eliminate(a)
    factors = torch.tensor([[number.value for number in row] for row in a], dtype=torch.float64)
    lower = factors.tril(-1) + torch.eye(5, dtype=torch.float64)
    torch.testing.assert_close(lower @ factors.triu(), original)


S = torch.eye(6).expand(2, 6, 6).contiguous()
TALL, SIDES = torch.randn(2, 9, 6, generator=torch.Generator().manual_seed(0)), torch.ones(2, 6, 4)
#: Two matrices of 6 x 6 (216 = 6^3) or 9 x 6, four right-hand sides; macs and flops by hand.
CALLS: dict[str, tuple[Callable[[], Any], int, int]] = {
    "solve": (lambda: torch.linalg.solve(S, SIDES), 0, 2 * (2 * 216 // 3 + 4 * 2 * 36)),
    "inv": (lambda: torch.linalg.inv(S), 0, 2 * 2 * 216),
    "det": (lambda: torch.linalg.det(S), 0, 2 * (2 * 216 // 3 + 6)),
    "lu": (lambda: torch.linalg.lu(S), 0, 2 * (2 * 216 // 3)),
    "lu of a tall matrix": (lambda: torch.linalg.lu(TALL), 0, 2 * (36 * 9 - 36 * 2)),
    "cholesky": (lambda: torch.linalg.cholesky(S), 0, 2 * (216 // 3)),
    "cholesky_solve": (lambda: torch.cholesky_solve(SIDES, S), 0, 2 * 4 * 2 * 36),
    "solve_triangular": (lambda: torch.linalg.solve_triangular(S, SIDES, upper=True), 0, 2 * 4 * 36),
    "solve_triangular, right": (
        lambda: torch.linalg.solve_triangular(S, SIDES.mT, upper=True, left=False), 0, 2 * 4 * 36),
    "triangular_solve": (lambda: torch.triangular_solve(SIDES, S), 0, 2 * 4 * 36),
    "qr, r": (lambda: torch.linalg.qr(TALL, mode="r"), 0, 2 * (2 * 36 * 7)),
    "qr, reduced": (lambda: torch.linalg.qr(TALL), 0, 2 * (2 * 36 * 7 + 2 * 36 * 7)),
    "qr, complete": (
        lambda: torch.linalg.qr(TALL, mode="complete"), 0, 2 * (504 + 4 * (81 * 6 - 9 * 36 + 216 // 3))),
    "svd": (lambda: torch.linalg.svd(S, full_matrices=False), 0, 2 * 22 * 216),
    "svd without vectors": (lambda: torch.ops.aten._linalg_svd(S, False, False), 0, 2 * (8 * 216 // 3)),
    "svd of a tall matrix": (
        lambda: torch.linalg.svd(TALL, full_matrices=False), 0, 2 * min(14 * 324 + 8 * 216, 6 * 324 + 20 * 216)),
    "eigh": (lambda: torch.linalg.eigh(S), 0, 2 * 9 * 216),
    "eigh without vectors": (lambda: torch.ops.aten._linalg_eigh(S, "L", False), 0, 2 * (4 * 216 // 3)),
    "eig": (lambda: torch.linalg.eig(S), 0, 2 * 25 * 216),
    "eigvals": (lambda: torch.ops.aten._linalg_eigvals(S), 0, 2 * 10 * 216),
    "lstsq": (lambda: torch.linalg.lstsq(TALL, torch.ones(2, 9, 4)), 0,
              2 * (2 * 36 * 7 + 4 * (4 * 9 * 6 - 2 * 36 + 36))),
    "matrix_exp": (lambda: torch.linalg.matrix_exp(S), 2 * 5 * 216, 0),
    "fft": (lambda: torch.fft.fft(torch.zeros(3, 64, dtype=torch.complex64)), 0, 3 * 5 * 64 * 6),
    "rfft": (lambda: torch.fft.rfft(torch.zeros(3, 64)), 0, 3 * 5 * 64 * 6 // 2),
    "cross": (lambda: torch.linalg.cross(torch.ones(5, 3), torch.ones(5, 3)), 0, 5 * (6 + 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore:torch.triangular_solve is deprecated")
def test_an_operation_of_linear_algebra_counts_by_hand(name: str) -> None:
    call, macs, other = CALLS[name]
    with OperationCounter() as counter:
        call()
    assert counter.counts.unknown == {}
    assert (counter.counts.macs, counter.counts.flops) == (macs, 2 * macs + other)


class Whitening(nn.Module):
    """A layer as people write it: the inverse root of its batch's covariance."""

    def forward(self, x: Tensor) -> Tensor:
        covariance = x.mT @ x / x.shape[0] + torch.eye(x.shape[1], device=x.device)
        return torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), x.mT, upper=False).mT


def test_a_layer_with_a_factorisation_is_counted_forward_and_backward_without_a_warning() -> None:
    network = nn.Sequential(nn.Linear(8, 6), Whitening())
    cost = cost_of(network, (32, 8))
    (layer,) = (layer for layer in cost.layers if layer.type == "Whitening")
    # x^T x; its division and the identity; Cholesky; 32 triangular systems.
    assert layer.macs == 32 * 6 * 6
    assert layer.flops == 2 * layer.macs + 36 + 36 + 216 // 3 + 32 * 36
    assert cost.unknown_operations == ()
    assert cost.training_flops > 2 * cost.flops


def test_what_has_no_rule_is_still_named() -> None:
    with OperationCounter() as counter:
        torch.histogramdd(torch.ones(5, 2), bins=[2, 2])
    assert any("histogramdd" in name for name in counter.counts.unknown)
