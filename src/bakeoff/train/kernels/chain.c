/* Whole trainings of networks that are a chain of layers: many steps of one replica, then of the next.
 *
 * A replica's weights, moments and activations stay in the cache from step to step, and nothing but the loss leaves
 * this file on the way: no graph, no call from outside per layer. The layers are those of dense.c and convolution.c;
 * activations are channels last. chain.py writes the program, LINK_WORDS numbers a layer:
 *   kind, values of an example going in and out, slots of weight and bias (-1: none), then by kind
 *   DENSE        inputs, outputs, ReLU
 *   CONVOLUTION  C, H, W, O, kernel (2), stride (2), padding (2), ReLU
 *   POOL         H, W, C, size
 *   TURN         rows, columns: every example's matrix turned (channels last to channels first, or back)
 *   SUMMARY      P positions, C channels: all values channels first, then each channel's largest value
 */
#define Chain N(Chain)
#define ROOM(count) (((count) + 47) / 16 * 16) /* numbers with the cache line to spare that vectors may read */

typedef struct {
    long count, slots;
    const long *links;
    REAL *weights[CHAIN_SLOTS], *means[CHAIN_SLOTS], *squares[CHAIN_SLOTS]; /* of this replica */
    REAL *gradients[CHAIN_SLOTS];
    long sizes[CHAIN_SLOTS];
    REAL *x[CHAIN_LINKS + 1]; /* x[0]: the batch; x[i + 1]: what link i makes of x[i] */
} Chain;

static void N(turn_each)(long examples, long rows, long columns, const REAL *restrict from, REAL *restrict to, long from_row, long to_row)
{
    for (long e = 0; e < examples; e++, from += from_row, to += to_row)
        for (long c = 0; c < columns; c++)
            for (long r = 0; r < rows; r++) to[c * rows + r] = from[r * columns + c];
}

static void N(summary)(long examples, long P, long C, const REAL *x, REAL *y)
{
    N(turn_each)(examples, P, C, x, y, P * C, P * C + C);
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
    N(turn_each)(examples, C, P, dy, dx, P * C + C, P * C);
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

static void N(chain_forward)(Chain *s, long rows)
{
    for (long i = 0; i < s->count; i++) {
        const long *l = s->links + i * LINK_WORDS, *n = l + 5;
        REAL *x = s->x[i], *y = s->x[i + 1], *bias = l[4] < 0 ? 0 : s->weights[l[4]];
        switch (l[0]) {
        case DENSE: N(linear_forward)((long[]){1, rows, n[0], n[1], n[2]}, (void *[]){x, s->weights[l[3]], bias, y}); break;
        case CONVOLUTION:
            N(convolution_forward)((long[]){1, rows, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10]},
                                   (void *[]){x, s->weights[l[3]], bias, y});
            break;
        case POOL: N(pool_forward)((long[]){rows, n[0], n[1], n[2], n[3]}, (void *[]){x, y}); break;
        case TURN: N(turn_each)(rows, n[0], n[1], x, y, l[1], l[1]); break;
        case SUMMARY: N(summary)(rows, n[0], n[1], x, y); break;
        }
    }
}

/* `slope` holds the outputs' gradient; `other` is as large as the largest layer. Links before `first` have no weights. */
static void N(chain_backward)(Chain *s, long rows, long first, REAL *slope, REAL *other)
{
    for (long i = s->count - 1; i >= first; i--) {
        const long *l = s->links + i * LINK_WORDS, *n = l + 5;
        REAL *x = s->x[i], *y = s->x[i + 1], *dx = i > first ? other : 0;
        REAL *dw = l[3] < 0 ? 0 : s->gradients[l[3]], *db = l[4] < 0 ? 0 : s->gradients[l[4]];
        switch (l[0]) {
        case DENSE:
            N(linear_backward)((long[]){1, rows, n[0], n[1], n[2]}, (void *[]){x, s->weights[l[3]], n[2] ? y : 0, slope, dx, dw, db});
            break;
        case CONVOLUTION:
            N(convolution_backward)((long[]){1, rows, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10]},
                                    (void *[]){x, s->weights[l[3]], n[10] ? y : 0, slope, dx, dw, db});
            break;
        case POOL: N(pool_backward)((long[]){rows, n[0], n[1], n[2], n[3]}, (void *[]){x, y, slope, dx}); break;
        case TURN: N(turn_each)(rows, n[1], n[0], slope, dx, l[1], l[1]); break;
        case SUMMARY: N(summary_back)(rows, n[0], n[1], x, y, slope, dx); break;
        }
        REAL *swap = slope;
        slope = other;
        other = swap;
    }
}

/* Mean loss of the rows, and its gradient; targets are classes or, with `numbers`, values. */
static REAL N(chain_loss)(long rows, long K, const REAL *outputs, const void *targets, long numbers, REAL *slope)
{
    REAL loss = 0;
    if (!numbers) {
        N(cross_entropy)((long[]){1, rows, K}, (void *[]){(void *)outputs, (void *)targets, 0, &loss, slope});
        return loss;
    }
    const REAL *wanted = targets;
    double total = 0;
    for (long i = 0; i < rows * K; i++) {
        REAL difference = outputs[i] - wanted[i];
        total += (double)difference * (double)difference;
        slope[i] = difference * (2 / (REAL)(rows * K));
    }
    return (REAL)(total / (double)(rows * K));
}

