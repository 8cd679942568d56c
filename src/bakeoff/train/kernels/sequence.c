/* What a chain needs around its Transformer blocks: rearranged inputs, words and a table's features as vectors, vectors
 * added a position, the mean over (real) positions. All gradients of parameters grow where they are `started`.
 */

/* y[j] = x[sources[j]] for every example, 0 where the place is negative, or at a position that is not `real` (or null). */
static void N(gather)(long examples, long before, long after, const int64_t *sources, const uint8_t *real, long positions,
                      const REAL *x, REAL *y)
{
    for (long e = 0; e < examples; e++, x += before, y += after) {
        for (long j = 0; j < after; j++) y[j] = sources[j] < 0 ? 0 : x[sources[j]];
        for (long t = 0; t < positions && real; t++)
            if (!real[e * positions + t]) memset(y + after / positions * t, 0, (size_t)(after / positions) * sizeof(REAL));
    }
}

static void N(gather_back)(long examples, long before, long after, const int64_t *sources, const REAL *dy, REAL *dx)
{
    memset(dx, 0, (size_t)(examples * before) * sizeof(REAL));
    for (long e = 0; e < examples; e++, dx += before, dy += after)
        for (long j = 0; j < after; j++)
            if (sources[j] >= 0) dx[sources[j]] += dy[j];
}

/* y = x + the first `count` of the offsets; the gradient of all of them is the sum over the examples. */
static void N(offsets)(long examples, long count, const REAL *x, const REAL *restrict offsets, REAL *restrict y)
{
    for (long e = 0; e < examples; e++, x += count, y += count)
        for (long j = 0; j < count; j++) y[j] = x[j] + offsets[j];
}

static void N(offsets_back)(long examples, long all, long count, const REAL *dy, REAL *doffsets, REAL *dx, int started)
{
    if (!started) memset(doffsets, 0, (size_t)all * sizeof(REAL));
    N(column_sums)(examples, count, dy, doffsets);
    if (dx) memcpy(dx, dy, (size_t)(examples * count) * sizeof(REAL));
}

/* Feature f of x [F] as the vector x_f weight_f + bias_f of D numbers; weight and bias [F, D]. */
static void N(features)(long examples, long F, long D, const REAL *x, const REAL *weight, const REAL *bias, REAL *restrict y)
{
    for (long e = 0; e < examples; e++)
        for (long f = 0; f < F; f++, x++, y += D)
            for (long j = 0; j < D; j++) y[j] = *x * weight[f * D + j] + bias[f * D + j];
}

static void N(features_back)(long examples, long F, long D, const REAL *x, const REAL *weight, const REAL *dy, REAL *restrict dweight,
                             REAL *restrict dbias, REAL *dx, int started)
{
    if (!started) memset(dweight, 0, (size_t)(F * D) * sizeof(REAL)), memset(dbias, 0, (size_t)(F * D) * sizeof(REAL));
    for (long e = 0; e < examples; e++)
        for (long f = 0; f < F; f++, x++, dy += D) {
            REAL sum = 0, value = *x;
            for (long j = 0; j < D; j++) dweight[f * D + j] += value * dy[j], dbias[f * D + j] += dy[j];
            for (long j = 0; j < D && dx; j++) sum += dy[j] * weight[f * D + j];
            if (dx) dx[e * F + f] = sum;
        }
}

/* Words x [T], the first `now` of them, as their rows of `weight` [words, D]; word 0 is none. */
static void N(embedding)(long examples, long now, long T, long D, const REAL *x, const REAL *weight, REAL *y)
{
    for (long e = 0; e < examples; e++, x += T)
        for (long t = 0; t < now; t++, y += D) {
            if (x[t] > 0) memcpy(y, weight + (long)x[t] * D, (size_t)D * sizeof(REAL));
            else memset(y, 0, (size_t)D * sizeof(REAL));
        }
}

static void N(embedding_back)(long examples, long now, long T, long D, long size, const REAL *x, const REAL *restrict dy,
                              REAL *restrict dweight, int started)
{
    if (!started) memset(dweight, 0, (size_t)size * sizeof(REAL));
    for (long e = 0; e < examples; e++, x += T)
        for (long t = 0; t < now; t++, dy += D) {
            REAL *row = dweight + (long)x[t] * D;
            for (long j = 0; j < D && x[t] > 0; j++) row[j] += dy[j];
        }
}

/* x [T, D] -> its mean over T, or over those positions that are `real` (not null). */
static void N(mean)(long examples, long T, long D, const uint8_t *real, const REAL *x, REAL *y)
{
    memset(y, 0, (size_t)(examples * D) * sizeof(REAL));
    for (long e = 0; e < examples; e++, y += D) {
        long count = 0;
        while (count < T && (!real || real[e * T + count])) count++;
        N(column_sums)(count, D, x + e * T * D, y);
        for (long j = 0; j < D; j++) y[j] /= (REAL)count;
    }
}

static void N(mean_back)(long examples, long T, long D, const uint8_t *real, const REAL *dy, REAL *restrict dx)
{
    for (long e = 0; e < examples; e++, dy += D) {
        long count = 0;
        while (count < T && (!real || real[e * T + count])) count++;
        for (long t = 0; t < T; t++, dx += D)
            for (long j = 0; j < D; j++) dx[j] = t < count ? dy[j] / (REAL)count : 0;
    }
}
