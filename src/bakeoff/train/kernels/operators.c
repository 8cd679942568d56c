/* All operators for one number type; native.c includes this twice. */
#define VL ((long)(VECTOR_BYTES / sizeof(REAL)))
#define vec N(vec)
#define bits N(bits)
#define TAKE(count) ((REAL *)scratch_take((size_t)(count) * sizeof(REAL)))

typedef REAL vec __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef BITS bits __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

INLINE long N(least)(long a, long b) { return a < b ? a : b; }
#define least N(least)

#include "product.c"
#include "pointwise.c"
#include "dense.c"
#include "convolution.c"
#include "recurrent.c"
#include "attention.c"
#include "block.c"
#include "sequence.c"
#include "chain.c"
#include "chain_train.c"

#undef VL
#undef vec
#undef bits
#undef TAKE
#undef least
