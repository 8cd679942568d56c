/* Networks that are a chain of layers, forward and back: whole trainings of them are in chain_train.c.
 *
 * A replica's weights, moments and activations stay in the cache from step to step, and nothing but the loss leaves
 * this file on the way: no graph, no call from outside per layer. The layers are those of dense.c, convolution.c,
 * block.c and sequence.c; activations are channels last. chain.py writes the program, OP_WORDS numbers a layer:
 *   kind, values of an example going in and out, slots of weight and bias (-1: none), then by kind
 *   DENSE        inputs, outputs, ReLU, positions of an example (each by itself)
 *   CONVOLUTION  C, H, W, O, kernel (2), stride (2), padding (2), ReLU
 *   POOL         H, W, C, size
 *   TRANSPOSE         rows, columns: every example's matrix turned (channels last to channels first, or back)
 *   SUMMARY      P positions, C channels: all values channels first, then each channel's largest value
 *   GATHER       number of the table that says for each value where it comes from (-1: it is 0)
 *   OFFSETS      - (the weight is added to every example)
 *   FEATURES     F features, D
 *   NORM         T positions, D, the bits of epsilon as a double
 *   BLOCK        T, D, heads, feed-forward units, the bits of epsilon; its 12 parameters lie in slots side by side
 *   MEAN         T, D
 *   EMBEDDING    T, D, words (a row of the weight [words, D] for each word, whose number the batch holds; word 0 is none)
 *
 * Where examples have lengths, positions beyond them are no keys of the blocks and no part of the mean, and a microbatch of
 * examples are only as many positions long as the longest of them (`now`), from the EMBEDDING or GATHER to the MEAN.
 *
 * With Transformer blocks a step goes forward and back with a microbatch of examples after the other (`microbatch`), so that what lies
 * between the two stays in the cache; gradients are added up.
 */
#define Chain N(Chain)
#define ROOM(count) (((count) + 47) / 16 * 16) /* numbers with the cache line to spare that vectors may read */
#define BLOCK_ROOM ROOM((long)(sizeof(Block) / sizeof(REAL)))

typedef struct {
    long count, slots;
    const long *ops;
    REAL *weights[CHAIN_SLOTS], *means[CHAIN_SLOTS], *squares[CHAIN_SLOTS]; /* of this replica */
    REAL *gradients[CHAIN_SLOTS];
    long sizes[CHAIN_SLOTS];
    REAL *x[CHAIN_OPS + 1]; /* x[0]: the batch; x[i + 1]: what op i makes of x[i] */
    REAL *saved[CHAIN_OPS]; /* what a NORM or a BLOCK needs on the way back */
    Block *blocks[CHAIN_OPS];
    const int64_t *const *tables;
    long positions, now; /* T where there are lengths, else 0; and what the longest of this microbatch has of it */
    uint8_t *real; /* [microbatch, now] */
} Chain;

/* Which positions of these examples are real; `indices` null: the examples lie one after the other. */
static void N(chain_lengths)(Chain *s, long rows, const int64_t *lengths, const int64_t *indices)
{
    if (!s->positions) return;
    s->now = 1;
    for (long b = 0; b < rows; b++) {
        long length = least((long)lengths[indices ? indices[b] : b], s->positions);
        s->now = length > s->now ? length : s->now;
    }
    for (long b = 0; b < rows; b++) {
        long length = least((long)lengths[indices ? indices[b] : b], s->positions);
        for (long t = 0; t < s->now; t++) s->real[b * s->now + t] = t == 0 || t < length;
    }
}

/* The number whose double has these bits. */
static REAL N(number_of)(long word)
{
    double number;
    memcpy(&number, &word, sizeof number);
    return (REAL)number;
}

/* Numbers that an op keeps of so many examples, and its part of them. */
static long N(saved_of)(const long *l, long examples, REAL *room, Saved *saved)
{
    long widths[9], total = 0;
    int parts = saved_widths(l, widths);
    REAL **part = (REAL **)saved;
    for (int i = 0; i < parts; i++) {
        if (saved) part[i] = room + total;
        total += ROOM(examples * l[5] * widths[i]);
    }
    return total;
}

