/* Elman's RNN, the LSTM and the GRU over all steps, for each replica; torch's order of gates (LSTM i f g o, GRU r z n).
 *
 * One row a (step, example) holds [h before the step | x | 1], so that one product with [W_hh | W_ih | b]^T gives the
 * gates and one product with its transpose gives all gradients of weights and biases. The GRU's new state needs
 * W_hn h + b_hn apart from W_in x + b_in: the first stands in the gates' third part, the second in a product of its own.
 */

#define RecurrentSizes N(RecurrentSizes)
typedef struct {
    long cell, R, B, T, I, H, bias, gates, saved, row, products;
} RecurrentSizes;

/* sizes: cell, R, B, T, I, H, whether there are biases. Saved for each (step, example): `saved` * H numbers. */
static RecurrentSizes N(recurrent_sizes)(const long *n)
{
    RecurrentSizes s = {n[0], n[1], n[2], n[3], n[4], n[5], n[6], 0, 0, 0, 0};
    s.gates = cell_gates[s.cell], s.saved = cell_saved[s.cell];
    s.products = s.cell == GRU ? 4 : s.gates; /* parts of a row of gradients: the GRU's r z n_h n_x */
    s.row = s.H + s.I + 1;
    return s;
}

#define BATCH_BLOCK 120
#define STEP_CHUNK 4

/* [W_hh | W_ih | b]^T, [row, gates * H], and for the GRU [W_in | b_in]^T, [I + 1, H]. */
static REAL *N(recurrent_weights)(RecurrentSizes s, const REAL *ih, const REAL *hh, const REAL *bih, const REAL *bhh,
                                  REAL *apart)
{
    long width = s.gates * s.H;
    REAL *w = TAKE(s.row * width);
    for (long g = 0; g < width; g++) {
        int alone = s.cell == GRU && g >= 2 * s.H;
        for (long j = 0; j < s.H; j++) w[j * width + g] = hh[g * s.H + j];
        for (long j = 0; j < s.I; j++) w[(s.H + j) * width + g] = alone ? 0 : ih[g * s.I + j];
        w[(s.H + s.I) * width + g] = s.bias ? bhh[g] + (alone ? 0 : bih[g]) : 0;
        if (!alone) continue;
        for (long j = 0; j < s.I; j++) apart[j * s.H + g - 2 * s.H] = ih[g * s.I + j];
        apart[s.I * s.H + g - 2 * s.H] = s.bias ? bih[g] : 0;
    }
    return w;
}

/* One example's step forward: gates before their functions -> what is saved, and the new state. */
INLINE void N(cell_forward)(long cell, long H, const REAL *restrict gates, const REAL *restrict apart,
                            const REAL *restrict before, const REAL *restrict c_before, REAL *restrict saved,
                            REAL *restrict h)
{
    if (cell == RNN)
        for (long j = 0; j < H; j++) saved[j] = h[j] = N(tangent)(gates[j]);
    else if (cell == LSTM)
        for (long j = 0; j < H; j++) {
            REAL i = N(logistic)(gates[j]), f = N(logistic)(gates[H + j]);
            REAL g = N(tangent)(gates[2 * H + j]), o = N(logistic)(gates[3 * H + j]);
            REAL c = f * c_before[j] + i * g;
            saved[j] = i, saved[H + j] = f, saved[2 * H + j] = g, saved[3 * H + j] = o, saved[4 * H + j] = c;
            h[j] = o * N(tangent)(c);
        }
    else
        for (long j = 0; j < H; j++) {
            REAL r = N(logistic)(gates[j]), z = N(logistic)(gates[H + j]), own = gates[2 * H + j];
            REAL n = N(tangent)(apart[j] + r * own);
            saved[j] = r, saved[H + j] = z, saved[2 * H + j] = n, saved[3 * H + j] = own;
            h[j] = n + z * (before[j] - n);
        }
}

/* One example's step backward: the gradient of h (and c) -> gradients of the gates, and what flows to the step before. */
INLINE void N(cell_backward)(long cell, long H, const REAL *restrict saved, const REAL *restrict before,
                             const REAL *restrict c_before, REAL *restrict dh, REAL *restrict dc, REAL *restrict g)
{
    if (cell == RNN)
        for (long j = 0; j < H; j++) {
            g[j] = dh[j] * (1 - saved[j] * saved[j]);
            dh[j] = 0;
        }
    else if (cell == LSTM)
        for (long j = 0; j < H; j++) {
            REAL i = saved[j], f = saved[H + j], n = saved[2 * H + j], o = saved[3 * H + j], t = N(tangent)(saved[4 * H + j]);
            REAL d = dc[j] + dh[j] * o * (1 - t * t);
            g[j] = d * n * i * (1 - i);
            g[H + j] = d * c_before[j] * f * (1 - f);
            g[2 * H + j] = d * i * (1 - n * n);
            g[3 * H + j] = dh[j] * t * o * (1 - o);
            dc[j] = d * f;
            dh[j] = 0;
        }
    else
        for (long j = 0; j < H; j++) {
            REAL r = saved[j], z = saved[H + j], n = saved[2 * H + j], own = saved[3 * H + j];
            REAL dn = dh[j] * (1 - z) * (1 - n * n);
            g[j] = dn * own * r * (1 - r);
            g[H + j] = dh[j] * (before[j] - n) * z * (1 - z);
            g[2 * H + j] = dn * r;
            g[3 * H + j] = dn;
            dh[j] = dh[j] * z;
        }
}

