/* Dense layers, the loss and the optimiser of a stack. */
#define DENSE_ROWS 480

/* out = gradient where the function's result was positive (the ReLU's derivative). */
static void N(relu_back)(long count, const REAL *restrict gradient, const REAL *restrict result, REAL *restrict out)
{
    for (long i = 0; i < count; i++) out[i] = result[i] > 0 ? gradient[i] : 0;
}

static void N(column_sums)(long rows, long width, const REAL *restrict x, REAL *restrict sums)
{
    long j = 0;
    for (; j + 4 * VL <= width; j += 4 * VL) { /* four vectors of columns stay in registers */
        vec s[4];
        for (int l = 0; l < 4; l++) s[l] = *(const vec *)(sums + j + l * VL);
        for (long i = 0; i < rows; i++)
            for (int l = 0; l < 4; l++) s[l] += *(const vec *)(x + i * width + j + l * VL);
        for (int l = 0; l < 4; l++) *(vec *)(sums + j + l * VL) = s[l];
    }
    for (long i = 0; i < rows && j < width; i++)
        for (long l = j; l < width; l++) sums[l] += x[i * width + l];
}

/* sizes: R, rows, I, O, ReLU. pointers: x, weight [R,O,I], bias or null, y. */
void N(linear_forward)(const long *n, void *const *p)
{
    long rows = n[1], I = n[2], O = n[3];
    for (long r = 0; r < n[0]; r++) {
        Mark mark = scratch_mark();
        Right right = N(pack)((const REAL *)p[1] + r * O * I, 1, I, I, O);
        N(product)(rows, O, I, (Left){(const REAL *)p[0] + r * rows * I, I, 1, 0, 0}, right,
                   (Out){.c = (REAL *)p[3] + r * rows * O, .row = O, .column = 1, .bias = p[2] ? (const REAL *)p[2] + r * O : 0, .relu = (int)n[4]});
        scratch_release(mark);
    }
}

/* sizes and pointers as of linear_backward; gradients of parameters grow where they are `started`. */
static void N(dense_back)(const long *n, void *const *p, int started)
{
    long rows = n[1], I = n[2], O = n[3];
    for (long r = 0; r < n[0]; r++) {
        Mark mark = scratch_mark();
        REAL *dw = (REAL *)p[5] + r * O * I, *db = p[6] ? (REAL *)p[6] + r * O : 0;
        Right right = {0};
        if (p[4]) right = N(pack)((const REAL *)p[1] + r * O * I, I, 1, O, I);
        if (db && !started) memset(db, 0, (size_t)O * sizeof(REAL));
        for (long i = 0; i < rows; i += DENSE_ROWS) {
            Mark inner = scratch_mark();
            long count = least(DENSE_ROWS, rows - i), at = r * rows + i;
            const REAL *x = (const REAL *)p[0] + at * I, *dy = (const REAL *)p[3] + at * O;
            if (p[2]) {
                REAL *masked = TAKE(count * O);
                N(relu_back)(count * O, dy, (const REAL *)p[2] + at * O, masked);
                dy = masked;
            }
            if (db) N(column_sums)(count, O, dy, db);
            if (I < 8) /* few inputs: let the vectors run along the outputs */
                N(product)(I, O, count, (Left){x, 1, I, 0, 0}, N(pack)(dy, O, 1, count, O), (Out){.c = dw, .row = 1, .column = I, .accumulate = started || i > 0});
            else
                N(product)(O, I, count, (Left){dy, 1, O, 0, 0}, N(pack)(x, I, 1, count, I), (Out){.c = dw, .row = I, .column = 1, .accumulate = started || i > 0});
            if (p[4]) N(product)(count, I, O, (Left){dy, O, 1, 0, 0}, right, (Out){.c = (REAL *)p[4] + at * I, .row = I, .column = 1});
            scratch_release(inner);
        }
        scratch_release(mark);
    }
}

/* pointers: x, weight, y (with ReLU, else null), dy, then dx or null, dweight, dbias or null. */
void N(linear_backward)(const long *n, void *const *p) { N(dense_back)(n, p, 0); }

/* sizes: R, B, K. pointers: logits, targets int64 [R,B], weights [R,B] or null (1 / B), losses [R], gradients [R,B,K].
 * The exponentials are one run over all rows: a row of few classes does not fill a vector. */
void N(cross_entropy)(const long *n, void *const *p)
{
    long B = n[1], K = n[2];
    for (long r = 0; r < n[0]; r++) {
        const REAL *logits = (const REAL *)p[0] + r * B * K, *weights = p[2] ? (const REAL *)p[2] + r * B : 0;
        const int64_t *targets = (const int64_t *)p[1] + r * B;
        REAL *gradients = (REAL *)p[4] + r * B * K;
        double total = 0;
        for (long b = 0; b < B; b++) {
            const REAL *x = logits + b * K;
            REAL top = x[0], *restrict g = gradients + b * K;
            for (long k = 1; k < K; k++) top = x[k] > top ? x[k] : top;
            for (long k = 0; k < K; k++) g[k] = x[k] - top;
            if (!weights || weights[b] != 0) total -= (double)(weights ? weights[b] : 1 / (REAL)B) * (double)g[targets[b]];
        }
        for (long i = 0; i < B * K; i++) gradients[i] = N(exponential)(gradients[i]);
        for (long b = 0; b < B; b++) {
            REAL *restrict g = gradients + b * K, weight = weights ? weights[b] : 1 / (REAL)B, sum = 0;
            if (weight == 0) {
                memset(g, 0, (size_t)K * sizeof(REAL));
                continue;
            }
            for (long k = 0; k < K; k++) sum += g[k];
            total += (double)weight * log((double)sum);
            REAL part = weight / sum;
            for (long k = 0; k < K; k++) g[k] *= part;
            g[targets[b]] -= weight;
        }
        ((REAL *)p[3])[r] = (REAL)total;
    }
}

/* sizes: R, P. pointers: parameters, gradients, mean, square, then a row of 7 numbers a replica: scale of gradients,
 * 1 - beta1, beta2, 1 - lr * decay, lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t), epsilon. */
void N(adamw)(const long *n, void *const *p)
{
    for (long r = 0; r < n[0]; r++) {
        const REAL *c = (const REAL *)p[4] + 7 * r, *restrict gradients = (const REAL *)p[1] + r * n[1];
        REAL scale = c[0], first = c[1], second = c[2], shrink = c[3], rate = c[4], correction = c[5], epsilon = c[6];
        REAL *restrict parameters = (REAL *)p[0] + r * n[1], *restrict mean = (REAL *)p[2] + r * n[1], *restrict square = (REAL *)p[3] + r * n[1];
        for (long i = 0; i < n[1]; i++) {
            REAL g = gradients[i] * scale;
            REAL m = mean[i] + first * (g - mean[i]), s = second * square[i] + (1 - second) * g * g;
            mean[i] = m;
            square[i] = s;
            parameters[i] = parameters[i] * shrink - rate * m / (N(root)(s) * correction + epsilon);
        }
    }
}
