/* Attention within one example: all heads, forward and backward.
 *
 * Sequences of up to 4 vectors (64 steps in float32) with heads a whole number of vectors wide keep a few rows of scores
 * in registers from the product through the softmax; others take the general path of small products.
 */

/* Attention weights of one head of one example from the scores [T, padded], in place. `shift`: largest score and
 * 1 / sum of a row, written where `again` is 0 and used where it is 1. */
static void N(softmax_rows)(long T, long padded, REAL scale, const uint8_t *real, REAL *scores, REAL *shift, int again)
{
    for (long i = 0; i < T; i++) {
        REAL *row = scores + i * padded, top = shift[2 * i], part = shift[2 * i + 1];
        for (long j = T; j < padded; j++) row[j] = -INFINITY;
        if (real)
            for (long j = 0; j < T; j++) row[j] = real[j] ? row[j] : -INFINITY;
        if (!again) {
            vec tops = *(const vec *)row;
            for (long j = VL; j < padded; j += VL) tops = N(larger)(*(const vec *)(row + j), tops);
            top = N(largest_lane)(tops)[0];
            if (top == -INFINITY) top = 0;
        }
        vec sums = {0};
        for (long j = 0; j < padded; j += VL) {
            vec power = N(exponentials)((*(const vec *)(row + j) - top) * scale);
            sums += power;
            if (again) power *= part;
            *(vec *)(row + j) = power;
        }
        if (again) continue;
        REAL sum = N(sum_of_lanes)(sums)[0];
        part = sum > 0 ? 1 / sum : sum; /* no real key: no weight at all; NaN stays */
        shift[2 * i] = top, shift[2 * i + 1] = part;
        for (long j = 0; j < padded; j += VL) *(vec *)(row + j) *= part;
    }
}

/* One example: qkv [T, 3 D] -> mixed [T, D]; shift [heads, T, 2]. */
static void N(attend_any)(long T, long D, long heads, const REAL *qkv, const uint8_t *real, REAL *mixed, REAL *shift)
{
    long d = D / heads, padded = (T + VL - 1) / VL * VL, row = 3 * D;
    REAL scale = 1 / N(root)((REAL)d);
    for (long h = 0; h < heads; h++) {
        Mark mark = scratch_mark();
        const REAL *q = qkv + h * d, *k = q + D, *v = k + D;
        REAL *scores = TAKE(T * padded);
        N(product)(T, padded, d, (Left){q, row, 1, 0, 0}, N(pack)(k, 1, row, d, T), (Out){.c = scores, .row = padded, .column = 1});
        N(softmax_rows)(T, padded, scale, real, scores, shift + h * T * 2, 0);
        N(product)(T, d, T, (Left){scores, padded, 1, 0, 0}, N(pack)(v, row, 1, T, d), (Out){.c = mixed + h * d, .row = D, .column = 1});
        scratch_release(mark);
    }
}

/* One example: the gradient of mixed -> dqkv [T, 3 D]. */
static void N(attend_any_back)(long T, long D, long heads, const REAL *qkv, const uint8_t *real, REAL *shift,
                           const REAL *dmixed, REAL *dqkv)
{
    long d = D / heads, padded = (T + VL - 1) / VL * VL, row = 3 * D;
    REAL scale = 1 / N(root)((REAL)d);
    for (long h = 0; h < heads; h++) {
        Mark mark = scratch_mark();
        const REAL *q = qkv + h * d, *k = q + D, *v = k + D, *dm = dmixed + h * d;
        REAL *dq = dqkv + h * d, *dk = dq + D, *dv = dk + D, *weights = TAKE(T * padded), *ds = TAKE(T * padded);
        N(product)(T, padded, d, (Left){q, row, 1, 0, 0}, N(pack)(k, 1, row, d, T), (Out){.c = weights, .row = padded, .column = 1});
        N(softmax_rows)(T, padded, scale, real, weights, shift + h * T * 2, 1);
        N(product)(T, padded, d, (Left){dm, D, 1, 0, 0}, N(pack)(v, 1, row, d, T), (Out){.c = ds, .row = padded, .column = 1});
        for (long i = 0; i < T; i++) {
            REAL *w = weights + i * padded, *s = ds + i * padded;
            vec sums = {0};
            for (long j = 0; j < padded; j += VL) sums += *(vec *)(w + j) * *(vec *)(s + j);
            REAL sum = N(sum_of_lanes)(sums)[0];
            for (long j = 0; j < padded; j += VL) *(vec *)(s + j) = *(vec *)(w + j) * (*(vec *)(s + j) - sum) * scale;
        }
        N(product)(T, d, T, (Left){weights, 1, padded, 0, 0}, N(pack)(dm, D, 1, T, d), (Out){.c = dv, .row = row, .column = 1});
        N(product)(T, d, T, (Left){ds, padded, 1, 0, 0}, N(pack)(k, row, 1, T, d), (Out){.c = dq, .row = row, .column = 1});
        N(product)(T, d, T, (Left){ds, 1, padded, 0, 0}, N(pack)(q, row, 1, T, d), (Out){.c = dk, .row = row, .column = 1});
        scratch_release(mark);
    }
}

