/* A pre-norm Transformer block, a few examples at a time so that everything stays in the L2 cache.
 *
 * `block_rows` and `block_rows_back` are the block itself; between the two everything is saved. A chain (chain.c) goes
 * forward and back with the same few examples, and so nothing leaves the cache and nothing is computed twice. As an
 * operator by itself (`block_forward`, `block_backward`) all examples go forward first: saved are then the mixed values,
 * x after attention, and the statistics of the normalisations and of the softmax, and all else is computed again, since
 * writing and reading queries, keys, values and hidden units outside the cache took longer than their products.
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

#define Block N(Block)
#define Saved N(Saved)

typedef struct { /* weights: norm1 w b, qkv w b, out w b, norm2 w b, up w b, down w b; real [rows] or null */
    long T, D, heads, F;
    REAL epsilon;
    const REAL *weights[12];
    Right forward[4], back[4]; /* qkv, out, up and down as the right sides of x W^T and of dy W */
} Block;

typedef struct { /* statistics [rows, 2], shift [examples, heads, T, 2] */
    REAL *normed1, *qkv, *mixed, *middle, *normed2, *hidden, *statistics1, *statistics2, *shift;
} Saved;

/* Numbers that `block_pack` takes for one direction. */
static long N(block_pack_size)(long D, long F)
{
    long forward = N(packed_size)(D, 3 * D) + N(packed_size)(D, D) + N(packed_size)(D, F) + N(packed_size)(F, D);
    long back = N(packed_size)(3 * D, D) + N(packed_size)(D, D) + N(packed_size)(F, D) + N(packed_size)(D, F);
    return forward > back ? forward : back;
}

/* Make the right sides of one direction ready in `room`. */
static void N(block_pack)(Block *s, REAL *room, int back)
{
    long in[4] = {s->D, s->D, s->D, s->F}, out[4] = {3 * s->D, s->D, s->F, s->D};
    const REAL *weights[4] = {s->weights[2], s->weights[4], s->weights[8], s->weights[10]};
    for (int i = 0; i < 4; i++)
        if (back) {
            s->back[i] = N(pack_into)(room, weights[i], in[i], 1, out[i], in[i]);
            room += N(packed_size)(out[i], in[i]);
        } else {
            s->forward[i] = N(pack_into)(room, weights[i], 1, in[i], in[i], out[i]);
            room += N(packed_size)(in[i], out[i]);
        }
}

/* y = x W^T + b (+ add), with ReLU or without, for one of the block's four products. */
static void N(block_dense)(const Block *s, int which, long rows, const REAL *x, const REAL *add, REAL *y)
{
    long in = which == 3 ? s->F : s->D, out = which == 0 ? 3 * s->D : which == 2 ? s->F : s->D;
    static const int biases[4] = {3, 5, 9, 11};
    N(product)(rows, out, in, (Left){x, in, 1, 0, 0}, s->forward[which],
               (Out){.c = y, .row = out, .column = 1, .bias = s->weights[biases[which]], .add = add, .add_row = out, .relu = which == 2});
}

/* dx = dy W for one of them. */
static void N(block_dense_back)(const Block *s, int which, long rows, const REAL *dy, REAL *dx)
{
    long in = which == 3 ? s->F : s->D, out = which == 0 ? 3 * s->D : which == 2 ? s->F : s->D;
    N(product)(rows, in, out, (Left){dy, out, 1, 0, 0}, s->back[which], (Out){.c = dx, .row = in, .column = 1});
}

static void N(block_rows)(const Block *s, long count, const uint8_t *real, const REAL *x, Saved k, REAL *y)
{
    long T = s->T, D = s->D, rows = count * T;
    const REAL *const *w = s->weights;
    N(norm_rows)(rows, D, x, w[0], w[1], s->epsilon, k.normed1, k.statistics1);
    N(block_dense)(s, 0, rows, k.normed1, 0, k.qkv);
    for (long e = 0; e < count; e++)
        N(attend)(T, D, s->heads, k.qkv + e * T * 3 * D, real ? real + e * T : 0, k.mixed + e * T * D, k.shift + e * s->heads * T * 2);
    N(block_dense)(s, 1, rows, k.mixed, x, k.middle);
    N(norm_rows)(rows, D, k.middle, w[6], w[7], s->epsilon, k.normed2, k.statistics2);
    N(block_dense)(s, 2, rows, k.normed2, 0, k.hidden);
    N(block_dense)(s, 3, rows, k.hidden, k.middle, y);
}