/* Before each step: the blocks' weights are new. */
static void N(chain_pack)(Chain *s, int moments)
{
    for (long i = 0; i < s->count; i++)
        for (int back = 0; back <= moments && s->blocks[i]; back++)
            N(block_pack)(s->blocks[i], (REAL *)s->blocks[i] + BLOCK_ROOM + back * N(block_pack_size)(s->blocks[i]->D, s->blocks[i]->F), back);
}

static void N(transpose_each)(long examples, long rows, long columns, const REAL *restrict from, REAL *restrict to, long from_row, long to_row)
{
    for (long e = 0; e < examples; e++, from += from_row, to += to_row)
        for (long c = 0; c < columns; c++)
            for (long r = 0; r < rows; r++) to[c * rows + r] = from[r * columns + c];
}

static void N(summary)(long examples, long P, long C, const REAL *x, REAL *y)
{
    N(transpose_each)(examples, P, C, x, y, P * C, P * C + C);
    for (long e = 0; e < examples; e++) {
        const REAL *restrict from = x + e * P * C;
        REAL *restrict top = y + e * (P * C + C) + P * C;
        memcpy(top, from, (size_t)C * sizeof(REAL));
        for (long p = 1; p < P; p++)
            for (long c = 0; c < C; c++) top[c] = top[c] >= from[p * C + c] || top[c] != top[c] ? top[c] : from[p * C + c];
    }
}

/* Places that share the largest value share its gradient, as with torch's amax. */
static void N(summary_back)(long examples, long P, long C, const REAL *x, const REAL *y, const REAL *dy, REAL *dx)
{
    N(transpose_each)(examples, C, P, dy, dx, P * C + C, P * C);
    for (long e = 0; e < examples; e++) {
        const REAL *from = x + e * P * C, *top = y + e * (P * C + C) + P * C, *d = dy + e * (P * C + C) + P * C;
        REAL *to = dx + e * P * C;
        for (long c = 0; c < C; c++) {
            long same = 0;
            for (long p = 0; p < P; p++) same += from[p * C + c] == top[c];
            REAL part = same ? d[c] / (REAL)same : 0;
            for (long p = 0; p < P; p++) to[p * C + c] += from[p * C + c] == top[c] ? part : 0;
        }
    }
}

#define HERE(positions) (masked ? s->now : (positions))
#define PART(values) (masked ? (values) / s->positions * s->now : (values))
static void N(chain_forward)(Chain *s, long rows)
{
    Saved saved;
    long masked = s->positions; /* up to the mean */
    for (long i = 0; i < s->count; i++) {
        const long *l = s->ops + i * OP_WORDS, *n = l + 5;
        REAL *x = s->x[i], *y = s->x[i + 1], *bias = l[4] < 0 ? 0 : s->weights[l[4]];
        switch (l[0]) {
        case DENSE: N(linear_forward)((long[]){1, rows * HERE(n[3]), n[0], n[1], n[2]}, (void *[]){x, s->weights[l[3]], bias, y}); break;
        case CONVOLUTION:
            N(convolution_forward)((long[]){1, rows, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10]},
                                   (void *[]){x, s->weights[l[3]], bias, y});
            break;
        case POOL: N(pool_forward)((long[]){rows, n[0], n[1], n[2], n[3]}, (void *[]){x, y}); break;
        case TRANSPOSE: N(transpose_each)(rows, n[0], n[1], x, y, l[1], l[1]); break;
        case SUMMARY: N(summary)(rows, n[0], n[1], x, y); break;
        case GATHER: N(gather)(rows, l[1], PART(l[2]), s->tables[n[0]], masked ? s->real : 0, HERE(1), x, y); break;
        case OFFSETS: N(offsets)(rows, PART(l[1]), x, s->weights[l[3]], y); break;
        case FEATURES: N(features)(rows, n[0], n[1], x, s->weights[l[3]], bias, y); break;
        case NORM: N(norm_rows)(rows * HERE(n[0]), n[1], x, s->weights[l[3]], bias, N(number_of)(n[2]), y, s->saved[i]); break;
        case BLOCK:
            N(saved_of)(l, rows, s->saved[i], &saved);
            s->blocks[i]->T = HERE(n[0]);
            N(block_rows)(s->blocks[i], rows, masked ? s->real : 0, x, saved, y);
            break;
        case MEAN:
            N(mean)(rows, HERE(n[0]), n[1], masked ? s->real : 0, x, y);
            masked = 0;
            break;
        case EMBEDDING: N(embedding)(rows, HERE(n[0]), n[0], n[1], x, s->weights[l[3]], y); break;
        }
    }
}