/* VL x VL numbers turned: rows of `from` (only `count` are read, the others are zero) become columns of `to`. */
INLINE void N(transpose)(const REAL *from, long from_row, long count, REAL *to, long to_row)
{
    vec rows[16];
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) rows[i] = i < count ? *(const vec *)(from + i * from_row) : (vec){0};
#pragma GCC unroll 4
    for (BITS s = 1; s < VL; s *= 2) {
        bits odd = (bits)((N(lanes) & s) != 0), far = odd & (BITS)(VL - s);
        bits upper = N(lanes) + far, lower = upper + s;
#pragma GCC unroll 16
        for (int i = 0; i < VL; i++)
            if (!(i & s)) {
                vec a = rows[i], b = rows[i + s];
                rows[i] = __builtin_shuffle(a, b, upper);
                rows[i + s] = __builtin_shuffle(a, b, lower);
            }
    }
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) *(vec *)(to + i * to_row) = rows[i];
}

/* [T, d] with rows `row` apart as [d, padded], zeros behind. */
INLINE void N(turn_all)(long T, long d, long padded, const REAL *from, long row, REAL *to)
{
    for (long t = 0; t < padded; t += VL)
        for (long k = 0; k < d; k += VL) N(transpose)(from + t * row + k, row, T - t, to + k * padded + t, padded);
}

/* sums[i][j] = row i of `left` (d numbers, rows `row` apart) times `turned` [d, wide vectors]. */
#define EACH_ROW _Pragma("GCC unroll 8") for (int i = 0; i < rows; i++)
#define EACH_VECTOR _Pragma("GCC unroll 4") for (int j = 0; j < wide; j++)
INLINE void N(scores)(const int rows, const int wide, long d, const REAL *left, long row, const long *last, const REAL *turned,
                      vec sums[8][4])
{
    EACH_ROW EACH_VECTOR sums[i][j] = (vec){0};
    for (long k = 0; k < d; k++, turned += wide * VL) {
        vec b[4];
        EACH_VECTOR b[j] = *(const vec *)(turned + j * VL);
        EACH_ROW
        {
            vec a = left[last[i] * row + k] - (vec){0};
            EACH_VECTOR sums[i][j] += a * b[j];
        }
    }
}

/* out[r] (+)= sum over t of weights(t, r) * values[t]: `rows` rows r of one vector, weights `step` apart along t. */
INLINE void N(mix)(const int rows, long T, const REAL *weights, const long *at, long step, const REAL *values, long row, vec out[8])
{
    EACH_ROW out[i] = (vec){0};
    for (long t = 0; t < T; t++) {
        vec value = *(const vec *)(values + t * row);
        EACH_ROW out[i] += weights[at[i] + t * step] * value;
    }
}

/* What every head needs: 0 for a key that takes part, -infinity for one that does not. */
INLINE void N(mask)(long T, long padded, const uint8_t *real, REAL *mask)
{
    for (long j = 0; j < padded; j++) mask[j] = j < T && (!real || real[j]) ? 0 : -INFINITY;
}

INLINE void N(attend_small)(const int rows, const int wide, long T, long D, long heads, const REAL *qkv, const uint8_t *real,
                            REAL *mixed, REAL *shift)
{
    long d = D / heads, row = 3 * D, padded = wide * VL;
    REAL scale = 1 / N(root)((REAL)d), turned[128 * 64] __attribute__((aligned(64))), weights[8 * 64] __attribute__((aligned(64)));
    REAL mask[64] __attribute__((aligned(64)));
    N(mask)(T, padded, real, mask);
    for (long h = 0; h < heads; h++, shift += 2 * T) {
        const REAL *q = qkv + h * d, *k = q + D, *v = k + D;
        N(turn_all)(T, d, padded, k, row, turned);
        for (long t = 0; t < T; t += rows) {
            long last[8], at[8], count = least(rows, T - t);
            vec s[8][4], out[8];
            EACH_ROW last[i] = t + least(i, count - 1), at[i] = i * padded;
            N(scores)(rows, wide, d, q, row, last, turned, s);
            EACH_ROW
            {
                vec top, sum = {0};
                EACH_VECTOR s[i][j] += *(const vec *)(mask + j * VL);
                top = s[i][0];
                for (int j = 1; j < wide; j++) top = N(larger)(s[i][j], top);
                top = N(largest_lane)(top);
                top = (vec)((bits)top & ~(bits)(top == -INFINITY));
                EACH_VECTOR
                {
                    s[i][j] = N(exponentials)((s[i][j] - top) * scale);
                    sum += s[i][j];
                    *(vec *)(weights + i * padded + j * VL) = s[i][j];
                }
                REAL all = N(sum_of_lanes)(sum)[0];
                shift[2 * last[i]] = top[0], shift[2 * last[i] + 1] = all == 0 ? 0 : 1 / all;
            }
            for (long c = 0; c < d; c += VL) {
                N(mix)(rows, T, weights, at, 1, v + c, row, out);
                EACH_ROW *(vec *)(mixed + last[i] * D + h * d + c) = out[i] * shift[2 * last[i] + 1];
            }
        }
    }
}

