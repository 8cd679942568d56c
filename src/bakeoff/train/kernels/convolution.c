/* Small convolutions and maximum pooling in channels-last memory; a series is an image of height 1.
 *
 * No matrix of windows is written: element (output position, kernel position) of that matrix is the padded input at
 * rows[position] + steps[kernel position], which is how `product` reads its left side. The weights' gradient is the
 * same with the two tables changed over. Only the input's gradient is written as windows and added up.
 */
#define Convolution N(Convolution)
#define CONVOLUTION_ROWS 480

typedef struct {
    long R, B, C, H, W, O, kh, kw, sh, sw, ph, pw, relu, Hout, Wout, Hpad, Wpad, depth, places, size, examples;
    int32_t *rows, *steps;
} Convolution;

/* sizes: R, B, C, H, W, O, kernel (2), stride (2), padding (2), ReLU. Takes scratch for the two tables. */
static Convolution N(convolution_sizes)(const long *n)
{
    Convolution s = {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], n[12], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    s.Hpad = s.H + 2 * s.ph, s.Wpad = s.W + 2 * s.pw;
    s.Hout = (s.Hpad - s.kh) / s.sh + 1, s.Wout = (s.Wpad - s.kw) / s.sw + 1;
    s.depth = s.kh * s.kw * s.C, s.places = s.Hout * s.Wout, s.size = s.Hpad * s.Wpad * s.C;
    s.examples = CONVOLUTION_ROWS / s.places > 1 ? CONVOLUTION_ROWS / s.places : 1;
    s.rows = scratch_take((size_t)(s.examples * s.places) * sizeof(int32_t));
    s.steps = scratch_take((size_t)s.depth * sizeof(int32_t));
    for (long e = 0, m = 0; e < s.examples; e++)
        for (long i = 0; i < s.Hout; i++)
            for (long j = 0; j < s.Wout; j++) s.rows[m++] = (int32_t)(e * s.size + (i * s.sh * s.Wpad + j * s.sw) * s.C);
    for (long i = 0, k = 0; i < s.kh; i++)
        for (long j = 0; j < s.kw * s.C; j++) s.steps[k++] = (int32_t)(i * s.Wpad * s.C + j);
    return s;
}

/* weight [O, C, kh, kw] as [kh, kw, C, O]; or back. */
static void N(turn_weight)(Convolution s, REAL *weight, REAL *turned, int back)
{
    for (long o = 0; o < s.O; o++)
        for (long c = 0; c < s.C; c++)
            for (long k = 0; k < s.kh * s.kw; k++) {
                REAL *a = weight + (o * s.C + c) * s.kh * s.kw + k, *b = turned + (k * s.C + c) * s.O + o;
                if (back) *a = *b;
                else *b = *a;
            }
}

/* Examples [count, H, W, C] into (or, `back`, out of) a frame of padding; the frame itself is left as it is. */
static void N(frame)(Convolution s, long count, REAL *x, REAL *padded, int back)
{
    for (long e = 0; e < count; e++)
        for (long i = 0; i < s.H; i++) {
            REAL *inside = padded + e * s.size + ((i + s.ph) * s.Wpad + s.pw) * s.C, *line = x + (e * s.H + i) * s.W * s.C;
            if (back) memcpy(line, inside, (size_t)(s.W * s.C) * sizeof(REAL));
            else memcpy(inside, line, (size_t)(s.W * s.C) * sizeof(REAL));
        }
}

/* pointers: x [R,B,H,W,C], weight [R,O,C,kh,kw], bias [R,O] or null, y [R,B,Hout,Wout,O]. */
void N(convolution_forward)(const long *n, void *const *p)
{
    Mark mark = scratch_mark();
    Convolution s = N(convolution_sizes)(n);
    REAL *padded = TAKE(s.examples * s.size), *turned = TAKE(s.depth * s.O);
    memset(padded, 0, (size_t)(s.examples * s.size) * sizeof(REAL));
    for (long r = 0; r < s.R; r++) {
        Mark inner = scratch_mark();
        N(turn_weight)(s, (REAL *)p[1] + r * s.O * s.depth, turned, 0);
        Right right = N(pack)(turned, s.O, 1, s.depth, s.O);
        for (long b = 0; b < s.B; b += s.examples) {
            long count = least(s.examples, s.B - b), at = r * s.B + b;
            N(frame)(s, count, (REAL *)p[0] + at * s.H * s.W * s.C, padded, 0);
            N(product)(count * s.places, s.O, s.depth, (Left){padded, 0, 0, s.rows, s.steps}, right,
                       (Out){.c = (REAL *)p[3] + at * s.places * s.O, .row = s.O, .column = 1, .bias = p[2] ? (const REAL *)p[2] + r * s.O : 0,
                             .relu = (int)s.relu});
        }
        scratch_release(inner);
    }
    scratch_release(mark);
}

