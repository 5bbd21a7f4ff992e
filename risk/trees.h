/* Forests of decision trees: bins of values, then masks; for the instruction sets of the machine.
 *
 * A feature's edges are the values at which any of its tests turns, sorted. A value's bin is the
 * number of edges below it; what is no number has the bin behind all others.
 */
#ifndef PAYVAND_TREES_H
#define PAYVAND_TREES_H

#include <stdint.h>
#include <string.h>

struct payvand_feature {
    const double *edges;        /* sorted, in groups of 8, the last filled up with infinities */
    const double *levels;       /* of the search tree above the groups: 8 separators a node */
    uint32_t edges_count;
    uint32_t first_bin;         /* bins of all features are numbered through */
    uint32_t column;            /* of the rows */
    uint32_t depth;             /* levels above the groups */
    uint32_t starts[5];         /* of each level: its first node */
};

struct payvand_block {
    const uint8_t *masks;       /* lines of 64 bytes */
    const uint16_t *places;     /* of each bin: the line that holds its masks */
    const int64_t *leaves;      /* of each tree: 32 or 64 */
    uint32_t trees;             /* fewer than a line holds in the last block */
};

struct payvand_forest {
    const struct payvand_feature *feature;
    const struct payvand_block *block;
    uint32_t features;          /* that some tree tests; at least 1 */
    uint32_t blocks;
    uint32_t trees;
    uint32_t columns;           /* of the rows */
    uint32_t leaves_max;        /* 32 or 64 */
    int single_precision;
};

/* For trees of more than 64 leaves: one test after the other. */
struct payvand_node {
    double threshold;
    int32_t left, right;        /* below 0: the leaf ~child, numbered through all trees */
    uint32_t column;
    uint32_t set_first;         /* of the words of categories */
    uint32_t set_bits;          /* categories from here on go right; 0: compare */
    uint8_t missing, missing_left, reserved[2];
};

enum { PAYVAND_TILE_ROWS = 128, PAYVAND_FEW_ROWS = 8 };
enum { PAYVAND_PORTABLE = 0, PAYVAND_AVX2 = 1, PAYVAND_AVX512 = 2 };

/* The bin of one value. */
static uint16_t payvand_bin(const struct payvand_feature *feature, double value)
{
    const double *edges = feature->edges;
    uint32_t low = 0, left = feature->edges_count;
    if (value != value)
        return (uint16_t)(feature->first_bin + feature->edges_count + 1);
    while (left > 0) {
        uint32_t half = left - left / 2;
        if (edges[low + half - 1] < value)
            low += half;
        left /= 2;
    }
    return (uint16_t)(feature->first_bin + low);
}

/* Ranks are found by halving, without a branch; the rows of a tile go through each step together,
 * so that no row waits for another's loads. A few rows alone aren't worth the trouble. */
static void payvand_bins_portable(const struct payvand_forest *forest, const double *rows,
                                  uint32_t count, uint16_t *bins)
{
    double values[PAYVAND_TILE_ROWS];
    uint32_t low[PAYVAND_TILE_ROWS];
    for (uint32_t f = 0; f < forest->features; f++) {
        const struct payvand_feature *feature = &forest->feature[f];
        const double *edges = feature->edges;
        uint32_t left = feature->edges_count;
        if (count < PAYVAND_FEW_ROWS) {
            for (uint32_t r = 0; r < count; r++) {
                double value = rows[(uint64_t)r * forest->columns + feature->column];
                value = forest->single_precision ? (double)(float)value : value;
                bins[r * forest->features + f] = payvand_bin(feature, value);
            }
            continue;
        }
        for (uint32_t r = 0; r < count; r++) {
            double value = rows[(uint64_t)r * forest->columns + feature->column];
            values[r] = forest->single_precision ? (double)(float)value : value;
            low[r] = 0;
        }
        while (left > 0) {
            uint32_t half = left - left / 2;
            for (uint32_t r = 0; r < count; r++)
                low[r] += half & -(uint32_t)(edges[low[r] + half - 1] < values[r]);
            left /= 2;
        }
        for (uint32_t r = 0; r < count; r++) {
            uint32_t bin = values[r] == values[r] ? low[r] : feature->edges_count + 1;
            bins[r * forest->features + f] = (uint16_t)(feature->first_bin + bin);
        }
    }
}

#define NAME(x) payvand_portable_##x
#define VECTOR_BYTES 16
#include "tree_kernel.h"
#undef VECTOR_BYTES
#undef NAME

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#define NAME(x) payvand_avx2_##x
#define VECTOR_BYTES 32
#include "tree_kernel.h"
#undef VECTOR_BYTES
#undef NAME
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt")
#define NAME(x) payvand_avx512_##x
#define VECTOR_BYTES 64
#include "tree_kernel.h"
#undef VECTOR_BYTES
#undef NAME

