/* Working memory of one thread: taken from the top of a stack of blocks, given back as a whole, never moved. */

#define BLOCKS 16

static _Thread_local struct {
    char *data[BLOCKS];
    size_t size[BLOCKS], used[BLOCKS];
    int top;
} scratch;

/* Bytes aligned to 64 that hold until `scratch_release` with the mark taken before. */
static void *scratch_take(size_t bytes)
{
    bytes = (bytes + 191) & ~(size_t)63; /* a cache line to spare: vectors may be read past the end */
    while (scratch.size[scratch.top] - scratch.used[scratch.top] < bytes) {
        if (scratch.size[scratch.top] && scratch.used[scratch.top]) {
            if (++scratch.top == BLOCKS) abort();
            scratch.used[scratch.top] = 0;
        }
        if (scratch.size[scratch.top] < bytes) {
            size_t size = bytes < ((size_t)1 << 20) ? (size_t)1 << 20 : bytes;
            free(scratch.data[scratch.top]);
            if (posix_memalign((void **)&scratch.data[scratch.top], 64, size)) abort();
            scratch.size[scratch.top] = size;
        }
    }
    void *taken = scratch.data[scratch.top] + scratch.used[scratch.top];
    scratch.used[scratch.top] += bytes;
    return taken;
}

typedef struct {
    int top;
    size_t used;
} Mark;

static Mark scratch_mark(void) { return (Mark){scratch.top, scratch.used[scratch.top]}; }

static void scratch_release(Mark mark)
{
    scratch.top = mark.top;
    scratch.used[mark.top] = mark.used;
}
