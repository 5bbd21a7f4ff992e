"""Scores of an ensemble of trees, by the instructions that the machine has."""

from libc.stdint cimport int32_t, int64_t

from payvand.core.types cimport u8, u16, u32, u64

cdef extern from "trees.h" nogil:
    enum:
        TILE_ROWS "PAYVAND_TILE_ROWS"
    struct FeatureEdges "payvand_feature":
        const double* edges
        const double* levels
        u32 edges_count
        u32 first_bin
        u32 column
        u32 depth
        u32 starts[5]
    struct BlockMasks "payvand_block":
        const u8* masks
        const u16* places
        const int64_t* leaves
        u32 trees
    struct Forest "payvand_forest":
        const FeatureEdges* feature
        const BlockMasks* block
        u32 features
        u32 blocks
        u32 trees
        u32 columns
        u32 leaves_max
        int single_precision
    struct Node "payvand_node":
        double threshold
    int best_instructions "payvand_best_instructions"()
    void sum_tile "payvand_sum_tile"(const Forest* forest, const double* rows, u32 count,
                                     int instructions, u16* bins, int64_t* sums)
    void find_tile "payvand_find_tile"(const Forest* forest, const double* rows, u32 count,
                                       int instructions, u16* bins, u8* found)
    int64_t walk "payvand_walk"(const Node* nodes, const int32_t* roots, u32 trees,
                                const u32* sets, const int64_t* leaves, const double* row,
                                int single_precision, u32* found)

cdef class TreeModel:
    cdef readonly object ensemble
    cdef object kept           # the arrays that the pointers lead into
    cdef Forest forest         # no features: the trees are walked
    cdef const Node* nodes
    cdef const int32_t* roots
    cdef const u32* sets
    cdef const int64_t* leaves
    cdef int instructions
    cdef int64_t base
    cdef double unit           # of the sums
    cdef u16* bins             # a tile's
    cdef readonly u32 columns
    cdef readonly u32 trees
    cdef object order
    cdef object steps
    cdef object first_leaf
    cdef object expected

    cdef void score_rows(self, const double* rows, u64 count, double* scores) noexcept nogil
