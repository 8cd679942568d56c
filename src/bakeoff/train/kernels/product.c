/* C (+)= A B for the sizes of small networks: no threads, no cache hierarchy beyond L2, epilogue fused.
 *
 * A is read element by element (broadcast) through offsets of rows and steps, so that its transpose, a convolution's
 * windows and a slice all are the same product. B is read by vectors along its rows: either as it lies, where its width
 * is a whole number of vectors, or copied into panels of two vectors, filled up with zeros.
 */
#define Left N(Left)
#define Right N(Right)
#define Out N(Out)

typedef struct { /* element (m, k) is base[(rows ? rows[m] : m * row) + (steps ? steps[k] : k * step)] */
    const REAL *base;
    long row, step;
    const int32_t *rows, *steps;
} Left;

typedef struct { /* row k of the vectors that begin at column n is data[n * along + k * (row or, packed, its width)] */
    const REAL *data;
    long row; /* 0: packed */
} Right;

typedef struct { /* c[m * row + n * column] = relu(product + bias[n] + add[m * add_row + n]) */
    REAL *c;
    long row, column;
    const REAL *bias, *add;
    long add_row;
    int accumulate, relu;
} Out;

/* Copy B (element (k, n) at b[k * row + n * column]) into panels. */
static Right N(pack)(const REAL *b, long row, long column, long K, long width)
{
    if (column == 1 && width % VL == 0) return (Right){b, row};
    long padded = (width + VL - 1) / VL * VL;
    REAL *data = TAKE(padded * K), *to = data;
    for (long n = 0; n < width;) {
        long panel = n + VL >= width ? VL : 2 * VL, real = least(panel, width - n);
        if (real < panel) memset(to, 0, (size_t)(panel * K) * sizeof(REAL));
        if (column == 1)
            for (long k = 0; k < K; k++)
                for (long j = 0; j < real; j++) to[k * panel + j] = b[k * row + n + j];
        else
            for (long k = 0; k < K; k++) {
                const REAL *restrict from = b + k * row + n * column;
                REAL *restrict line = to + k * panel;
                for (int32_t j = 0; j < (int32_t)real; j++) line[j] = from[j * (int32_t)column];
            }
        to += panel * K;
        n += panel;
    }
    return (Right){data, 0};
}

/* `tall` rows by `wide` vectors, summed over K in registers. */
INLINE void N(tile)(const int tall, const int wide, const int table, const REAL *const *rows, const int32_t *steps,
                    long step, const REAL *panel, long panel_row, long K, vec *sums)
{
    vec s[TALL][2];
    for (int i = 0; i < tall; i++)
        for (int j = 0; j < wide; j++) s[i][j] = (vec){0};
    long at = 0;
    for (long k = 0; k < K; k++) {
        vec b[2];
        for (int j = 0; j < wide; j++) b[j] = *(const vec *)(panel + j * VL);
        if (table) at = steps[k];
#pragma GCC unroll 12
        for (int i = 0; i < tall; i++) {
            vec a = rows[i][at] - (vec){0};
            for (int j = 0; j < wide; j++) s[i][j] += a * b[j];
        }
        panel += panel_row;
        if (!table) at += step;
    }
    for (int i = 0; i < tall; i++)
        for (int j = 0; j < wide; j++) sums[i * wide + j] = s[i][j];
}

#define TILE(tall, wide, table)                                                                                        \
    static __attribute__((noinline)) void PASTE(N(tile), _##tall##_##wide##_##table)(                                  \
        const REAL *const *rows, const int32_t *steps, long step, const REAL *panel, long panel_row, long K, vec *sums) \
    {                                                                                                                  \
        N(tile)(tall, wide, table, rows, steps, step, panel, panel_row, K, sums);                                      \
    }
#define TILES(tall) TILE(tall, 1, 0) TILE(tall, 1, 1) TILE(tall, 2, 0) TILE(tall, 2, 1)
TILES(2)
TILES(4)
TILES(6)
TILES(8)
#if TALL == 12
TILES(12)
#endif

