/* What Python must know of this library: kinds of ops and cells, limits, and what an op keeps. Once for all number types.
 *
 * native.py reads these symbols when it has loaded the library; no number of them is written in Python.
 */

/* name, whether its gradients can be added up over the microbatches of a batch, place of the ReLU among its sizes (-1: none) */
#define OPS(OP)                                                                                                        \
    OP(DENSE, 1, 2) OP(CONVOLUTION, 0, 10) OP(POOL, 0, -1) OP(TRANSPOSE, 0, -1) OP(SUMMARY, 0, -1) OP(GATHER, 1, -1)    \
    OP(OFFSETS, 1, -1) OP(FEATURES, 1, -1) OP(NORM, 1, -1) OP(BLOCK, 1, -1) OP(MEAN, 1, -1) OP(EMBEDDING, 1, -1)
/* name, gates, values saved for the way back of each hidden unit and step */
#define CELLS(CELL) CELL(RNN, 1, 1) CELL(LSTM, 4, 5) CELL(GRU, 3, 4)

#define FIRST(name, second, third) name,
#define NAME(name, second, third) #name,
#define SECOND(name, second, third) second,
#define THIRD(name, second, third) third,
enum { OPS(FIRST) OP_KINDS };
enum { CELLS(FIRST) CELL_KINDS };
const char *const op_names[] = {OPS(NAME)}, *const cell_names[] = {CELLS(NAME)};
const long op_kinds = OP_KINDS, op_in_parts[] = {OPS(SECOND)}, op_relu_places[] = {OPS(THIRD)};
static const long cell_gates[] = {CELLS(SECOND)};
const long cell_kinds = CELL_KINDS, cell_saved[] = {CELLS(THIRD)};

#define HEADER 11                /* numbers that begin a program */
#define OP_WORDS 16              /* numbers that describe an op */
#define CHAIN_OPS 64             /* the most ops of a program */
#define CHAIN_SLOTS 128          /* the most parameters of a program */
#define MOST_WORDS (1L << 24)    /* the largest vocabulary: a float numbers words, and counts exactly up to this one */
#define LARGEST_WINDOWS 4000000L /* the most numbers in one example's windows that a convolution writes down on its way back */
const long header_words = HEADER, op_words = OP_WORDS, most_ops = CHAIN_OPS, most_parameters = CHAIN_SLOTS;
const long most_words = MOST_WORDS, largest_windows = LARGEST_WINDOWS;

/* The parts that an op keeps for the way back, in numbers of each position; how many parts. `op`: OP_WORDS numbers. */
static int saved_widths(const long *op, long widths[9])
{
    const long *n = op + 5;
    if (op[0] == NORM) return widths[0] = 2, 1;
    if (op[0] != BLOCK) return 0;
    long D = n[1], all[9] = {D, 3 * D, D, D, D, n[3], 2, 2, 2 * n[2]};
    memcpy(widths, all, sizeof all);
    return 9;
}

/* Numbers that an op keeps of an example, besides its output. */
long op_saved(const long *op)
{
    long widths[9], total = 0;
    for (int i = saved_widths(op, widths); i > 0; i--) total += op[5] * widths[i - 1];
    return total;
}
