/* Scores of rows by mask tables; included once for each instruction set by `trees.h`.
 *
 * Every tree has up to 32 (or 64) leaves, numbered from left to right, one bit each. A test that
 * sends a row to the right rules out the leaves of the left child. The AND of what all such tests
 * leave has the row's leaf as its lowest bit. For a feature's bin it is known which of its tests
 * send right, so one look-up gives the AND of all of them, for all trees of a block at once:
 *
 *     bins of the row      f0   f1   f2  …            16 trees of 32 leaves, or 8 of 64: one line
 *     rows of the masks    │    └──► ┌────────────────────────────────────┐
 *                          └───────► │ tree 0 │ tree 1 │ …        tree 15 │  AND over the features
 *
 * A block's masks are kept apart from those of other blocks and hold only the bins that its own
 * trees tell apart, so that they stay in the first-level cache while many rows go by. Leaves are
 * integers: their sum doesn't depend on its order, so all instruction sets give the same bits.
 */

/* As wide as the registers are: wider ones the compiler would keep in memory. */
typedef uint64_t NAME(lanes) __attribute__((vector_size(VECTOR_BYTES), may_alias));

enum { NAME(VECTORS) = 64 / VECTOR_BYTES };

/* Which leaves the row's bins leave in each tree of a block (out: left, a line). */
static inline __attribute__((always_inline)) void
NAME(leave)(const struct payvand_block *block, const uint16_t *bins, uint32_t features, void *left)
{
    const NAME(lanes) *masks = (const NAME(lanes) *)block->masks;
    const uint16_t *places = block->places;
    const NAME(lanes) *line = masks + (uint64_t)places[bins[0]] * NAME(VECTORS);
    NAME(lanes) all[NAME(VECTORS)];
    for (int v = 0; v < NAME(VECTORS); v++)
        all[v] = line[v];
    for (uint32_t f = 1; f < features; f++) {
        line = masks + (uint64_t)places[bins[f]] * NAME(VECTORS);
        for (int v = 0; v < NAME(VECTORS); v++)
            all[v] &= line[v];
    }
    for (int v = 0; v < NAME(VECTORS); v++)
        ((NAME(lanes) *)left)[v] = all[v];
}

/* Add the leaves of a block's trees to the sums of rows. */
static void NAME(add_block)(const struct payvand_forest *forest, const struct payvand_block *block,
                            const uint16_t *bins, uint32_t rows, int64_t *sums)
{
    const int64_t *leaves = block->leaves;
    uint32_t features = forest->features;
    if (forest->leaves_max == 32) {
        uint32_t left[16] __attribute__((aligned(64)));
        for (uint32_t r = 0; r < rows; r++, bins += features) {
            int64_t sum = 0;
            NAME(leave)(block, bins, features, left);
            for (uint32_t t = 0; t < 16; t++)
                sum += leaves[t * 32 + (uint32_t)__builtin_ctz(left[t])];
            sums[r] += sum;
        }
    } else {
        uint64_t left[8] __attribute__((aligned(64)));
        for (uint32_t r = 0; r < rows; r++, bins += features) {
            int64_t sum = 0;
            NAME(leave)(block, bins, features, left);
            for (uint32_t t = 0; t < 8; t++)
                sum += leaves[t * 64 + (uint32_t)__builtin_ctzll(left[t])];
            sums[r] += sum;
        }
    }
}

/* Which leaf each tree of a block sends rows to (out: found, `trees` apart). */
static void NAME(find_block)(const struct payvand_forest *forest, const struct payvand_block *block,
                             const uint16_t *bins, uint32_t rows, uint32_t trees, uint8_t *found)
{
    uint32_t features = forest->features;
    uint32_t lanes = forest->leaves_max == 32 ? 16 : 8;
    uint32_t here = block->trees < lanes ? block->trees : lanes;
    uint32_t left32[16] __attribute__((aligned(64)));
    uint64_t left64[8] __attribute__((aligned(64)));
    for (uint32_t r = 0; r < rows; r++, bins += features, found += trees) {
        if (forest->leaves_max == 32) {
            NAME(leave)(block, bins, features, left32);
            for (uint32_t t = 0; t < here; t++)
                found[t] = (uint8_t)__builtin_ctz(left32[t]);
        } else {
            NAME(leave)(block, bins, features, left64);
            for (uint32_t t = 0; t < here; t++)
                found[t] = (uint8_t)__builtin_ctzll(left64[t]);
        }
    }
}
