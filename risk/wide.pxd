"""Integer arithmetic wider than a word; see `wide.h`."""

from payvand.core.types cimport u32, u64

cdef extern from "wide.h" nogil:
    void wide_add "payvand_wide_add"(u64* words, u64 value)
    void wide_subtract "payvand_wide_subtract"(u64* words, u64 value)
    void wide_add_square "payvand_wide_add_square"(u64* words, u64 value)
    void wide_subtract_square "payvand_wide_subtract_square"(u64* words, u64 value)
    void wide_add_shifted "payvand_wide_add_shifted"(u64* words, u64 value, int shift)
    void wide_add_square_shifted "payvand_wide_add_square_shifted"(u64* words, u64 value, int shift)
    double wide_double "payvand_wide_double"(const u64* words)
    double wide_difference_double "payvand_wide_difference_double"(const u64* more, const u64* less)
    double deviation "payvand_deviation"(u32 count, const u64* sum, const u64* squares)
    double faded_deviation "payvand_faded_deviation"(double count, double sum, double squares)
    void fade_words "payvand_fade_words"(u64* words, u64 ticks, const u64* fades)
    u64 fade_word "payvand_fade_word"(u64 value, u64 ticks, const u64* fades)
    u64 tick_of "payvand_tick"(u64 time, u64 half_life)
