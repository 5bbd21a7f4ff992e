/* Integer arithmetic wider than a word, for sums that stay exact, and the floats made of it.
 *
 * All floats come out of the same IEEE operations in the same order on every machine: conversions
 * round to nearest, factors are powers of two but where a division or a root is written.
 */
#ifndef PAYVAND_WIDE_H
#define PAYVAND_WIDE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 payvand_wide;

static inline payvand_wide payvand_wide_load(const uint64_t *words)
{
    payvand_wide value;
    memcpy(&value, words, sizeof value);
    return value;
}

static inline void payvand_wide_store(uint64_t *words, payvand_wide value)
{
    memcpy(words, &value, sizeof value);
}

static inline void payvand_wide_add(uint64_t *words, uint64_t value)
{
    payvand_wide_store(words, payvand_wide_load(words) + value);
}

static inline void payvand_wide_subtract(uint64_t *words, uint64_t value)
{
    payvand_wide_store(words, payvand_wide_load(words) - value);
}

static inline void payvand_wide_add_square(uint64_t *words, uint64_t value)
{
    payvand_wide_store(words, payvand_wide_load(words) + (payvand_wide)value * value);
}

static inline void payvand_wide_subtract_square(uint64_t *words, uint64_t value)
{
    payvand_wide_store(words, payvand_wide_load(words) - (payvand_wide)value * value);
}

static inline void payvand_wide_add_shifted(uint64_t *words, uint64_t value, int shift)
{
    payvand_wide_store(words, payvand_wide_load(words) + ((payvand_wide)value << shift));
}

static inline void payvand_wide_add_square_shifted(uint64_t *words, uint64_t value, int shift)
{
    payvand_wide square = (payvand_wide)value * value;
    payvand_wide_store(words, payvand_wide_load(words) + (square << shift));
}

/* Most sums fit in one word, whose conversion is one instruction; both round to nearest. */
static inline double payvand_wide_to_double(payvand_wide value)
{
    if (__builtin_expect((uint64_t)(value >> 63) == 0, 1))
        return (double)(int64_t)value;
    return (double)value;
}

static inline double payvand_wide_double(const uint64_t *words)
{
    return payvand_wide_to_double(payvand_wide_load(words));
}

static inline double payvand_wide_difference_double(const uint64_t *more, const uint64_t *less)
{
    return payvand_wide_to_double(payvand_wide_load(more) - payvand_wide_load(less));
}

/* The population's standard deviation of count values, from their sum (below 2**80) and the sum
 * of their squares: sqrt(count * squares - sum * sum) / count, the difference exact in 192 bits. */
static inline double payvand_deviation(uint32_t count, const uint64_t *sum, const uint64_t *squares)
{
    uint64_t s0 = sum[0], s1 = sum[1];
    payvand_wide low = (payvand_wide)squares[0] * count;
    payvand_wide high = (payvand_wide)squares[1] * count + (low >> 64);
    payvand_wide sum_low = (payvand_wide)s0 * s0;
    payvand_wide sum_high = 2 * ((payvand_wide)s0 * s1) + (sum_low >> 64)
                          + (((payvand_wide)s1 * s1) << 64);
    uint64_t rest = (uint64_t)low - (uint64_t)sum_low;
    payvand_wide upper = high - sum_high - ((uint64_t)low < (uint64_t)sum_low);
    return sqrt((double)upper * 18446744073709551616.0 + (double)rest) / (double)count;
}

/* The same of fading sums, which are rounded anyway. */
static inline double payvand_faded_deviation(double count, double sum, double squares)
{
    double mean = sum / count;
    double variance = squares / count - mean * mean;
    return variance > 0.0 ? sqrt(variance) : 0.0;
}

/* value * 2**(-ticks / 1024), rounded down; fades[n] = 2**64 * 2**(-n / 1024). */
static inline payvand_wide payvand_fade(payvand_wide value, uint64_t ticks, const uint64_t *fades)
{
    uint64_t halvings = ticks >> 10;
    uint64_t fade = fades[ticks & 1023];
    if (halvings >= 128)
        return 0;
    value >>= halvings;
    if (fade != 0)
        value = (payvand_wide)(uint64_t)(value >> 64) * fade
              + (((payvand_wide)(uint64_t)value * fade) >> 64);
    return value;
}

static inline void payvand_fade_words(uint64_t *words, uint64_t ticks, const uint64_t *fades)
{
    payvand_wide_store(words, payvand_fade(payvand_wide_load(words), ticks, fades));
}

static inline uint64_t payvand_fade_word(uint64_t value, uint64_t ticks, const uint64_t *fades)
{
    return (uint64_t)payvand_fade(value, ticks, fades);
}

/* The 1024th part of a half-life in which a time lies. */
static inline uint64_t payvand_tick(uint64_t time, uint64_t half_life)
{
    return (uint64_t)(((payvand_wide)time << 10) / half_life);
}

#endif
