/* The training of a chain: batches gathered, forward, loss, backward, AdamW, step after step, replica after replica. */

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

/* sizes: R, largest batch B, steps, ops, slots, values of an example, outputs, targets that are numbers (0, 1),
 *   steps taken before, `microbatch` (B: a batch at once), positions that lengths count (0: none); then the ops, then each
 *   slot's size.
 * pointers: inputs [N, values], targets int64 [N] or [N, outputs], positions int64 [steps, R, B], counts int64 [steps, R],
 *   rates double [steps, R], settings double [5], sums of the losses [R] (added to), lengths int64 [N] or null; then of
 *   each slot weights, means and squares [R, size]; then the tables of sources.
 */
static Chain N(chain_start)(const long *n, void *const *tensors, int moments, long r)
{
    Chain s = {.count = n[3], .slots = n[4], .ops = n + HEADER, .positions = n[10]};
    const long *sizes = s.ops + s.count * OP_WORDS;
    long microbatch = n[9], total = ROOM(microbatch * n[5]) + ROOM(microbatch * n[10]);
    for (long i = 0; i < s.count; i++) {
        const long *l = s.ops + i * OP_WORDS;
        total += ROOM(microbatch * l[2]) + N(saved_of)(l, microbatch, 0, 0);
        if (l[0] == BLOCK) total += BLOCK_ROOM + ROOM((1 + moments) * N(block_pack_size)(l[6], l[8]));
    }
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
    s.tables = (const int64_t *const *)tensors + (moments ? 3 : 1) * s.slots;
    s.real = (uint8_t *)room; /* in room for as many numbers */
    s.x[0] = room += ROOM(microbatch * n[10]);
    room += ROOM(microbatch * n[5]);
    for (long i = 0; i < s.count; i++) {
        const long *l = s.ops + i * OP_WORDS;
        s.x[i + 1] = room;
        s.saved[i] = room += ROOM(microbatch * l[2]);
        room += N(saved_of)(l, microbatch, 0, 0);
        if (l[0] != BLOCK) continue;
        *(s.blocks[i] = (Block *)room) = (Block){.T = l[5], .D = l[6], .heads = l[7], .F = l[8], .epsilon = N(number_of)(l[9])};
        for (int k = 0; k < 12; k++) s.blocks[i]->weights[k] = s.weights[l[3] + k];
        room += BLOCK_ROOM + ROOM((1 + moments) * N(block_pack_size)(l[6], l[8]));
    }
    return s;
}

void N(chain_train)(const long *n, void *const *p)
{
    long R = n[0], B = n[1], steps = n[2], values = n[5], K = n[6], numbers = n[7], microbatch = n[9], first = 0, largest = K;
    const REAL *inputs = p[0];
    const long *ops = n + HEADER;
    while (ops[first * OP_WORDS + 3] < 0) first++;
    for (long i = 0; i < n[3]; i++) largest = ops[i * OP_WORDS + 1] > largest ? ops[i * OP_WORDS + 1] : largest;
    for (long r = 0; r < R; r++) {
        Mark mark = scratch_mark();
        Chain s = N(chain_start)(n, p + 8, 1, r);
        REAL *slope = TAKE(microbatch * largest), *other = TAKE(microbatch * largest);
        REAL *wanted = TAKE(microbatch * (numbers ? K : 8 / (long)sizeof(REAL)));
        for (long step = 0; step < steps; step++) {
            long all = (long)((const int64_t *)p[3])[step * R + r];
            N(chain_pack)(&s, 1);
            for (long from = 0; from < all; from += microbatch) {
                const int64_t *indices = (const int64_t *)p[2] + (step * R + r) * B + from;
                long rows = least(microbatch, all - from);
                for (long b = 0; b < rows; b++) {
                    memcpy(s.x[0] + b * values, inputs + indices[b] * values, (size_t)values * sizeof(REAL));
                    if (numbers) memcpy(wanted + b * K, (const REAL *)p[1] + indices[b] * K, (size_t)K * sizeof(REAL));
                    else ((int64_t *)wanted)[b] = ((const int64_t *)p[1])[indices[b]];
                }
                N(chain_lengths)(&s, rows, p[7], indices);
                N(chain_forward)(&s, rows);
                ((REAL *)p[6])[r] += N(chain_loss)(rows, all, K, s.x[s.count], wanted, numbers, slope);
                N(chain_backward)(&s, rows, first, from > 0, slope, other);
            }
            N(chain_update)(&s, ((const double *)p[4])[step * R + r], (double)(n[8] + step + 1), p[5]);
        }
        scratch_release(mark);
    }
}

/* The same sizes with steps = N examples, `microbatch` at a time. pointers: inputs [N, values], outputs [R, N, K], lengths or
 * null; then of each slot the weights; then the tables. */
void N(chain_outputs)(const long *n, void *const *p)
{
    long R = n[0], microbatch = n[9], N_ = n[2], values = n[5], K = n[6];
    for (long r = 0; r < R; r++) {
        Mark mark = scratch_mark();
        Chain s = N(chain_start)(n, p + 3, 0, r);
        N(chain_pack)(&s, 0);
        for (long b = 0; b < N_; b += microbatch) {
            s.x[0] = (REAL *)p[0] + b * values;
            s.x[s.count] = (REAL *)p[1] + (r * N_ + b) * K;
            N(chain_lengths)(&s, least(microbatch, N_ - b), p[2] ? (const int64_t *)p[2] + b : 0, 0);
            N(chain_forward)(&s, least(microbatch, N_ - b));
        }
        scratch_release(mark);
    }
}