/* pointers: x [R,B,T,I], W_ih, W_hh, b_ih, b_hh, states [R,T,B,H], rows [R,T,B,row], saved [R,T,B,saved*H].
 * Without a backward pass to come (sizes[7] = 0) `rows` and `saved` are null and one step's worth of each is used. */
void N(recurrent_forward)(const long *n, void *const *p)
{
    RecurrentSizes s = N(recurrent_sizes)(n);
    int keep = (int)n[7];
    long width = s.gates * s.H;
    for (long r = 0; r < s.R; r++) {
        Mark mark = scratch_mark();
        const REAL *x = (const REAL *)p[0] + r * s.B * s.T * s.I;
        const REAL *bih = s.bias ? (const REAL *)p[3] + r * width : 0, *bhh = s.bias ? (const REAL *)p[4] + r * width : 0;
        REAL *apart = TAKE((s.I + 1) * s.H);
        REAL *w = N(recurrent_weights)(s, (const REAL *)p[1] + r * width * s.I, (const REAL *)p[2] + r * width * s.H, bih,
                                       bhh, apart);
        Right right = N(pack)(w, width, 1, s.row, width), right_apart = N(pack)(apart, s.H, 1, s.I + 1, s.H);
        REAL *gates = TAKE(BATCH_BLOCK * width), *given = TAKE(BATCH_BLOCK * s.H), *zeros = TAKE(s.H);
        REAL *own_rows = TAKE(keep ? 1 : 2 * BATCH_BLOCK * s.row);
        REAL *own_saved = TAKE(keep ? 1 : 2 * BATCH_BLOCK * s.saved * s.H);
        memset(zeros, 0, (size_t)s.H * sizeof(REAL));
        for (long b0 = 0; b0 < s.B; b0 += BATCH_BLOCK) {
            long count = least(BATCH_BLOCK, s.B - b0);
            for (long t = 0; t < s.T; t++) {
                long at = (r * s.T + t) * s.B + b0;
                REAL *rows = keep ? (REAL *)p[6] + at * s.row : own_rows + t % 2 * BATCH_BLOCK * s.row;
                REAL *next = keep ? rows + s.B * s.row : own_rows + (t + 1) % 2 * BATCH_BLOCK * s.row;
                REAL *saved = keep ? (REAL *)p[7] + at * s.saved * s.H : own_saved + t % 2 * BATCH_BLOCK * s.saved * s.H;
                REAL *saved_before = keep ? saved - s.B * s.saved * s.H : own_saved + (t + 1) % 2 * BATCH_BLOCK * s.saved * s.H;
                REAL *states = (REAL *)p[5] + at * s.H;
                for (long b = 0; b < count; b++) {
                    REAL *row = rows + b * s.row;
                    if (t == 0) memset(row, 0, (size_t)s.H * sizeof(REAL));
                    for (long j = 0; j < s.I; j++) row[s.H + j] = x[((b0 + b) * s.T + t) * s.I + j];
                    row[s.H + s.I] = 1;
                }
                N(product)(count, width, s.row, (Left){rows, s.row, 1, 0, 0}, right, (Out){.c = gates, .row = width, .column = 1});
                if (s.cell == GRU)
                    N(product)(count, s.H, s.I + 1, (Left){rows + s.H, s.row, 1, 0, 0}, right_apart,
                               (Out){.c = given, .row = s.H, .column = 1});
                for (long b = 0; b < count; b++) {
                    REAL *h = states + b * s.H;
                    N(cell_forward)(s.cell, s.H, gates + b * width, given + b * s.H, rows + b * s.row,
                                    t ? saved_before + (b * s.saved + s.saved - 1) * s.H : zeros, saved + b * s.saved * s.H, h);
                    if (t + 1 < s.T) memcpy(next + b * s.row, h, (size_t)s.H * sizeof(REAL));
                }
            }
        }
        scratch_release(mark);
    }
}

/* pointers: W_ih, W_hh, rows, saved, gradient of states (strides in numbers: sizes[8] replica, [9] batch, [10] step),
 * then the results: dx [R,B,T,I] or null, dW_ih, dW_hh, db_ih, db_hh. */
