/* exp, the logistic function and tanh, written so that the compiler turns loops over them into vectors. */

/* exp(x) to about 1 unit in the last place: 2^n times a Taylor sum of the rest, |rest| <= ln 2 / 2. NaN stays NaN. */
INLINE REAL N(exponential)(REAL x)
{
    static const REAL inverse[] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040,
                                   1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600,
                                   1.0 / 6227020800.0};
    x = x > EXP_LARGEST ? EXP_LARGEST : x;
    x = x < EXP_SMALLEST ? EXP_SMALLEST : x;
    union {
        REAL real;
        BITS whole;
    } whole, power;
    whole.real = x * (REAL)1.4426950408889634 + ROUNDING;
    REAL n = whole.real - ROUNDING;
    REAL rest = (x - n * LN2_HIGH) - n * LN2_LOW;
    REAL sum = inverse[EXP_TERMS];
    for (int i = EXP_TERMS - 1; i >= 0; i--) sum = sum * rest + inverse[i];
    power.whole = (BITS)((uint64_t)(whole.whole + EXPONENT_BIAS) << MANTISSA);
    return sum * power.real;
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
