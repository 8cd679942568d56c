/* A pre-norm Transformer block for each replica, a few examples at a time so that everything stays in the L2 cache.
 *
 * Kept for the backward pass: the mixed values, x after attention, and the statistics of the normalisations and of the
 * softmax. All else is computed again: writing and reading queries, keys, values and hidden units outside the cache
 * took longer than their products.
 */
#define ROWS_AT_ONCE 240

/* y = (x - mean) / sqrt(var + epsilon) * weight + bias over rows of D; statistics: mean and 1 / sqrt(...) a row. */
static void N(norm_rows)(long rows, long D, const REAL *x, const REAL *weight, const REAL *bias, REAL epsilon, REAL *y,
                         REAL *statistics)
{
    for (long i = 0; i < rows; i++, x += D, y += D) {
        REAL mean = 0, square = 0;
#pragma omp simd reduction(+ : mean)
        for (long j = 0; j < D; j++) mean += x[j];
        mean /= (REAL)D;
#pragma omp simd reduction(+ : square)
        for (long j = 0; j < D; j++) square += (x[j] - mean) * (x[j] - mean);
        REAL inverse = 1 / N(root)(square / (REAL)D + epsilon);
        for (long j = 0; j < D; j++) y[j] = (x[j] - mean) * inverse * weight[j] + bias[j];
        if (statistics) statistics[2 * i] = mean, statistics[2 * i + 1] = inverse;
    }
}

/* The same rows again from their statistics. */
static void N(norm_again)(long rows, long D, const REAL *x, const REAL *weight, const REAL *bias, const REAL *statistics,
                          REAL *y)
{
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < D; j++)
            y[i * D + j] = (x[i * D + j] - statistics[2 * i]) * statistics[2 * i + 1] * weight[j] + bias[j];
}

/* dx = (add +) the gradient through a normalisation; dweight and dbias grow. dx may be dy. */
static void N(norm_back)(long rows, long D, const REAL *x, const REAL *weight, const REAL *statistics, const REAL *dy,
                         const REAL *add, REAL *dx, REAL *dweight, REAL *dbias)
{
    for (long i = 0; i < rows; i++, x += D, dy += D, dx += D) {
        REAL mean = statistics[2 * i], inverse = statistics[2 * i + 1], sum = 0, along = 0;
#pragma omp simd reduction(+ : sum, along)
        for (long j = 0; j < D; j++) {
            REAL unit = (x[j] - mean) * inverse, d = dy[j] * weight[j];
            dweight[j] += dy[j] * unit;
            dbias[j] += dy[j];
            sum += d;
            along += d * unit;
        }
        sum /= (REAL)D;
        along /= (REAL)D;
        const REAL *more = add ? add + i * D : 0;
        for (long j = 0; j < D; j++) {
            REAL d = inverse * (dy[j] * weight[j] - sum - (x[j] - mean) * inverse * along);
            dx[j] = more ? more[j] + d : d;
        }
    }
}

/* sizes: R, B, T, D, heads, F, whether a backward pass comes.
 * pointers: x, norm1 w b, qkv w b, out w b, norm2 w b, up w b, down w b (0-12), real or null (13), epsilon (14), y (15);
 * kept, or null: mixed (16), x after attention (17), statistics [R,B,T,2] twice (18, 19), shift [R,B,heads,T,2] (20). */
