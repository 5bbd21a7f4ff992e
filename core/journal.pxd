"""The journal's writing side: segments of frames on disk."""

from payvand.core.threads cimport pthread_mutex_t
from payvand.core.types cimport u8, u64

cdef class Journal:
    cdef readonly object folder
    cdef readonly u64 segment_bytes
    cdef readonly bint direct           # writes go round the page cache
    cdef readonly u64 sequence          # of the last frame written
    cdef u64 offset                     # where the next frame goes in the segment
    cdef bint failed                    # a write or flush has; nothing is written any more
    cdef u64 written                    # bytes of frames, since the folder was opened
    cdef u8* digests                    # SHA-256 of the last DIGESTS_KEPT frames
    cdef u64 place                      # of the frame written last; see store.pxd
    cdef u64* segments                  # first sequence of each, in the order of the files
    cdef u64 segments_count
    cdef readonly bytes identity        # the journal's id, 16 bytes
    cdef u8 journal_id[16]              # the same
    cdef bytes folder_path
    cdef int folder_fd
    cdef int lock_fd
    cdef int fd
    cdef int spare_fd                   # segment waiting for its turn, or -1
    cdef u64 spare_zeroed               # so many bytes of it were written
    cdef bint leaving
    cdef pthread_mutex_t spare_lock     # held while the spare is made or taken
    cdef u8* block                      # one aligned block of scratch
    cdef u8* zeros                      # aligned zeros

    cdef int append(self, const u8* frame, u64 length, u64 sequence,
                    const u8* digest) noexcept nogil
    cdef int write_frame(self, const u8* frame, u64 length, u64 sequence) noexcept nogil
    cdef void note_digest(self, u64 sequence, const u8* digest) noexcept nogil
    cdef bint digest_of(self, u64 sequence, u8* digest) noexcept nogil
    cdef int make_spare(self) noexcept nogil
    cdef int zero_spare(self, u64 more) noexcept nogil
    cdef void drop_spare(self) noexcept nogil
    cdef int roll(self, u64 sequence, const u8* previous) noexcept nogil
    cdef int begin_segment(self, u64 sequence, const u8* previous) noexcept nogil
