"""Rules for factorisations and solvers: the textbook's FLOPs, highest powers only.

LAPACK, oneMKL and cuSOLVER work in blocks and differ in the lower powers; iterations that end by a tolerance (singular
and eigenvalues) are counted as the textbook expects them. None of it is a single sum of products, so all of it counts
as other FLOPs and none as MACs, but for the products of a matrix exponential and of a pseudoinverse. While operations
are counted, PyTorch asks for singular and eigenvectors even where only the values are wanted (`svdvals`, `eigvalsh`),
as it does where a gradient is; the count is of what it asks for.

Letters: m rows and n columns of one matrix of a batch, k right-hand sides, p = max(m, n), q = min(m, n).

Sources: [GVL] Golub and Van Loan, Matrix Computations, 4th edition, 2013. [LAWN 41] Blackford and Dongarra, LAPACK
Working Note 41, appendix C, which agrees and adds the routines that the book does not count. [BBC] Bader, Blanes and
Casas, Computing the Matrix Exponential with an Optimized Taylor Polynomial Approximation, Mathematics 7(12), 2019.
"""

from collections.abc import Callable
from math import prod
from typing import Any

from torch import Tensor

from bakeoff.cost.rules.matmul import rule

#: Products of two n x n matrices in the Taylor polynomial of degree 18, the longest that PyTorch takes [BBC]. How often
#: the result is squared after it depends on the values, and is not counted.
EXPONENTIAL_PRODUCTS = 5

Arguments = tuple[Any, ...]


def lu_flops(m: int, n: int) -> float:
    """LU with partial pivoting: q^2 (p - q/3); 2 n^3 / 3 for a square matrix [GVL 3.2, 3.4]."""
    p, q = max(m, n), min(m, n)
    return q * q * (p - q / 3)


def cholesky_flops(n: int) -> float:
    """n^3 / 3, and the same for L D L^T [GVL 4.1, 4.2]."""
    return n**3 / 3


def householder_flops(m: int, n: int) -> float:
    """R and the reflectors of a QR factorisation: 2 q^2 (p - q/3) [GVL 5.2.2]."""
    p, q = max(m, n), min(m, n)
    return 2 * q * q * (p - q / 3)


def reflectors_flops(m: int, columns: int, reflectors: int) -> float:
    """So many columns of Q made of its reflectors: 4 m c r - 2 (m + c) r^2 + 4 r^3 / 3 [GVL 5.1.6, LAWN 41 orgqr]."""
    r = reflectors
    return 4 * m * columns * r - 2 * (m + columns) * r * r + 4 * r**3 / 3


def qr_flops(m: int, n: int, mode: str) -> float:
    """R alone ("r"), Q with q columns ("reduced") or with m ("complete")."""
    q = min(m, n)
    columns = {"r": 0, "reduced": q, "complete": m}[mode]
    return householder_flops(m, n) + (reflectors_flops(m, columns, q) if columns else 0)


def singular_value_flops(m: int, n: int, vectors: bool, full: bool) -> float:
    """The cheaper of Golub and Reinsch's method and of the one that begins with QR [GVL 8.6, the table of its cost].

    Singular values: 4 p q^2 - 4 q^3 / 3 or 2 p q^2 + 2 q^3; with q vectors on each side: 14 p q^2 + 8 q^3 or
    6 p q^2 + 20 q^3; with all p: 4 p^2 q + 8 p q^2 + 9 q^3 or 4 p^2 q + 22 q^3.
    """
    p, q = max(m, n), min(m, n)
    if not vectors:
        return min(4 * p * q**2 - 4 * q**3 / 3, 2 * p * q**2 + 2 * q**3)
    if full:
        return 4 * p**2 * q + min(8 * p * q**2 + 9 * q**3, 22 * q**3)
    return min(14 * p * q**2 + 8 * q**3, 6 * p * q**2 + 20 * q**3)


def symmetric_eigenvalue_flops(n: int, vectors: bool) -> float:
    """4 n^3 / 3, and with vectors 9 n^3 [GVL 8.3]."""
    return 9 * n**3 if vectors else 4 * n**3 / 3


def eigenvalue_flops(n: int, vectors: bool) -> float:
    """10 n^3, and with the Schur vectors 25 n^3 [GVL 7.5]; eigenvectors from these are left out."""
    return (25 if vectors else 10) * n**3


def least_squares_flops(m: int, n: int, k: int) -> float:
    """QR, then for each right-hand side Q^T b, 4 p q - 2 q^2, and a triangular system, q^2 [GVL 5.3, LAWN 41]."""
    p, q = max(m, n), min(m, n)
    return householder_flops(m, n) + k * (4 * p * q - q * q)


# --- the operations -----------------------------------------------------------------------------------------------


def _batch(matrix: Tensor) -> int:
    return prod(matrix.shape[:-2])


def _argument(args: Arguments, kwargs: dict[str, Any], place: int, name: str, default: Any) -> Any:
    return args[place] if len(args) > place else kwargs.get(name, default)