static void N(any_tile)(long tall, int wide, const REAL *const *rows, const int32_t *steps, long step,
                        const REAL *panel, long panel_row, long K, vec *sums)
{
#define CALL(t, w, b) PASTE(N(tile), _##t##_##w##_##b)(rows, steps, step, panel, panel_row, K, sums)
#define CHOOSE(t) (wide == 2 ? (steps ? CALL(t, 2, 1) : CALL(t, 2, 0)) : (steps ? CALL(t, 1, 1) : CALL(t, 1, 0)))
    if (tall <= 2) CHOOSE(2);
    else if (tall <= 4) CHOOSE(4);
    else if (tall <= 6) CHOOSE(6);
#if TALL >= 8
    else if (tall <= 8) CHOOSE(8);
#endif
#if TALL == 12
    else CHOOSE(12);
#endif
#undef CALL
#undef CHOOSE
}

/* Write one tile: rows m .. m + tall, columns n .. n + width. */
INLINE void N(store)(const vec *sums, int wide, long m, long tall, long n, long width, Out out)
{
    for (long i = 0; i < tall; i++) {
        const REAL *sum = (const REAL *)(sums + i * wide);
        REAL *c = out.c + (m + i) * out.row + n * out.column;
        const REAL *add = out.add ? out.add + (m + i) * out.add_row + n : 0;
        if (out.column == 1 && width == wide * VL) {
            for (int j = 0; j < wide; j++) {
                vec v = sums[i * wide + j];
                if (out.bias) v += *(const vec *)(out.bias + n + j * VL);
                if (add) v += *(const vec *)(add + j * VL);
                if (out.accumulate) v += *(const vec *)(c + j * VL);
                if (out.relu) v = (vec)((bits)v & ~(bits)(v < 0)); /* NaN stays */
                *(vec *)(c + j * VL) = v;
            }
            continue;
        }
        if (out.column == 1) /* whole vectors with a mask over the last one's tail */
            for (int v = 0; v * VL < width; v++) {
                long first = v * VL, rest = width - first;
                for (long l = 0; l < VL; l++)
                    if (l < rest) {
                        REAL value = sum[first + l];
                        if (out.bias) value += out.bias[n + first + l];
                        if (add) value += add[first + l];
                        if (out.accumulate) value += c[first + l];
                        c[first + l] = out.relu && value < 0 ? 0 : value;
                    }
            }
        else
            for (long j = 0; j < width; j++) {
                REAL value = sum[j];
                if (out.bias) value += out.bias[n + j];
                if (add) value += add[j];
                if (out.accumulate) value += c[j * out.column];
                c[j * out.column] = out.relu && value < 0 ? 0 : value;
            }
    }
}

#define K_BLOCK 384

/* C [M, width] (+)= A [M, K] B [K, width]. */
static void N(product)(long M, long width, long K, Left a, Right b, Out out)
{
    vec sums[TALL * 2];
    const REAL *rows[TALL];
    for (long k = 0; k < K || k == 0; k += K_BLOCK) {
        long depth = least(K_BLOCK, K - k);
        Out to = out;
        if (k) to.accumulate = 1, to.bias = to.add = 0;
        if (k + depth < K) to.relu = 0;
        for (long n = 0; n < width;) {
            int wide = n + VL >= width ? 1 : 2;
            const REAL *panel = b.data + (b.row ? n + k * b.row : n * K + k * wide * VL);
            for (long m = 0; m < M; m += TALL) {
                long tall = least(TALL, M - m);
                for (long i = 0; i < TALL; i++) {
                    long row = m + least(i, tall - 1);
                    rows[i] = a.base + (a.rows ? a.rows[row] : row * a.row) + (a.steps ? 0 : k * a.step);
                }
                N(any_tile)(tall, wide, rows, a.steps ? a.steps + k : 0, a.step, panel, b.row ? b.row : wide * VL, depth, sums);
                N(store)(sums, wide, m, tall, n, least(wide * VL, width - n), to);
            }
            n += wide * VL;
        }
    }
}

/* For tests and timings: C [M, N] = A [M, K] B [K, N], or A^T, or B^T. */
void N(product_plain)(long M, long width, long K, const REAL *a, int a_turned, const REAL *b, int b_turned, REAL *c)
{
    Mark mark = scratch_mark();
    Right right = b_turned ? N(pack)(b, 1, K, K, width) : N(pack)(b, width, 1, K, width);
    N(product)(M, width, K, (Left){a, a_turned ? 1 : K, a_turned ? M : 1, 0, 0}, right, (Out){c, width, 1, 0, 0, 0, 0, 0});
    scratch_release(mark);
}