/* One AdamW update of a replica; `settings`: weight decay, largest norm or 0, beta1, beta2, epsilon. */
static void N(chain_update)(const Chain *s, double rate, double step, const double *settings)
{
    double norm = 0, scale = 1;
    if (settings[1] > 0) {
        for (long k = 0; k < s->slots; k++) {
            double sum = 0;
            const REAL *restrict g = s->gradients[k];
#pragma omp simd reduction(+ : sum)
            for (long i = 0; i < s->sizes[k]; i++) sum += (double)g[i] * (double)g[i];
            norm += sum;
        }
        scale = settings[1] / (sqrt(norm) + 1e-6);
        scale = scale < 1 ? scale : norm != norm ? norm : 1;
    }
    REAL row[7] = {(REAL)scale, (REAL)(1 - settings[2]), (REAL)settings[3], (REAL)(1 - rate * settings[0]),
                   (REAL)(rate / (1 - pow(settings[2], step))), (REAL)(1 / sqrt(1 - pow(settings[3], step))), (REAL)settings[4]};
    for (long k = 0; k < s->slots; k++)
        N(adamw)((long[]){1, s->sizes[k]}, (void *[]){s->weights[k], s->gradients[k], s->means[k], s->squares[k], row});
}

/* sizes: R, largest batch B, steps, links, slots, values of an example, outputs, targets that are numbers (0, 1),
 *   steps taken before; then the links, then each slot's size.
 * pointers: inputs [N, values], targets int64 [N] or [N, outputs], positions int64 [steps, R, B], counts int64 [steps, R],
 *   rates double [steps, R], settings double [5], sums of the losses [R] (added to); then of each slot weights, means
 *   and squares [R, size].
 */
static Chain N(chain_start)(const long *n, void *const *tensors, long moments, long r)
{
    Chain s = {.count = n[3], .slots = n[4], .links = n + 9};
    const long *sizes = n + 9 + n[3] * LINK_WORDS;
    long total = ROOM(n[1] * n[5]);
    for (long i = 0; i < s.count; i++) total += ROOM(n[1] * s.links[i * LINK_WORDS + 2]);
    for (long k = 0; k < s.slots && moments; k++) total += ROOM(sizes[k]);
    REAL *room = TAKE(total); /* at once: scratch knows few blocks */
    for (long k = 0; k < s.slots; k++) {
        s.sizes[k] = sizes[k];
        s.weights[k] = (REAL *)tensors[moments ? 3 * k : k] + r * sizes[k];
        if (!moments) continue;
        s.means[k] = (REAL *)tensors[3 * k + 1] + r * sizes[k];
        s.squares[k] = (REAL *)tensors[3 * k + 2] + r * sizes[k];
        s.gradients[k] = room;
        room += ROOM(sizes[k]);
    }
    s.x[0] = room;
    for (long i = 0; i < s.count; i++) s.x[i + 1] = s.x[i] + ROOM(n[1] * s.links[i * LINK_WORDS + 1]);
    return s;
}

void N(chain_train)(const long *n, void *const *p)
{
    long R = n[0], B = n[1], steps = n[2], values = n[5], K = n[6], numbers = n[7], first = 0, largest = K;
    const REAL *inputs = p[0];
    const long *links = n + 9;
    while (links[first * LINK_WORDS + 3] < 0) first++;
    for (long i = 0; i < n[3]; i++) largest = links[i * LINK_WORDS + 1] > largest ? links[i * LINK_WORDS + 1] : largest;
    for (long r = 0; r < R; r++) {
        Mark mark = scratch_mark();
        Chain s = N(chain_start)(n, p + 7, 1, r);
        REAL *slope = TAKE(B * largest), *other = TAKE(B * largest);
        REAL *wanted = TAKE(B * (numbers ? K : 8 / (long)sizeof(REAL)));
        for (long step = 0; step < steps; step++) {
            const int64_t *places = (const int64_t *)p[2] + (step * R + r) * B;
            long rows = (long)((const int64_t *)p[3])[step * R + r];
            for (long b = 0; b < rows; b++) {
                memcpy(s.x[0] + b * values, inputs + places[b] * values, (size_t)values * sizeof(REAL));
                if (numbers) memcpy(wanted + b * K, (const REAL *)p[1] + places[b] * K, (size_t)K * sizeof(REAL));
                else ((int64_t *)wanted)[b] = ((const int64_t *)p[1])[places[b]];
            }
            N(chain_forward)(&s, rows);
            ((REAL *)p[6])[r] += N(chain_loss)(rows, K, s.x[s.count], wanted, numbers, slope);
            N(chain_backward)(&s, rows, first, slope, other);
            N(chain_update)(&s, ((const double *)p[4])[step * R + r], (double)(n[8] + step + 1), p[5]);
        }
        scratch_release(mark);
    }
}

/* The same sizes with steps = N examples. pointers: inputs [N, values], outputs [R, N, K]; then of each slot the weights. */
void N(chain_outputs)(const long *n, void *const *p)
{
    long R = n[0], B = n[1], N_ = n[2], values = n[5], K = n[6];
    for (long r = 0; r < R; r++) {
        Mark mark = scratch_mark();
        Chain s = N(chain_start)(n, p + 2, 0, r);
        for (long b = 0; b < N_; b += B) {
            long rows = least(B, N_ - b);
            s.x[0] = (REAL *)p[0] + b * values;
            s.x[s.count] = (REAL *)p[1] + (r * N_ + b) * K;
            N(chain_forward)(&s, rows);
        }
        scratch_release(mark);
    }
}