/* dW [O, I] += dy^T x, db [O] += column sums of dy; rows of dy are O wide, rows of x are I wide. */
static void N(weight_back)(long rows, long O, long I, const REAL *dy, const REAL *x, REAL *dw, REAL *db, int started)
{
    Mark mark = scratch_mark();
    N(product)(O, I, rows, (Left){dy, 1, O, 0, 0}, N(pack)(x, I, 1, rows, I), (Out){.c = dw, .row = I, .column = 1, .accumulate = started});
    scratch_release(mark);
    if (!started) memset(db, 0, (size_t)O * sizeof(REAL));
    N(column_sums)(rows, O, dy, db);
}

/* dx may be null or dy. The twelve gradients grow where they are `started`. */
static void N(block_rows_back)(const Block *s, long count, const uint8_t *real, const REAL *x, Saved k, const REAL *dy,
                               REAL *const *gradients, int started, REAL *dx)
{
    long T = s->T, D = s->D, F = s->F, rows = count * T;
    const REAL *const *w = s->weights;
    Mark mark = scratch_mark();
    REAL *room = TAKE(rows * (3 * D + F + 2 * D)), *dqkv = room, *dhidden = dqkv + rows * 3 * D, *dmiddle = dhidden + rows * F, *d = dmiddle + rows * D;
    for (int i = 0; i < 2 && !started; i++)
        memset(gradients[6 * i], 0, (size_t)D * sizeof(REAL)), memset(gradients[6 * i + 1], 0, (size_t)D * sizeof(REAL));
    N(weight_back)(rows, D, F, dy, k.hidden, gradients[10], gradients[11], started);
    N(block_dense_back)(s, 3, rows, dy, dhidden);
    for (long i = 0; i < rows * F; i++) dhidden[i] = k.hidden[i] > 0 ? dhidden[i] : 0;
    N(weight_back)(rows, F, D, dhidden, k.normed2, gradients[8], gradients[9], started);
    N(block_dense_back)(s, 2, rows, dhidden, d);
    N(norm_back)(rows, D, k.middle, w[6], k.statistics2, d, dy, dmiddle, gradients[6], gradients[7]);
    N(weight_back)(rows, D, D, dmiddle, k.mixed, gradients[4], gradients[5], started);
    N(block_dense_back)(s, 1, rows, dmiddle, d);
    for (long e = 0; e < count; e++)
        N(attend_back)(T, D, s->heads, k.qkv + e * T * 3 * D, real ? real + e * T : 0, k.shift + e * s->heads * T * 2, d + e * T * D,
                       dqkv + e * T * 3 * D);
    N(weight_back)(rows, 3 * D, D, dqkv, k.normed1, gradients[2], gradients[3], started);
    N(block_dense_back)(s, 0, rows, dqkv, d);
    N(norm_back)(rows, D, x, w[0], k.statistics1, d, dmiddle, dx ? dx : d, gradients[0], gradients[1]);
    scratch_release(mark);
}

/* The block of replica r; sizes and pointers as of block_forward. */
static Block N(block_of)(const long *n, void *const *p, long r)
{
    Block s = {.T = n[2], .D = n[3], .heads = n[4], .F = n[5], .epsilon = *(const REAL *)p[14]};
    long D = s.D, F = s.F, sizes[12] = {D, D, 3 * D * D, 3 * D, D * D, D, D, D, F * D, F, D * F, D};
    for (int i = 0; i < 12; i++) s.weights[i] = (const REAL *)p[1 + i] + r * sizes[i];
    return s;
}