void N(block_forward)(const long *n, void *const *p)
{
    long R = n[0], B = n[1], T = n[2], D = n[3], heads = n[4], F = n[5], keep = n[6];
    long examples = ROWS_AT_ONCE / T > 1 ? ROWS_AT_ONCE / T : 1, most = examples * T;
    REAL epsilon = *(const REAL *)p[14];
#define PARAMETER(i, size) ((const REAL *)p[i] + r * (size))
#define KEPT(i, width) (keep ? (REAL *)p[i] + at * (width) : own[i - 16])
    for (long r = 0; r < R; r++) {
        Mark mark = scratch_mark();
        Right qkv_weight = N(pack)(PARAMETER(3, 3 * D * D), 1, D, D, 3 * D), out_weight = N(pack)(PARAMETER(5, D * D), 1, D, D, D);
        Right up_weight = N(pack)(PARAMETER(9, F * D), 1, D, D, F), down_weight = N(pack)(PARAMETER(11, D * F), 1, F, F, D);
        REAL *normed = TAKE(most * D), *qkv = TAKE(most * 3 * D), *hidden = TAKE(most * F), *own[5] = {0};
        long widths[5] = {D, D, 2, 2, 2 * heads};
        for (int i = 0; i < 5 && !keep; i++) own[i] = TAKE(most * widths[i]);
        for (long b = 0; b < B; b += examples) {
            long count = least(examples, B - b), rows = count * T, at = (r * B + b) * T;
            const REAL *x = (const REAL *)p[0] + at * D;
            REAL *mixed = KEPT(16, D), *middle = KEPT(17, D), *shift = KEPT(20, 2 * heads);
            N(norm_rows)(rows, D, x, PARAMETER(1, D), PARAMETER(2, D), epsilon, normed, KEPT(18, 2));
            N(product)(rows, 3 * D, D, (Left){normed, D, 1, 0, 0}, qkv_weight, (Out){.c = qkv, .row = 3 * D, .column = 1, .bias = PARAMETER(4, 3 * D)});
            for (long e = 0; e < count; e++)
                N(attend)(T, D, heads, qkv + e * T * 3 * D, p[13] ? (const uint8_t *)p[13] + at + e * T : 0, mixed + e * T * D, shift + e * heads * T * 2);
            N(product)(rows, D, D, (Left){mixed, D, 1, 0, 0}, out_weight,
                       (Out){.c = middle, .row = D, .column = 1, .bias = PARAMETER(6, D), .add = x, .add_row = D});
            N(norm_rows)(rows, D, middle, PARAMETER(7, D), PARAMETER(8, D), epsilon, normed, KEPT(19, 2));
            N(product)(rows, F, D, (Left){normed, D, 1, 0, 0}, up_weight, (Out){.c = hidden, .row = F, .column = 1, .bias = PARAMETER(10, F), .relu = 1});
            N(product)(rows, D, F, (Left){hidden, F, 1, 0, 0}, down_weight,
                       (Out){.c = (REAL *)p[15] + at * D, .row = D, .column = 1, .bias = PARAMETER(12, D), .add = middle, .add_row = D});
        }
        scratch_release(mark);
    }
#undef KEPT
}

/* dW [O, I] += dy^T x, db [O] += column sums of dy; rows of dy are O wide, rows of x are I wide. */
static void N(weight_back)(long rows, long O, long I, const REAL *dy, const REAL *x, REAL *dw, REAL *db, int begun)
{
    Mark mark = scratch_mark();
    N(product)(O, I, rows, (Left){dy, 1, O, 0, 0}, N(pack)(x, I, 1, rows, I), (Out){.c = dw, .row = I, .column = 1, .accumulate = begun});
    scratch_release(mark);
    if (!begun) memset(db, 0, (size_t)O * sizeof(REAL));
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < O; j++) db[j] += dy[i * O + j];
}

/* pointers as of block_forward, with dy in the place of y, and from 21 on: dx or null, then the gradients of the twelve
 * parameters in the same order (22-33). */