def _factorisation(*names: str) -> Callable[[Callable[[int, int], float]], None]:
    """Register what one m x n matrix of the first argument takes."""

    def register(flops: Callable[[int, int], float]) -> None:
        @rule(*names)
        def count(args: Arguments, kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
            return 0, round(_batch(args[0]) * flops(*args[0].shape[-2:]))

    return register


_factorisation("linalg_lu", "linalg_lu_factor", "linalg_lu_factor_ex", "_lu_with_info")(lu_flops)
_factorisation("_linalg_det", "_linalg_slogdet", "linalg_det", "linalg_slogdet")(
    lambda m, n: lu_flops(n, n) + n
)
_factorisation("linalg_inv_ex", "linalg_inv", "inverse")(
    lambda m, n: 2 * n**3
)  # LU, then n systems [GVL 3.4]
_factorisation(
    "linalg_cholesky", "linalg_cholesky_ex", "cholesky", "linalg_ldl_factor", "linalg_ldl_factor_ex"
)(lambda m, n: cholesky_flops(n))
_factorisation("cholesky_inverse")(lambda m, n: 2 * n**3 / 3)  # LAWN 41, potri
_factorisation("geqrf")(householder_flops)
_factorisation("linalg_eig")(lambda m, n: eigenvalue_flops(n, True))
_factorisation("linalg_eigvals", "_linalg_eigvals")(lambda m, n: eigenvalue_flops(n, False))
_factorisation("linalg_eigvalsh")(lambda m, n: symmetric_eigenvalue_flops(n, False))
_factorisation("linalg_svdvals")(lambda m, n: singular_value_flops(m, n, False, False))


@rule("_linalg_solve_ex")
def _solve(args: Arguments, kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    # LU, then two triangular systems for each right-hand side [GVL 3.4].
    n = args[0].shape[-1]
    return 0, round(_batch(args[0]) * lu_flops(n, n)) + 2 * n * result[0].numel()


@rule("linalg_lu_solve", "lu_solve", "cholesky_solve", "_cholesky_solve_helper", "linalg_ldl_solve")
def _solve_by_factors(args: Arguments, kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    # Two triangular systems for each right-hand side.
    return 0, 2 * result.shape[-2] * result.numel()


@rule("linalg_solve_triangular", "triangular_solve")
def _solve_triangular(args: Arguments, kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    # n^2 for each right-hand side [GVL 3.1].
    solution = result[0] if isinstance(result, tuple) else result
    left = kwargs.get("left", True)
    return 0, solution.shape[-2 if left else -1] * solution.numel()


@rule("linalg_qr")
def _qr(args: Arguments, kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    mode = _argument(args, kwargs, 1, "mode", "reduced")
    m, n = args[0].shape[-2:]
    return 0, round(_batch(args[0]) * qr_flops(m, n, mode))


@rule("linalg_householder_product", "orgqr")
def _householder_product(args: Arguments, kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    m, columns = result.shape[-2:]
    return 0, round(_batch(result) * reflectors_flops(m, columns, args[1].shape[-1]))


@rule("ormqr")
def _multiply_by_reflectors(args: Arguments, kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    # 4 m n r - 2 n r^2 for Q C, with rows and columns exchanged for C Q [LAWN 41].
    left, reflectors = _argument(args, kwargs, 3, "left", True), args[1].shape[-1]
    long, wide = result.shape[-2:] if left else result.shape[-2:][::-1]
    return 0, _batch(result) * (4 * long * wide * reflectors - 2 * wide * reflectors**2)


@rule("_linalg_svd", "linalg_svd")
def _singular_values(args: Arguments, kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    full = _argument(args, kwargs, 1, "full_matrices", False)
    vectors = _argument(args, kwargs, 2, "compute_uv", True)
    m, n = args[0].shape[-2:]
    return 0, round(_batch(args[0]) * singular_value_flops(m, n, vectors, full))


@rule("_linalg_eigh", "linalg_eigh")
def _symmetric_eigenvalues(args: Arguments, kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    vectors = _argument(args, kwargs, 2, "compute_v", True)
    return 0, round(_batch(args[0]) * symmetric_eigenvalue_flops(args[0].shape[-1], vectors))


@rule("linalg_lstsq")
def _least_squares(args: Arguments, kwargs: dict[str, Any], result: Any) -> tuple[int, int]:
    matrix, sides = args[0], args[1]
    m, n = matrix.shape[-2:]
    return 0, round(_batch(matrix) * least_squares_flops(m, n, sides.shape[-1] if sides.dim() > 1 else 1))


@rule("linalg_matrix_exp", "matrix_exp")
def _exponential(args: Arguments, kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    return EXPONENTIAL_PRODUCTS * result.numel() * result.shape[-1], 0


@rule("linalg_pinv")
def _pseudoinverse(args: Arguments, kwargs: dict[str, Any], result: Tensor) -> tuple[int, int]:
    # V times the inverse singular values, times U^T; where it is symmetric, by its eigenvalues.
    m, n = args[0].shape[-2:]
    batch, q = _batch(args[0]), min(m, n)
    hermitian = _argument(args, kwargs, 3, "hermitian", False)
    factors = symmetric_eigenvalue_flops(n, True) if hermitian else singular_value_flops(m, n, True, False)
    return batch * m * n * q, round(batch * (factors + n * q))
