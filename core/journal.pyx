"""The journal's writing side: append-only segments of frames. Layout in README.md.

One writer, told by a lock on the folder. A segment is allocated ahead of its turn and written in
whole blocks of 4,096 bytes, past the page cache where the file system allows it. A failed write or
flush is never retried: after one, nobody can know what the disk holds, so the engine stops.

Where zeros were written before, an append changes no metadata of the file, and the flush of a small
frame takes half the time. So a segment waiting for its turn is zeroed little by little, while frames
leave the disk room for it; its turn may come before the end. Journals that grow so fast have frames
so large that the disk's bandwidth, which zeros would take from them, is worth more.
"""

import contextlib
import errno as errno_codes
import fcntl
import os
import secrets
from pathlib import Path

from payvand.core.errors import JournalInUse, JournalUnusable
from payvand.core.known_end import KnownEnd, write_known_end
from payvand.core.segments import SEGMENT_HEADER_BYTES, SPARE_NAME, first_sequences, journal_id_of

from libc.errno cimport EFBIG, EINVAL, ENOSYS, EOPNOTSUPP, errno
from libc.stdio cimport snprintf
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.checksum cimport crc32c
from payvand.core.frame cimport Header
from payvand.core.store cimport place_of_frame
from payvand.core.threads cimport pthread_mutex_init, pthread_mutex_lock, pthread_mutex_unlock
from payvand.core.types cimport *

cdef extern from "pwrite_all.h" nogil:
    int payvand_pwrite_all(int fd, const u8* data, u64 size, u64 offset)