/* pointers: x, weight, y (with ReLU, else null), dy, then dx or null, dweight, dbias or null. */
void N(convolution_backward)(const long *n, void *const *p)
{
    Mark mark = scratch_mark();
    Convolution s = N(convolution_sizes)(n);
    REAL *padded = TAKE(s.examples * s.size), *turned = TAKE(s.depth * s.O), *masked = TAKE(s.examples * s.places * s.O);
    REAL *windows = TAKE(p[4] ? s.examples * s.places * s.depth : 1), *dpadded = TAKE(p[4] ? s.examples * s.size : 1);
    memset(padded, 0, (size_t)(s.examples * s.size) * sizeof(REAL));
    for (long r = 0; r < s.R; r++) {
        Mark inner = scratch_mark();
        REAL *db = p[6] ? (REAL *)p[6] + r * s.O : 0;
        Right right = {0};
        if (p[4]) {
            N(turn_weight)(s, (REAL *)p[1] + r * s.O * s.depth, turned, 0);
            right = N(pack)(turned, 1, s.O, s.O, s.depth);
        }
        if (db) memset(db, 0, (size_t)s.O * sizeof(REAL));
        REAL *sums = TAKE(s.depth * s.O);
        for (long b = 0; b < s.B; b += s.examples) {
            Mark block = scratch_mark();
            long count = least(s.examples, s.B - b), at = r * s.B + b, rows = count * s.places;
            const REAL *dy = (const REAL *)p[3] + at * s.places * s.O;
            if (p[2]) {
                N(relu_back)(rows * s.O, dy, (const REAL *)p[2] + at * s.places * s.O, masked);
                dy = masked;
            }
            if (db) N(column_sums)(rows, s.O, dy, db);
            N(frame)(s, count, (REAL *)p[0] + at * s.H * s.W * s.C, padded, 0);
            N(product)(s.depth, s.O, rows, (Left){padded, 0, 0, s.steps, s.rows}, N(pack)(dy, s.O, 1, rows, s.O),
                       (Out){.c = sums, .row = s.O, .column = 1, .accumulate = b > 0});
            if (p[4]) {
                N(product)(rows, s.depth, s.O, (Left){dy, s.O, 1, 0, 0}, right, (Out){.c = windows, .row = s.depth, .column = 1});
                memset(dpadded, 0, (size_t)(count * s.size) * sizeof(REAL));
                long run = s.kw * s.C;
                for (long m = 0; m < rows; m++)
                    for (long i = 0; i < s.kh; i++) {
                        REAL *restrict to = dpadded + s.rows[m] + i * s.Wpad * s.C;
                        const REAL *restrict from = windows + m * s.depth + i * run;
                        for (long j = 0; j < run; j++) to[j] += from[j];
                    }
                N(frame)(s, count, (REAL *)p[4] + at * s.H * s.W * s.C, dpadded, 1);
            }
            scratch_release(block);
        }
        N(turn_weight)(s, (REAL *)p[5] + r * s.O * s.depth, sums, 1);
        scratch_release(inner);
    }
    scratch_release(mark);
}

/* sizes: images, H, W, C, size. pointers: x [images,H,W,C], y [images,H/size,W/size,C]. NaN is larger than all. */
void N(pool_forward)(const long *n, void *const *p)
{
    long H = n[1], W = n[2], C = n[3], size = n[4], Hout = H / size, Wout = W / size;
    for (long e = 0; e < n[0]; e++)
        for (long i = 0; i < Hout; i++)
            for (long j = 0; j < Wout; j++) {
                const REAL *x = (const REAL *)p[0] + ((e * H + i * size) * W + j * size) * C;
                REAL *restrict y = (REAL *)p[1] + ((e * Hout + i) * Wout + j) * C;
                memcpy(y, x, (size_t)C * sizeof(REAL));
                for (long k = 1; k < size * size; k++) {
                    const REAL *restrict other = x + (k / size * W + k % size) * C;
                    for (long c = 0; c < C; c++) y[c] = y[c] >= other[c] || y[c] != y[c] ? y[c] : other[c];
                }
            }
}

/* pointers: x, y, dy, dx. The first place that holds the largest value takes the gradient. */
void N(pool_backward)(const long *n, void *const *p)
{
    long H = n[1], W = n[2], C = n[3], size = n[4], Hout = H / size, Wout = W / size;
    Mark mark = scratch_mark();
    REAL *restrict left = TAKE(C);
    if (H % size || W % size) memset(p[3], 0, (size_t)(n[0] * H * W * C) * sizeof(REAL));
    for (long e = 0; e < n[0]; e++)
        for (long i = 0; i < Hout; i++)
            for (long j = 0; j < Wout; j++) {
                long at = ((e * Hout + i) * Wout + j) * C;
                const REAL *restrict y = (const REAL *)p[1] + at;
                memcpy(left, (const REAL *)p[2] + at, (size_t)C * sizeof(REAL));
                for (long k = 0; k < size * size; k++) {
                    long from = ((e * H + i * size + k / size) * W + j * size + k % size) * C;
                    const REAL *restrict x = (const REAL *)p[0] + from;
                    REAL *restrict dx = (REAL *)p[3] + from;
                    for (long c = 0; c < C; c++) {
                        REAL all = left[c];
                        dx[c] = x[c] == y[c] ? all : 0;
                        left[c] = x[c] == y[c] ? 0 : all;
                    }
                }
            }
    scratch_release(mark);
}
