/* The compiled operators, once for float and once for double. Plain C11 with GCC's vector types; no library.
 *
 * Built by compilation.py without -ffast-math: infinities and NaN must survive (a replica that diverges is recognised by
 * them), and nothing may switch the whole process to flushing small numbers to zero. Sums that may be reordered say so
 * themselves (`#pragma omp simd reduction`).
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define TALL 12
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define TALL 6
#else
#define VECTOR_BYTES 16
#define TALL 8
#endif

#define INLINE static inline __attribute__((always_inline))
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#include "scratch.c"
#include "limits.c"

#define REAL float
#define SIZE 4
#define BITS int32_t
#define ROUNDING 12582912.0f /* 1.5 * 2^23: adding it rounds to a whole number, which stands in the low bits */
#define MANTISSA 23
#define EXPONENT_BIAS 127
#define EXP_LARGEST 88.0f
#define EXP_SMALLEST -87.0f
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f
#define EXP_TERMS 7
#define ROOT sqrtf
#define N(name) PASTE(name, _f32)
#include "operators.c"
#undef REAL
#undef SIZE
#undef BITS
#undef ROUNDING
#undef MANTISSA
#undef EXPONENT_BIAS
#undef EXP_LARGEST
#undef EXP_SMALLEST
#undef LN2_HIGH
#undef LN2_LOW
#undef EXP_TERMS
#undef ROOT
#undef N

#define REAL double
#define SIZE 8
#define BITS int64_t
#define ROUNDING 6755399441055744.0 /* 1.5 * 2^52 */
#define MANTISSA 52
#define EXPONENT_BIAS 1023
#define EXP_LARGEST 709.0
#define EXP_SMALLEST -708.0
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10
#define EXP_TERMS 13
#define ROOT sqrt
#define N(name) PASTE(name, _f64)
#include "operators.c"