/* Eight edges are compared at once, in a tree of nine children a node. */
static void payvand_bins_avx512(const struct payvand_forest *forest, const double *rows,
                                uint32_t count, uint16_t *bins)
{
    for (uint32_t f = 0; f < forest->features; f++) {
        const struct payvand_feature *feature = &forest->feature[f];
        uint32_t depth = feature->depth;
        uint32_t missing = feature->edges_count + 1;
        for (uint32_t r = 0; r < count; r++) {
            double value = rows[(uint64_t)r * forest->columns + feature->column];
            uint32_t node = 0, bin;
            __m512d all;
            if (forest->single_precision)
                value = (double)(float)value;
            all = _mm512_set1_pd(value);
            for (uint32_t level = 0; level < depth; level++) {
                const double *keys = feature->levels + 8 * (uint64_t)(feature->starts[level] + node);
                uint32_t below = _mm512_cmp_pd_mask(_mm512_loadu_pd(keys), all, _CMP_LT_OQ);
                node = node * 9 + (uint32_t)__builtin_popcount(below);
            }
            bin = node * 8 + (uint32_t)__builtin_popcount(_mm512_cmp_pd_mask(
                _mm512_loadu_pd(feature->edges + 8 * (uint64_t)node), all, _CMP_LT_OQ));
            bin = value == value ? bin : missing;
            bins[r * forest->features + f] = (uint16_t)(feature->first_bin + bin);
        }
    }
}
#pragma GCC pop_options

static int payvand_best_instructions(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return PAYVAND_AVX512;
    return __builtin_cpu_supports("avx2") ? PAYVAND_AVX2 : PAYVAND_PORTABLE;
}
#else
static int payvand_best_instructions(void)
{
    return PAYVAND_PORTABLE;
}
#endif

static inline void payvand_bins(const struct payvand_forest *forest, const double *rows,
                                uint32_t count, int instructions, uint16_t *bins)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (instructions == PAYVAND_AVX512) {
        payvand_bins_avx512(forest, rows, count, bins);
        return;
    }
#endif
    (void)instructions;
    payvand_bins_portable(forest, rows, count, bins);
}

/* Sum the leaves of all trees for at most a tile of rows (scratch: bins; out: sums). */
static void payvand_sum_tile(const struct payvand_forest *forest, const double *rows,
                             uint32_t count, int instructions, uint16_t *bins, int64_t *sums)
{
    payvand_bins(forest, rows, count, instructions, bins);
    memset(sums, 0, count * sizeof *sums);
    for (uint32_t b = 0; b < forest->blocks; b++) {
        const struct payvand_block *block = &forest->block[b];
#if defined(__x86_64__) && defined(__GNUC__)
        if (instructions == PAYVAND_AVX512) {
            payvand_avx512_add_block(forest, block, bins, count, sums);
            continue;
        }
        if (instructions == PAYVAND_AVX2) {
            payvand_avx2_add_block(forest, block, bins, count, sums);
            continue;
        }
#endif
        payvand_portable_add_block(forest, block, bins, count, sums);
    }
}

/* Find the leaf of every tree for at most a tile of rows (scratch: bins; out: found). */
static void payvand_find_tile(const struct payvand_forest *forest, const double *rows,
                              uint32_t count, int instructions, uint16_t *bins, uint8_t *found)
{
    uint32_t lanes = forest->leaves_max == 32 ? 16 : 8;
    payvand_bins(forest, rows, count, instructions, bins);
    for (uint32_t b = 0; b < forest->blocks; b++)
        payvand_portable_find_block(forest, &forest->block[b], bins, count, forest->trees,
                                    found + b * lanes);
}

static inline int payvand_goes_left(const struct payvand_node *node, double value,
                                    const uint32_t *sets)
{
    int none = value != value;
    if (none && node->missing == 2)
        return node->missing_left;
    if (node->set_bits) {
        if (none || !(value > -1.0) || !(value < (double)node->set_bits))
            return 0;
        uint32_t bit = (uint32_t)value;
        return sets[node->set_first + bit / 32] >> (bit % 32) & 1;
    }
    if (none)
        value = 0.0;
    if (node->missing == 1 && value >= -1e-35 && value <= 1e-35)
        return node->missing_left;
    return value <= node->threshold;
}

/* Sum the leaves that one row comes to; roots are nodes, or leaves where they are below 0. */
static int64_t payvand_walk(const struct payvand_node *nodes, const int32_t *roots, uint32_t trees,
                            const uint32_t *sets, const int64_t *leaves, const double *row,
                            int single_precision, uint32_t *found)
{
    int64_t sum = 0;
    for (uint32_t t = 0; t < trees; t++) {
        int32_t place = roots[t];
        while (place >= 0) {
            double value = row[nodes[place].column];
            if (single_precision)
                value = (double)(float)value;
            place = payvand_goes_left(&nodes[place], value, sets) ? nodes[place].left
                                                                  : nodes[place].right;
        }
        sum += leaves[~place];
        if (found)
            found[t] = (uint32_t)~place;
    }
    return sum;
}

#endif