void N(block_backward)(const long *n, void *const *p)
{
    long R = n[0], B = n[1], T = n[2], D = n[3], heads = n[4], F = n[5];
    long examples = ROWS_AT_ONCE / T > 1 ? ROWS_AT_ONCE / T : 1, most = examples * T;
#define KEPT(i, width) ((REAL *)p[i] + at * (width))
#define GRADIENT(i, size) ((REAL *)p[21 + i] + r * (size))
    for (long r = 0; r < R; r++) {
        Mark mark = scratch_mark();
        Right qkv_weight = N(pack)(PARAMETER(3, 3 * D * D), D, 1, 3 * D, D), out_weight = N(pack)(PARAMETER(5, D * D), D, 1, D, D);
        Right up_weight = N(pack)(PARAMETER(9, F * D), D, 1, F, D), down_weight = N(pack)(PARAMETER(11, D * F), F, 1, D, F);
        Right qkv_again = N(pack)(PARAMETER(3, 3 * D * D), 1, D, D, 3 * D), up_again = N(pack)(PARAMETER(9, F * D), 1, D, D, F);
        REAL *qkv = TAKE(most * 3 * D), *hidden = TAKE(most * F), *normed = TAKE(most * D), *dhidden = TAKE(most * F), *dqkv = TAKE(most * 3 * D), *dmiddle = TAKE(most * D), *d = TAKE(most * D);
        for (int i = 0; i < 2; i++)
            memset(GRADIENT(1 + 6 * i, D), 0, (size_t)D * sizeof(REAL)), memset(GRADIENT(2 + 6 * i, D), 0, (size_t)D * sizeof(REAL));
        for (long b = 0; b < B; b += examples) {
            long count = least(examples, B - b), rows = count * T, at = (r * B + b) * T;
            const REAL *x = (const REAL *)p[0] + at * D, *dy = (const REAL *)p[15] + at * D;
            REAL *middle = KEPT(17, D), *shift = KEPT(20, 2 * heads);
            int begun = b > 0;
            N(norm_again)(rows, D, middle, PARAMETER(7, D), PARAMETER(8, D), KEPT(19, 2), normed);
            N(product)(rows, F, D, (Left){normed, D, 1, 0, 0}, up_again, (Out){.c = hidden, .row = F, .column = 1, .bias = PARAMETER(10, F), .relu = 1});
            N(weight_back)(rows, D, F, dy, hidden, GRADIENT(11, D * F), GRADIENT(12, D), begun);
            N(product)(rows, F, D, (Left){dy, D, 1, 0, 0}, down_weight, (Out){.c = dhidden, .row = F, .column = 1});
            for (long i = 0; i < rows * F; i++) dhidden[i] = hidden[i] > 0 ? dhidden[i] : 0;
            N(weight_back)(rows, F, D, dhidden, normed, GRADIENT(9, F * D), GRADIENT(10, F), begun);
            N(product)(rows, D, F, (Left){dhidden, F, 1, 0, 0}, up_weight, (Out){.c = d, .row = D, .column = 1});
            N(norm_back)(rows, D, middle, PARAMETER(7, D), KEPT(19, 2), d, dy, dmiddle, GRADIENT(7, D), GRADIENT(8, D));
            N(weight_back)(rows, D, D, dmiddle, KEPT(16, D), GRADIENT(5, D * D), GRADIENT(6, D), begun);
            N(product)(rows, D, D, (Left){dmiddle, D, 1, 0, 0}, out_weight, (Out){.c = d, .row = D, .column = 1});
            N(norm_again)(rows, D, x, PARAMETER(1, D), PARAMETER(2, D), KEPT(18, 2), normed);
            N(product)(rows, 3 * D, D, (Left){normed, D, 1, 0, 0}, qkv_again, (Out){.c = qkv, .row = 3 * D, .column = 1, .bias = PARAMETER(4, 3 * D)});
            for (long e = 0; e < count; e++)
                N(attend_back)(T, D, heads, qkv + e * T * 3 * D, p[13] ? (const uint8_t *)p[13] + at + e * T : 0, shift + e * heads * T * 2,
                               d + e * T * D, dqkv + e * T * 3 * D);
            N(weight_back)(rows, 3 * D, D, dqkv, normed, GRADIENT(3, 3 * D * D), GRADIENT(4, 3 * D), begun);
            N(product)(rows, D, 3 * D, (Left){dqkv, 3 * D, 1, 0, 0}, qkv_weight, (Out){.c = d, .row = D, .column = 1});
            N(norm_back)(rows, D, x, PARAMETER(1, D), KEPT(18, 2), d, dmiddle, p[21] ? (REAL *)p[21] + at * D : d, GRADIENT(1, D), GRADIENT(2, D));
        }
        scratch_release(mark);
    }
#undef KEPT
#undef GRADIENT
#undef PARAMETER
}

/* sizes: R, rows a replica, D. pointers: x, weight [R,D], bias, epsilon, y, statistics [R,rows,2]. */
void N(norm_forward)(const long *n, void *const *p)
{
    for (long r = 0; r < n[0]; r++)
        N(norm_rows)(n[1], n[2], (const REAL *)p[0] + r * n[1] * n[2], (const REAL *)p[1] + r * n[2], (const REAL *)p[2] + r * n[2],
                     *(const REAL *)p[3], (REAL *)p[4] + r * n[1] * n[2], (REAL *)p[5] + r * n[1] * 2);
}

/* pointers: x, weight, statistics, dy, dx, dweight, dbias (both zero on entry). */
void N(norm_backward)(const long *n, void *const *p)
{
    for (long r = 0; r < n[0]; r++) {
        long at = r * n[1] * n[2];
        N(norm_back)(n[1], n[2], (const REAL *)p[0] + at, (const REAL *)p[1] + r * n[2], (const REAL *)p[2] + r * n[1] * 2,
                     (const REAL *)p[3] + at, 0, (REAL *)p[4] + at, (REAL *)p[5] + r * n[2], (REAL *)p[6] + r * n[2]);
    }
}

/* sizes: R * B, T, D, heads. pointers: qkv, real or null, mixed, shift. */
void N(attention_forward)(const long *n, void *const *p)
{
    for (long e = 0; e < n[0]; e++)
        N(attend)(n[1], n[2], n[3], (const REAL *)p[0] + e * n[1] * 3 * n[2], p[1] ? (const uint8_t *)p[1] + e * n[1] : 0,
                  (REAL *)p[2] + e * n[1] * n[2], (REAL *)p[3] + e * n[3] * n[1] * 2);
}

/* pointers: qkv, real or null, shift, the gradient of mixed, dqkv. */
void N(attention_backward)(const long *n, void *const *p)
{
    for (long e = 0; e < n[0]; e++)
        N(attend_back)(n[1], n[2], n[3], (const REAL *)p[0] + e * n[1] * 3 * n[2], p[1] ? (const uint8_t *)p[1] + e * n[1] : 0,
                       (REAL *)p[2] + e * n[3] * n[1] * 2, (const REAL *)p[3] + e * n[1] * n[2], (REAL *)p[4] + e * n[1] * 3 * n[2]);
}