/* `slope` holds the outputs' gradient; `other` is as large as the largest layer. Ops before `first` have no weights. */
static void N(chain_backward)(Chain *s, long rows, long first, int started, REAL *slope, REAL *other)
{
    Saved saved;
    long masked = 0;
    for (long i = s->count - 1; i >= first; i--) {
        const long *l = s->ops + i * OP_WORDS, *n = l + 5;
        REAL *x = s->x[i], *y = s->x[i + 1], *dx = i > first ? other : 0;
        REAL *dw = l[3] < 0 ? 0 : s->gradients[l[3]], *db = l[4] < 0 ? 0 : s->gradients[l[4]];
        switch (l[0]) {
        case DENSE:
            N(dense_back)((long[]){1, rows * HERE(n[3]), n[0], n[1], n[2]}, (void *[]){x, s->weights[l[3]], n[2] ? y : 0, slope, dx, dw, db}, started);
            break;
        case CONVOLUTION:
            N(convolution_backward)((long[]){1, rows, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10]},
                                    (void *[]){x, s->weights[l[3]], n[10] ? y : 0, slope, dx, dw, db});
            break;
        case POOL: N(pool_backward)((long[]){rows, n[0], n[1], n[2], n[3]}, (void *[]){x, y, slope, dx}); break;
        case TRANSPOSE: N(transpose_each)(rows, n[1], n[0], slope, dx, l[1], l[1]); break;
        case SUMMARY: N(summary_back)(rows, n[0], n[1], x, y, slope, dx); break;
        case GATHER: N(gather_back)(rows, l[1], l[2], s->tables[n[0]], slope, dx); break;
        case OFFSETS: N(offsets_back)(rows, l[1], PART(l[1]), slope, dw, dx, started); break;
        case FEATURES: N(features_back)(rows, n[0], n[1], x, s->weights[l[3]], slope, dw, db, dx, started); break;
        case NORM:
            if (!started) memset(dw, 0, (size_t)n[1] * sizeof(REAL)), memset(db, 0, (size_t)n[1] * sizeof(REAL));
            N(norm_back)(rows * HERE(n[0]), n[1], x, s->weights[l[3]], s->saved[i], slope, 0, other, dw, db);
            break;
        case BLOCK:
            N(saved_of)(l, rows, s->saved[i], &saved);
            N(block_rows_back)(s->blocks[i], rows, masked ? s->real : 0, x, saved, slope, s->gradients + l[3], started, dx);
            break;
        case MEAN:
            masked = s->positions;
            N(mean_back)(rows, HERE(n[0]), n[1], masked ? s->real : 0, slope, dx);
            break;
        case EMBEDDING: N(embedding_back)(rows, HERE(n[0]), n[0], n[1], s->sizes[l[3]], x, slope, dw, started); break;
        }
        REAL *swap = slope;
        slope = other;
        other = swap;
    }
}

/* The part of these rows in the mean loss of `all` rows, and its gradient; targets are classes or, with `numbers`, values. */
static REAL N(chain_loss)(long rows, long all, long K, const REAL *outputs, const void *targets, long numbers, REAL *slope)
{
    REAL loss = 0;
    if (!numbers) {
        Mark mark = scratch_mark();
        REAL *shares = rows < all ? TAKE(rows) : 0;
        for (long i = 0; i < rows && shares; i++) shares[i] = 1 / (REAL)all;
        N(cross_entropy)((long[]){1, rows, K}, (void *[]){(void *)outputs, (void *)targets, shares, &loss, slope});
        scratch_release(mark);
        return loss;
    }
    const REAL *wanted = targets;
    double total = 0;
    for (long i = 0; i < rows * K; i++) {
        REAL difference = outputs[i] - wanted[i];
        total += (double)difference * (double)difference;
        slope[i] = difference * (2 / (REAL)(all * K));
    }
    return (REAL)(total / (double)(all * K));
}
