/* exp, the logistic function and tanh, written so that the compiler turns loops over them into vectors. */

static const bits N(lanes) = {0, 1
#if VECTOR_BYTES / SIZE > 2
    , 2, 3
#endif
#if VECTOR_BYTES / SIZE > 4
    , 4, 5, 6, 7
#endif
#if VECTOR_BYTES / SIZE > 8
    , 8, 9, 10, 11, 12, 13, 14, 15
#endif
};

static const REAL N(inverse)[] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040,
                                  1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600,
                                  1.0 / 6227020800.0}; /* of the factorials */

/* exp(x) to about 1 unit in the last place: 2^n times a Taylor sum of the rest, |rest| <= ln 2 / 2. NaN stays NaN. */
INLINE REAL N(exponential)(REAL x)
{
    x = x > EXP_LARGEST ? EXP_LARGEST : x;
    x = x < EXP_SMALLEST ? EXP_SMALLEST : x;
    union {
        REAL real;
        BITS whole;
    } whole, power;
    whole.real = x * (REAL)1.4426950408889634 + ROUNDING;
    REAL n = whole.real - ROUNDING;
    REAL rest = (x - n * LN2_HIGH) - n * LN2_LOW;
    REAL sum = N(inverse)[EXP_TERMS];
    for (int i = EXP_TERMS - 1; i >= 0; i--) sum = sum * rest + N(inverse)[i];
    power.whole = (BITS)((uint64_t)(whole.whole + EXPONENT_BIAS) << MANTISSA);
    return sum * power.real;
}

/* The same for a vector; exactly 0 where even the smallest result is too large. */
INLINE vec N(exponentials)(vec x)
{
    bits high = (bits)(x > EXP_LARGEST), low = (bits)(x < EXP_SMALLEST);
    x = (vec)(((bits)x & ~high) | ((bits)((vec){0} + (REAL)EXP_LARGEST) & high));
    x = (vec)((bits)x & ~low);
    vec whole = x * (REAL)1.4426950408889634 + ROUNDING, n = whole - ROUNDING;
    vec rest = (x - n * LN2_HIGH) - n * LN2_LOW, sum = (vec){0} + N(inverse)[EXP_TERMS];
#pragma GCC unroll 16
    for (int i = EXP_TERMS - 1; i >= 0; i--) sum = sum * rest + N(inverse)[i];
    return (vec)((bits)(sum * (vec)(((bits)whole + EXPONENT_BIAS) << MANTISSA)) & ~low);
}

/* The largest lane, or the sum of the lanes, in every lane: lanes change places by halves. */
#define HALVES(how)                                                                                                    \
    _Pragma("GCC unroll 4") for (BITS half = VL / 2; half; half /= 2)                                                  \
    {                                                                                                                  \
        vec other = __builtin_shuffle(x, N(lanes) ^ half);                                                             \
        how;                                                                                                           \
    }
INLINE vec N(larger)(vec a, vec b) /* of two vectors, lane by lane */
{
    bits more = (bits)(a > b);
    return (vec)(((bits)a & more) | ((bits)b & ~more));
}
INLINE vec N(largest_lane)(vec x)
{
    HALVES(x = N(larger)(x, other))
    return x;
}
INLINE vec N(sum_of_lanes)(vec x)
{
    HALVES(x += other)
    return x;
}

INLINE REAL N(root)(REAL x) { return ROOT(x); }
INLINE REAL N(logistic)(REAL x) { return 1 / (1 + N(exponential)(-x)); }
INLINE REAL N(tangent)(REAL x) { return 1 - 2 / (1 + N(exponential)(2 * x)); }

/* For tests: y = exp(x), logistic(x) or tanh(x), by `which` 0, 1, 2. */
void N(pointwise)(long count, int which, const REAL *x, REAL *y)
{
    if (which == 0)
        for (long i = 0; i < count; i++) y[i] = N(exponential)(x[i]);
    else if (which == 1)
        for (long i = 0; i < count; i++) y[i] = N(logistic)(x[i]);
    else
        for (long i = 0; i < count; i++) y[i] = N(tangent)(x[i]);
}
