"""The compiled form of a feature file: what `layout.py` lays out, as structs; sizes are asserted.

A group is a key (one field or two) with all that is computed over its history. Each key has a
row of 64-bit words, and behind it a list of entries, one for each event that a window may still
need:

    row     key (2) │ last time │ oldest, newest │ chunks, in use │ first and last per where │ windows
    entry   time │ marks │ values … │ links of extrema … │ id, where flags are expected

    marks   bits 0-15  which of the group's wheres the event meets
            bits 16-23 it is the last one with its value (distinct)
            bit  24    flagged
"""

from payvand.core.types cimport u8, u16, u32, u64

cdef enum:
    ROW_KEY = 0
    ROW_LAST = 2               # time of the key's last event
    ROW_ENDS = 3               # u32 oldest, u32 newest: positions of entries
    ROW_STANDING = 4           # u32 chunks, u32 in use
    ROW_HEAD_WORDS = 5
    ENTRY_TIME = 0
    ENTRY_MARKS = 1
    MARK_DISTINCT = 16         # the first of these bits
    MARK_FLAGGED = 24
    ENTRY_WORDS_MAX = 64
    EVENT_TIME = 0
    EVENT_ID = 1

cdef enum WindowKind:
    SLIDING = 0                # tail u32, count u32
    DELAYED = 1                # tail u32, count u32, head u32, flagged u32
    TUMBLING = 2               # bucket, count u32 and distinct u32
    DECAYED = 3                # tick, count Q32

cdef enum FeatureOperation:
    READ_FIELD = 0
    READ_HOUR = 1
    READ_WEEKDAY = 2
    READ_COUNT = 3
    READ_SUM = 4
    READ_MEAN = 5
    READ_DEVIATION = 6
    READ_WORD = 7              # the extremum of a tumbling window
    READ_FRONT = 8             # the extremum of a sliding window
    READ_RATE = 9
    READ_SINCE = 10
    READ_FADED_COUNT = 11
    READ_FADED_SUM = 12
    READ_FADED_MEAN = 13
    READ_FADED_DEVIATION = 14
    READ_RATIO = 15
    READ_ZSCORE = 16

cdef packed struct Condition:
    u32 field                  # of the event row
    u32 values_first           # in the table of values
    u32 values_count
    u32 reserved

cdef packed struct Where:
    u32 conditions_first
    u32 conditions_count
    u32 moments                # row word: first and last time; 0: not kept
    u32 reserved

cdef packed struct WindowPlan:
    u64 width                  # half-life where it decays
    u64 delay
    u64 offset
    u16 kind
    u16 where                  # of the group's
    u16 state                  # row word; all further offsets are row words too, 0: not kept
    u16 value                  # entry word
    u16 sum                    # 2 words
    u16 squares                # 2 words
    u16 flagged_sum            # 2 words
    u16 least                  # front of the stack of minima u32; tumbling: the minimum
    u16 greatest
    u16 distinct               # u32
    u16 distinct_stream        # of the group's, where `distinct` is kept
    u16 least_links            # entry word: the links of the stack of minima
    u16 greatest_links
    u16 reserved

# A stack of the values that nothing later has reached: its windows' minima or maxima.
cdef packed struct Extremum:
    u16 where
    u16 value                  # entry word
    u16 links                  # entry word: next u32, previous u32
    u16 back                   # row word: the last of the stack, u32
    u16 bottom                 # row word: the front of its longest window
    u16 is_greatest
    u32 reserved

cdef packed struct Distinct:
    u16 where
    u16 value                  # entry word, not clamped
    u32 field                  # of the event row: the same value

# What an entry keeps of an event.
cdef packed struct Value:
    u32 field                  # of the event row
    u16 word                   # of the entry
    u16 clamped                # to VALUE_MAX, so that sums of squares can't overflow

cdef packed struct Group:
    u64 horizon                # an entry this old is dropped; 0: no history is kept
    u32 key_a                  # fields of the event row
    u32 key_b                  # 0: none
    u16 row_words
    u16 entry_words
    u16 id_word                # of the entry; 0: not kept
    u16 flags                  # 1: flags are expected
    u16 wheres_first
    u16 wheres_count
    u16 windows_first
    u16 windows_count
    u16 extrema_first
    u16 extrema_count
    u16 distincts_first
    u16 distincts_count
    u16 values_first
    u16 values_count
    u16 before_first           # features that leave out the event, by their place in `reads`
    u16 before_count
    u16 after_first
    u16 after_count
    u16 marks                  # of the wheres that every event meets
    u16 reserved

# Where a feature stands; half words of the row count u32, words u64. 0: nothing there.
cdef packed struct Read:
    double empty
    u64 offset                 # of a calendar
    u32 field                  # of the event row; of an entry where a front is read
    u16 operation
    u16 output                 # column
    u16 count                  # half word
    u16 count_less             # half word to be taken away
    u16 sum                    # word
    u16 sum_less               # word to be taken away
    u16 squares                # word
    u16 inputs[3]              # columns, of a ratio or z-score
    u16 within_first           # of a calendar: 1 from the first to the last, round the clock
    u16 within_last
    u16 has_within
    u16 reserved