void N(recurrent_backward)(const long *n, void *const *p)
{
    RecurrentSizes s = N(recurrent_sizes)(n);
    long width = s.gates * s.H, wide = s.products * s.H;
    for (long r = 0; r < s.R; r++) {
        Mark mark = scratch_mark();
        const REAL *ih = (const REAL *)p[0] + r * width * s.I, *hh = (const REAL *)p[1] + r * width * s.H;
        long shared = s.cell == GRU ? 2 * s.H : width; /* gates whose gradients are the same for x and h */
        Right right = N(pack)(hh, s.H, 1, width, s.H), right_x = {0}, right_x_apart = {0};
        if (p[5]) {
            right_x = N(pack)(ih, s.I, 1, shared, s.I);
            if (s.cell == GRU) right_x_apart = N(pack)(ih + shared * s.I, s.I, 1, s.H, s.I);
        }
        REAL *dw = TAKE(s.row * width), *dw_apart = TAKE((s.I + 1) * s.H), *zeros = TAKE(s.H);
        REAL *g = TAKE(STEP_CHUNK * BATCH_BLOCK * wide), *dh = TAKE(BATCH_BLOCK * s.H), *dc = TAKE(BATCH_BLOCK * s.H);
        memset(zeros, 0, (size_t)s.H * sizeof(REAL));
        int started = 0;
        for (long b0 = 0; b0 < s.B; b0 += BATCH_BLOCK) {
            long count = least(BATCH_BLOCK, s.B - b0);
            memset(dh, 0, (size_t)(count * s.H) * sizeof(REAL));
            memset(dc, 0, (size_t)(count * s.H) * sizeof(REAL));
            for (long t = s.T - 1; t >= 0; t--) {
                long at = (r * s.T + t) * s.B + b0, place = t % STEP_CHUNK;
                const REAL *rows = (REAL *)p[2] + at * s.row, *saved = (REAL *)p[3] + at * s.saved * s.H;
                REAL *gt = g + place * count * wide;
                for (long b = 0; b < count; b++) {
                    const REAL *d = (REAL *)p[4] + r * n[8] + (b0 + b) * n[9] + t * n[10];
                    REAL *dhb = dh + b * s.H;
                    for (long j = 0; j < s.H; j++) dhb[j] += d[j];
                    N(cell_backward)(s.cell, s.H, saved + b * s.saved * s.H, rows + b * s.row,
                                     t ? saved + (b - s.B) * s.saved * s.H + (s.saved - 1) * s.H : zeros, dhb, dc + b * s.H,
                                     gt + b * wide);
                }
                if (t) /* the state before the first step is given */
                    N(product)(count, s.H, width, (Left){gt, wide, 1, 0, 0}, right,
                               (Out){.c = dh, .row = s.H, .column = 1, .accumulate = 1});
                if (p[5]) {
                    Out out = {.c = (REAL *)p[5] + ((r * s.B + b0) * s.T + t) * s.I, .row = s.T * s.I, .column = 1};
                    N(product)(count, s.I, shared, (Left){gt, wide, 1, 0, 0}, right_x, out);
                    out.accumulate = 1;
                    if (s.cell == GRU) N(product)(count, s.I, s.H, (Left){gt + 3 * s.H, wide, 1, 0, 0}, right_x_apart, out);
                }
                if (place) continue;
                long steps = least(STEP_CHUNK, s.T - t), depth = count == s.B ? steps * count : count;
                for (long i = 0; i < steps * count; i += depth) { /* all steps of the chunk at once where they lie together */
                    const REAL *from = rows + i / count * s.B * s.row, *gi = g + i * wide;
                    Mark inner = scratch_mark();
                    Right all = width % VL == 0 ? (Right){gi, wide} : N(pack)(gi, wide, 1, depth, width);
                    N(product)(s.row, width, depth, (Left){from, 1, s.row, 0, 0}, all,
                               (Out){.c = dw, .row = width, .column = 1, .accumulate = started});
                    if (s.cell == GRU) {
                        Right apart = N(pack)(gi + 3 * s.H, wide, 1, depth, s.H);
                        N(product)(s.I + 1, s.H, depth, (Left){from + s.H, 1, s.row, 0, 0}, apart,
                                   (Out){.c = dw_apart, .row = s.H, .column = 1, .accumulate = started});
                    }
                    started = 1;
                    scratch_release(inner);
                }
            }
        }
        REAL *dih = (REAL *)p[6] + r * width * s.I, *dhh = (REAL *)p[7] + r * width * s.H;
        for (long k = 0; k < width; k++) {
            int alone = s.cell == GRU && k >= shared;
            for (long j = 0; j < s.H; j++) dhh[k * s.H + j] = dw[j * width + k];
            for (long j = 0; j < s.I; j++)
                dih[k * s.I + j] = alone ? dw_apart[j * s.H + k - shared] : dw[(s.H + j) * width + k];
            if (!s.bias) continue;
            ((REAL *)p[9])[r * width + k] = dw[(s.H + s.I) * width + k];
            ((REAL *)p[8])[r * width + k] = alone ? dw_apart[s.I * s.H + k - shared] : dw[(s.H + s.I) * width + k];
        }
        scratch_release(mark);
    }
}