INLINE void N(attend_small_back)(const int rows, const int wide, long T, long D, long heads, const REAL *qkv, const uint8_t *real,
                                 const REAL *shift, const REAL *dmixed, REAL *dqkv)
{
    long d = D / heads, row = 3 * D, padded = wide * VL;
    REAL scale = 1 / N(root)((REAL)d), mask[64] __attribute__((aligned(64)));
    REAL keys[128 * 64] __attribute__((aligned(64))), values[128 * 64] __attribute__((aligned(64)));
    REAL weights[64 * 64] __attribute__((aligned(64))), ds[64 * 64] __attribute__((aligned(64)));
    N(mask)(T, padded, real, mask);
    for (long h = 0; h < heads; h++, shift += 2 * T) {
        const REAL *q = qkv + h * d, *k = q + D, *v = k + D, *dm = dmixed + h * d;
        REAL *dq = dqkv + h * d, *dk = dq + D, *dv = dk + D;
        N(turn_all)(T, d, padded, k, row, keys);
        N(turn_all)(T, d, padded, v, row, values);
        for (long t = 0; t < T; t += rows) {
            long last[8], at[8], count = least(rows, T - t);
            vec s[8][4], g[8][4], out[8];
            EACH_ROW last[i] = t + least(i, count - 1), at[i] = last[i] * padded;
            N(scores)(rows, wide, d, q, row, last, keys, s);
            N(scores)(rows, wide, d, dm, D, last, values, g);
            EACH_ROW
            {
                vec sum = {0};
                EACH_VECTOR
                {
                    s[i][j] = N(exponentials)((s[i][j] + *(const vec *)(mask + j * VL) - shift[2 * last[i]]) * scale) * shift[2 * last[i] + 1];
                    sum += s[i][j] * g[i][j];
                }
                sum = N(sum_of_lanes)(sum);
                EACH_VECTOR
                {
                    *(vec *)(weights + at[i] + j * VL) = s[i][j];
                    *(vec *)(ds + at[i] + j * VL) = s[i][j] * (g[i][j] - sum) * scale;
                }
            }
            for (long c = 0; c < d; c += VL) {
                N(mix)(rows, T, ds, at, 1, k + c, row, out);
                EACH_ROW *(vec *)(dq + last[i] * row + c) = out[i];
            }
        }
        for (long t = 0; t < T; t += 8) {
            const int rows = 8;
            long at[8];
            vec out[8];
            EACH_ROW at[i] = least(t + i, T - 1);
            for (long c = 0; c < d; c += VL) {
                N(mix)(rows, T, ds, at, padded, q + c, row, out);
                EACH_ROW *(vec *)(dk + at[i] * row + c) = out[i];
                N(mix)(rows, T, weights, at, padded, dm + c, D, out);
                EACH_ROW *(vec *)(dv + at[i] * row + c) = out[i];
            }
        }
    }
}

/* One example: qkv [T, 3 D] -> mixed [T, D]; shift [heads, T, 2] holds the largest score and 1 / sum of every row. */
static __attribute__((noinline)) void N(attend)(long T, long D, long heads, const REAL *qkv, const uint8_t *real, REAL *mixed, REAL *shift)
{
    long d = D / heads, wide = (T + VL - 1) / VL;
    if (d % VL || d > 128 || wide > 4) N(attend_any)(T, D, heads, qkv, real, mixed, shift);
    else if (wide == 1) N(attend_small)(8, 1, T, D, heads, qkv, real, mixed, shift);
    else if (wide == 2) N(attend_small)(8, 2, T, D, heads, qkv, real, mixed, shift);
    else if (wide == 3) N(attend_small)(8, 3, T, D, heads, qkv, real, mixed, shift);
    else N(attend_small)(6, 4, T, D, heads, qkv, real, mixed, shift);
}

/* One example: the gradient of mixed -> dqkv [T, 3 D]. */
static __attribute__((noinline)) void N(attend_back)(long T, long D, long heads, const REAL *qkv, const uint8_t *real, REAL *shift,
                                                     const REAL *dmixed, REAL *dqkv)
{
    long d = D / heads, wide = (T + VL - 1) / VL;
    if (d % VL || d > 128 || wide > 4) N(attend_any_back)(T, D, heads, qkv, real, shift, dmixed, dqkv);
    else if (wide == 1) N(attend_small_back)(8, 1, T, D, heads, qkv, real, shift, dmixed, dqkv);
    else if (wide == 2) N(attend_small_back)(6, 2, T, D, heads, qkv, real, shift, dmixed, dqkv);
    else if (wide == 3) N(attend_small_back)(4, 3, T, D, heads, qkv, real, shift, dmixed, dqkv);
    else N(attend_small_back)(3, 4, T, D, heads, qkv, real, shift, dmixed, dqkv);
}