cdef extern from "<fcntl.h>" nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <fcntl.h>
    #include <sys/stat.h>
    #include <stdlib.h>
    #include <unistd.h>
    #include <stdio.h>
    #include <errno.h>
    #ifndef O_DIRECT
    #define O_DIRECT 0
    #endif
    static int payvand_open_at(int folder, const char *name, int flags, int mode) {
        return openat(folder, name, flags | O_CLOEXEC, mode);
    }
    /* Give a file its blocks, which read as zeros; 0 or an errno. */
    static int payvand_allocate(int fd, unsigned long long size) {
    #if defined(__linux__)
        return fallocate(fd, 0, 0, (off_t)size) ? errno : 0;
    #else
        (void)fd, (void)size;
        return EOPNOTSUPP;
    #endif
    }
    static int payvand_flush(int fd) {
    #if defined(__APPLE__)
        return fsync(fd) ? errno : 0;
    #else
        return fdatasync(fd) ? errno : 0;
    #endif
    }
    """
    int O_RDWR, O_CREAT, O_TRUNC, O_DIRECT
    int payvand_open_at(int folder, const char* name, int flags, int mode)
    int payvand_allocate(int fd, u64 size)
    int payvand_flush(int fd)
    int usleep(unsigned int us)
    int fsync(int fd)
    int close(int fd)
    int unlinkat(int folder, const char* name, int flags)
    int renameat(int old_folder, const char* old, int new_folder, const char* new)
    int posix_memalign(void** out, size_t alignment, size_t size)

cdef enum:
    BLOCK = 4096
    ZEROS_BYTES = 1 << 17
    ZEROS_PAUSE_US = 1000           # between two pieces: at most 128 MiB/s go to zeros
    SEGMENT_MAGIC = 0x31535650      # "PVS1"
    SEGMENT_VERSION = 1
    SEGMENTS_MAX = 1 << 24          # as many as a place can tell apart
    DIGESTS_KEPT = 4096             # of the last frames; a power of two
    DIGEST_BYTES = 32

cdef packed struct SegmentHeader:
    u32 magic
    u16 version
    u16 reserved_16
    u64 first_sequence
    u8 journal_id[16]
    u8 previous[32]
    u8 reserved[60]
    u32 checksum                    # CRC-32C of the block of 4,096 bytes, this field as zero

_SPARE_BYTES = SPARE_NAME.encode()
assert len(_SPARE_BYTES) < 16
assert sizeof(SegmentHeader) == 128
assert BLOCK == SEGMENT_HEADER_BYTES
cdef char SPARE[16]
memcpy(SPARE, <const char*>_SPARE_BYTES, len(_SPARE_BYTES) + 1)


cdef class Journal:
    """Append frames to the segments of a folder; at most one Journal a folder, machine-wide."""

    def __cinit__(self):
        self.folder_fd = self.lock_fd = self.fd = self.spare_fd = -1
        pthread_mutex_init(&self.spare_lock, NULL)
        self.segments = <u64*>arena_open(SEGMENTS_MAX * sizeof(u64))
        self.digests = <u8*>arena_open(DIGESTS_KEPT * DIGEST_BYTES)

    def __init__(self, folder, *, segment_bytes):
        """Open a folder for writing; `start` or `resume` must follow.

        Raises JournalInUse, JournalUnusable.
        """
        self.folder = Path(folder)
        self.segment_bytes = segment_bytes
        if segment_bytes % BLOCK or segment_bytes < 2 * BLOCK:
            raise ValueError(f"segment_bytes={segment_bytes} must be a multiple of {BLOCK}")
        if (posix_memalign(<void**>&self.block, BLOCK, BLOCK)
                or posix_memalign(<void**>&self.zeros, BLOCK, ZEROS_BYTES)):
            raise MemoryError("no memory for the journal's blocks")
        memset(self.zeros, 0, ZEROS_BYTES)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder_fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            self.lock_fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            self.close()
            raise JournalUnusable(f"can't open the journal's folder: {error}",
                                  hint="make the folder writable for this user") from error
        try:
            fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self.lock_fd, 32, 0).decode(errors="replace").strip()
            self.close()
            raise JournalInUse(
                f"{self.folder} is in use by process {holder or 'unknown'}",
                hint="stop that process first, or give this one another folder") from error
        # Only for the message above: a full disk must not keep a journal from being read.
        with contextlib.suppress(OSError):
            os.ftruncate(self.lock_fd, 0)
            os.pwrite(self.lock_fd, f"{os.getpid()}\n".encode(), 0)
        try:
            self.identity = journal_id_of(self.folder) or secrets.token_bytes(16)
        except JournalUnusable:
            self.close()
            raise
        memcpy(self.journal_id, <const u8*>self.identity, 16)
        for first in first_sequences(self.folder):
            self.segments[self.segments_count] = first
            self.segments_count += 1

    def start(self, journal_id):
        """Begin an empty journal under a 16-byte id."""
        cdef u8 beginning[32]
        memset(beginning, 0, 32)
        self.identity = journal_id
        memcpy(self.journal_id, <const u8*>self.identity, 16)
        self.sequence = 0
        self._raise(self.roll(1, beginning), "begin a segment")

    def resume(self, journal_id, segment, offset, sequence, digest):
        """Go on behind the last good frame: in file *segment* at *offset*.

        *digest* is the SHA-256 of that frame.
        """
        cdef bytes digest_bytes = digest
        self.identity = journal_id
        memcpy(self.journal_id, <const u8*>self.identity, 16)
        self.sequence = sequence
        self.offset = offset
        name = segment.encode()
        self.fd = self._open(name, O_RDWR)
        if self.fd < 0:
            self._raise(errno, f"open {segment}")
        # What a killed process wrote may have been read from the disk's cache.
        self._raise(payvand_flush(self.fd), f"flush {segment}")
        self.note_digest(sequence, <const u8*>digest_bytes)

    def erase(self, start, stop):
        """Overwrite a torn tail with zeros, in whole blocks, and make that durable."""
        cdef u64 at = start
        cdef u64 end = stop
        cdef u64 size
        while at < end:
            size = min(end - at, <u64>ZEROS_BYTES)
            self._raise(payvand_pwrite_all(self.fd, self.zeros, size, at), "erase a torn tail")
            at += size
        self._raise(payvand_flush(self.fd), "flush")

    def prepare(self):
        """Make the next segment ready ahead of its turn, where it isn't; may take a while.

        Returns early once its turn has come, or `leave` was called.
        """
        cdef int failure = 0
        cdef u64 written
        with nogil:
            pthread_mutex_lock(&self.spare_lock)
            if self.spare_fd < 0:
                failure = self.make_spare()
            while (failure == 0 and not self.leaving and self.spare_fd >= 0
                   and self.spare_zeroed < self.segment_bytes):
                pthread_mutex_unlock(&self.spare_lock)
                written = self.written
                usleep(ZEROS_PAUSE_US)
                pthread_mutex_lock(&self.spare_lock)
                if self.spare_fd >= 0 and self.written - written <= ZEROS_BYTES:
                    failure = self.zero_spare(ZEROS_BYTES)
            pthread_mutex_unlock(&self.spare_lock)
        self._raise(failure, "allocate a segment")

    def leave(self):
        """Let a `prepare` on another thread come to its end soon."""
        self.leaving = True

    @property
    def needs_spare(self):
        """True while no segment is ready for the time when the present one is full."""
        return self.spare_fd < 0

    def note_end(self):
        """Put down how far the journal reaches, for whoever opens it to know; see `known_end.py`.

        Where that can't be written, what was known before stays.
        """
        cdef u8 digest[DIGEST_BYTES]
        cdef u64 sequence = self.sequence
        if sequence and not self.failed and self.digest_of(sequence, digest):
            with contextlib.suppress(OSError):
                write_known_end(self.folder_fd, KnownEnd(self.identity, sequence,
                                                         <bytes>digest[:DIGEST_BYTES]))

    def close(self):
        """Close the files and give up the lock."""
        if self.fd >= 0:
            self.note_end()
        for fd in (self.fd, self.spare_fd, self.folder_fd, self.lock_fd):
            if fd >= 0:
                os.close(fd)
        self.folder_fd = self.lock_fd = self.fd = self.spare_fd = -1

    def __dealloc__(self):
        free(self.block)
        free(self.zeros)
        arena_close(self.segments, SEGMENTS_MAX * sizeof(u64))
        arena_close(self.digests, DIGESTS_KEPT * DIGEST_BYTES)

    cdef int append(self, const u8* frame, u64 length, u64 sequence,
                    const u8* digest) noexcept nogil:
        """Write a frame and make it durable; return 0 or an errno, after which all is over.

        *frame* lies on a block boundary and *length* is a multiple of a block; *digest* is its
        SHA-256.
        """
        cdef int failure = self.write_frame(frame, length, sequence)
        if failure:
            self.failed = True
            return failure
        self.place = place_of_frame(self.segments_count - 1, self.offset)
        self.offset += length
        self.written += length
        self.note_digest(sequence, digest)
        self.sequence = sequence
        return 0

    cdef int write_frame(self, const u8* frame, u64 length, u64 sequence) noexcept nogil:
        cdef int failure
        if self.offset + length > self.segment_bytes and self.offset > BLOCK:
            failure = self.roll(sequence, (<const Header*>frame).previous)
            if failure:
                return failure
        failure = payvand_pwrite_all(self.fd, frame, length, self.offset)
        return failure if failure else payvand_flush(self.fd)

    cdef void note_digest(self, u64 sequence, const u8* digest) noexcept nogil:
        """Keep the SHA-256 of a frame for those who ask soon (in: digest)."""
        memcpy(self.digests + sequence % DIGESTS_KEPT * DIGEST_BYTES, digest, DIGEST_BYTES)

    cdef bint digest_of(self, u64 sequence, u8* digest) noexcept nogil:
        """Give the SHA-256 of a durable frame (out: digest); False where it was too long ago."""
        memcpy(digest, self.digests + sequence % DIGESTS_KEPT * DIGEST_BYTES, DIGEST_BYTES)
        return self.sequence < sequence + DIGESTS_KEPT // 2

    cdef int make_spare(self) noexcept nogil:
        """Allocate the next segment under the spare's name; return 0 or an errno."""
        cdef int failure
        cdef int fd = payvand_open_at(self.folder_fd, SPARE, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT,
                                      0o600)
        self.direct = fd >= 0 and O_DIRECT != 0
        if fd < 0 and errno == EINVAL:  # the file system has no direct I/O
            fd = payvand_open_at(self.folder_fd, SPARE, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        if fd < 0:
            return errno
        self.spare_fd = fd
        self.spare_zeroed = 0
        failure = payvand_allocate(fd, self.segment_bytes)
        if failure == EOPNOTSUPP or failure == ENOSYS:
            return self.zero_spare(self.segment_bytes)
        if failure == 0 and fsync(fd):
            failure = errno
        if failure:
            self.drop_spare()
        return failure

    cdef int zero_spare(self, u64 more) noexcept nogil:
        """Write so many zeros more into the spare, at most; return 0 or an errno."""
        cdef u64 end = min(self.spare_zeroed + more, self.segment_bytes)
        cdef u64 size
        cdef int failure = 0
        while self.spare_zeroed < end and failure == 0:
            size = min(end - self.spare_zeroed, <u64>ZEROS_BYTES)
            failure = payvand_pwrite_all(self.spare_fd, self.zeros, size, self.spare_zeroed)
            self.spare_zeroed += size
        if failure == 0 and end == self.segment_bytes and fsync(self.spare_fd):
            failure = errno
        if failure:
            self.drop_spare()
        return failure

    cdef void drop_spare(self) noexcept nogil:
        """Give back what a spare took of a full disk."""
        close(self.spare_fd)
        unlinkat(self.folder_fd, SPARE, 0)
        self.spare_fd = -1

    cdef int roll(self, u64 sequence, const u8* previous) noexcept nogil:
        """Begin a new segment whose first frame is *sequence*; return 0 or an errno."""
        cdef int failure
        pthread_mutex_lock(&self.spare_lock)
        failure = self.begin_segment(sequence, previous)
        pthread_mutex_unlock(&self.spare_lock)
        return failure

    cdef int begin_segment(self, u64 sequence, const u8* previous) noexcept nogil:
        """Turn the spare, made now where there is none, into the segment in use."""
        cdef SegmentHeader* header = <SegmentHeader*>self.block
        cdef char name[64]
        cdef int failure
        if self.segments_count == SEGMENTS_MAX:
            return EFBIG
        if self.spare_fd < 0:
            failure = self.make_spare()
            if failure == 0 and self.segments_count == 0:
                failure = self.zero_spare(self.segment_bytes)
            if failure:
                return failure
        memset(self.block, 0, BLOCK)
        header.magic = SEGMENT_MAGIC
        header.version = SEGMENT_VERSION
        header.first_sequence = sequence
        memcpy(header.journal_id, self.journal_id, 16)
        memcpy(header.previous, previous, 32)
        header.checksum = crc32c(0, self.block, BLOCK)
        failure = payvand_pwrite_all(self.spare_fd, self.block, BLOCK, 0)
        if failure:
            return failure
        if fsync(self.spare_fd):
            return errno
        snprintf(name, sizeof(name), "segment-%016llu.journal", <unsigned long long>sequence)
        if renameat(self.folder_fd, SPARE, self.folder_fd, name) or fsync(self.folder_fd):
            return errno
        if self.fd >= 0:
            close(self.fd)
        self.fd = self.spare_fd
        self.spare_fd = -1
        self.offset = BLOCK
        self.segments[self.segments_count] = sequence
        self.segments_count += 1
        return 0

    def _open(self, name, flags):
        cdef int fd = payvand_open_at(self.folder_fd, name, flags | O_DIRECT, 0o600)
        self.direct = fd >= 0 and O_DIRECT != 0
        if fd < 0 and errno == EINVAL:
            fd = payvand_open_at(self.folder_fd, name, flags, 0o600)
        return fd

    def _raise(self, failure, act):
        if failure:
            raise JournalUnusable(
                f"{self.folder}: can't {act}: {os.strerror(failure)} "
                f"({errno_codes.errorcode.get(failure, failure)})",
                hint="free or repair the disk under this folder, then start again")