/* sizes: R, B, T, D, heads, F, whether a backward pass comes.
 * pointers: x, norm1 w b, qkv w b, out w b, norm2 w b, up w b, down w b (0-12), real or null (13), epsilon (14), y (15);
 * saved, or null: mixed (16), x after attention (17), statistics [R,B,T,2] twice (18, 19), shift [R,B,heads,T,2] (20). */
void N(block_forward)(const long *n, void *const *p)
{
    long R = n[0], B = n[1], T = n[2], D = n[3], heads = n[4], F = n[5], keep = n[6];
    long examples = ROWS_AT_ONCE / T > 1 ? ROWS_AT_ONCE / T : 1, most = examples * T;
    for (long r = 0; r < R; r++) {
        Mark mark = scratch_mark();
        Block s = N(block_of)(n, p, r);
        N(block_pack)(&s, TAKE(N(block_pack_size)(D, F)), 0);
        REAL *normed = TAKE(most * D), *qkv = TAKE(most * 3 * D), *hidden = TAKE(most * F), *own[5] = {0};
        long widths[5] = {D, D, 2, 2, 2 * heads};
        for (int i = 0; i < 5 && !keep; i++) own[i] = TAKE(most * widths[i]);
        for (long b = 0; b < B; b += examples) {
            long count = least(examples, B - b), at = (r * B + b) * T;
            REAL *saved[5];
            for (int i = 0; i < 5; i++) saved[i] = keep ? (REAL *)p[16 + i] + at * widths[i] : own[i];
            Saved k = {normed, qkv, saved[0], saved[1], normed, hidden, saved[2], saved[3], saved[4]};
            N(block_rows)(&s, count, p[13] ? (const uint8_t *)p[13] + at : 0, (const REAL *)p[0] + at * D, k, (REAL *)p[15] + at * D);
        }
        scratch_release(mark);
    }
}

/* pointers as of block_forward, with dy in the place of y, and from 21 on: dx or null, then the gradients of the twelve
 * parameters in the same order (22-33). */
void N(block_backward)(const long *n, void *const *p)
{
    long R = n[0], B = n[1], T = n[2], D = n[3], heads = n[4], F = n[5];
    long examples = ROWS_AT_ONCE / T > 1 ? ROWS_AT_ONCE / T : 1, most = examples * T;
    for (long r = 0; r < R; r++) {
        Mark mark = scratch_mark();
        Block s = N(block_of)(n, p, r);
        N(block_pack)(&s, TAKE(N(block_pack_size)(D, F)), 0);
        N(block_pack)(&s, TAKE(N(block_pack_size)(D, F)), 1);
        REAL *normed1 = TAKE(most * D), *qkv = TAKE(most * 3 * D), *normed2 = TAKE(most * D), *hidden = TAKE(most * F), *gradients[12];
        for (int i = 0; i < 12; i++) gradients[i] = (REAL *)p[22 + i] + (s.weights[i] - (const REAL *)p[1 + i]);
        for (long b = 0; b < B; b += examples) {
            long count = least(examples, B - b), rows = count * T, at = (r * B + b) * T;
            const REAL *x = (const REAL *)p[0] + at * D;
            Saved k = {normed1, qkv, (REAL *)p[16] + at * D, (REAL *)p[17] + at * D, normed2, hidden, (REAL *)p[18] + at * 2,
                      (REAL *)p[19] + at * 2, (REAL *)p[20] + at * 2 * heads};
            N(norm_again)(rows, D, k.middle, s.weights[6], s.weights[7], k.statistics2, normed2);
            N(block_dense)(&s, 2, rows, normed2, 0, hidden);
            N(norm_again)(rows, D, x, s.weights[0], s.weights[1], k.statistics1, normed1);
            N(block_dense)(&s, 0, rows, normed1, 0, qkv);
            N(block_rows_back)(&s, count, p[13] ? (const uint8_t *)p[13] + at : 0, x, k, (const REAL *)p[15] + at * D, gradients, b > 0,
                               p[21] ? (REAL *)p[21] + at * D : 0);
        }
        scratch_release(mark);
    }
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
