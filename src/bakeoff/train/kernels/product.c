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

/* Numbers that B takes as panels. */
static long N(packed_size)(long K, long width) { return (width + VL - 1) / VL * VL * K; }

/* B (element (k, n) at b[k * row + n * column]) as it lies where that will do, or copied into panels in `data`. */
static Right N(pack_into)(REAL *data, const REAL *b, long row, long column, long K, long width)
{
    if (column == 1 && width % VL == 0) return (Right){b, row};
    REAL *to = data;
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

/* The same in scratch memory. */
static Right N(pack)(const REAL *b, long row, long column, long K, long width)
{
    if (column == 1 && width % VL == 0) return (Right){b, row};
    return N(pack_into)(TAKE(N(packed_size)(K, width)), b, row, column, K, width);
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

/* Write whole vectors of one tile; c, bias and add stand at its first element. */
INLINE void N(store_whole)(const int wide, const vec *sums, long tall, const Out *out)
{
    const long row = out->row, add_row = out->add ? out->add_row : 0;
    const int accumulate = out->accumulate, relu = out->relu;
    REAL *c = out->c;
    const REAL *add = out->add;
    vec bias[2] = {{0}, {0}};
    for (int j = 0; j < wide && out->bias; j++) bias[j] = *(const vec *)(out->bias + j * VL);
    for (long i = 0; i < tall; i++, c += row, add += add_row, sums += wide) {
        vec v[2];
        for (int j = 0; j < wide; j++) v[j] = sums[j] + bias[j];
        if (add)
            for (int j = 0; j < wide; j++) v[j] += *(const vec *)(add + j * VL);
        if (accumulate)
            for (int j = 0; j < wide; j++) v[j] += *(const vec *)(c + j * VL);
        if (relu)
            for (int j = 0; j < wide; j++) v[j] = (vec)((bits)v[j] & ~(bits)(v[j] < 0)); /* NaN stays */
        for (int j = 0; j < wide; j++) *(vec *)(c + j * VL) = v[j];
    }
}

static __attribute__((noinline)) void N(store_one)(const vec *sums, long tall, const Out *out) { N(store_whole)(1, sums, tall, out); }
static __attribute__((noinline)) void N(store_two)(const vec *sums, long tall, const Out *out) { N(store_whole)(2, sums, tall, out); }

/* The first `count` lanes, as loops that become masked vectors. */
INLINE vec N(load_part)(const REAL *from, long count)
{
    REAL lanes[VL] __attribute__((aligned(VECTOR_BYTES)));
    for (long l = 0; l < VL; l++) lanes[l] = l < count ? from[l] : 0;
    return *(const vec *)lanes;
}
INLINE void N(write_part)(vec value, REAL *to, long count)
{
    REAL lanes[VL] __attribute__((aligned(VECTOR_BYTES)));
    *(vec *)lanes = value;
    for (long l = 0; l < VL; l++)
        if (l < count) to[l] = lanes[l];
}

/* Write a tile whose last vector is not whole, or whose columns do not lie side by side. */
static __attribute__((noinline)) void N(store_part)(const vec *sums, int wide, long tall, long width, const Out *out)
{
    const long row = out->row, column = out->column;
    const int relu = out->relu;
    for (int j = 0; j < wide && column == 1; j++) {
        long count = least(VL, width - j * VL);
        vec bias = out->bias ? N(load_part)(out->bias + j * VL, count) : (vec){0};
        REAL *c = out->c + j * VL;
        const REAL *add = out->add ? out->add + j * VL : 0;
        for (long i = 0; i < tall; i++, c += row) {
            vec v = sums[i * wide + j] + bias;
            if (add) v += N(load_part)(add + i * out->add_row, count);
            if (out->accumulate) v += N(load_part)(c, count);
            if (relu) v = (vec)((bits)v & ~(bits)(v < 0));
            if (count == VL) *(vec *)c = v;
            else N(write_part)(v, c, count);
        }
    }
    for (long i = 0; i < tall && column != 1; i++) {
        const REAL *sum = (const REAL *)(sums + i * wide);
        REAL *c = out->c + i * row;
        for (long j = 0; j < width; j++) {
            REAL value = sum[j];
            if (out->bias) value += out->bias[j];
            if (out->add) value += out->add[i * out->add_row + j];
            if (out->accumulate) value += c[j * column];
            c[j * column] = relu && value < 0 ? 0 : value;
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
                Out part = to;
                part.c += m * to.row + n * to.column;
                if (to.bias) part.bias += n;
                if (to.add) part.add += m * to.add_row + n;
                long real = least(wide * VL, width - n);
                if (to.column != 1 || real < wide * VL) N(store_part)(sums, wide, tall, real, &part);
                else if (wide == 2) N(store_two)(sums, tall, &part);
                else N(store_one)(sums, tall, &part);
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
