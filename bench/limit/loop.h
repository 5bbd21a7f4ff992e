/* The limit: the least that any program must do to apply transfers and make them durable.
 *
 * No statuses but one, no chains, no expiry, no callers: for each transfer the memory that a ledger
 * has to touch (one slot of the id table for the duplicate check, one slot and both cache lines of
 * each account, 128 bytes appended to the store), the comparisons on the way to a posted transfer,
 * and the bytes that the journal writes: records, statuses and decisions in frames of whole blocks,
 * each sector under a CRC-32C, each frame in a chain of SHA-256 over both its halves at once. Three threads as in the engine:
 *
 *     apply + encode frame N + 2  ──►  checksums of N + 1  ──►  write + fdatasync of N
 *
 * It has it better than a real ledger in three ways, on purpose: tables never grow, memory was
 * touched before, and the file was allocated and zeroed before. */
#ifndef PAYVAND_BENCH_LOOP_H
#define PAYVAND_BENCH_LOOP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "books.h"
#include "checksum.h"

enum {
    LOOP_BATCH = 8190,
    LOOP_BLOCK = 4096,
    LOOP_SECTOR = 512,
    LOOP_SECTORS_MAX = LOOP_BATCH * 136 / LOOP_SECTOR + 16,
    LOOP_TRAILER = 16,
    LOOP_RING = 4
};

typedef struct {
    uint8_t *frame;
    uint64_t head_bytes, frame_bytes;
} loop_slot;

typedef struct {
    loop_slot slots[LOOP_RING];
    uint64_t applied, sealed, written, batches, offset;
    int fd, failure;
    pthread_mutex_t lock;
    pthread_cond_t moved;
} loop_ring;

static uint64_t loop_ticks(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static uint64_t loop_rounded(uint64_t size, uint64_t unit) {
    return (size + unit - 1) / unit * unit;
}

/* ---- Frames ------------------------------------------------------------------------------- */

/* The bytes of a frame of so many transfers: head, checksums of sectors, records, statuses,
 * decisions and a trailer, in whole blocks, as core/frame.pyx lays them out. */
static uint64_t loop_body_bytes(uint64_t count) {
    return count * sizeof(loop_transfer) + 2 * loop_rounded(count * 4, 16);
}

static uint64_t loop_head_bytes(uint64_t count) {
    uint64_t end = loop_body_bytes(count) + LOOP_TRAILER;
    uint64_t sectors = loop_rounded(end, LOOP_SECTOR) / LOOP_SECTOR + 7;
    return loop_rounded(128 + sectors * 4, LOOP_SECTOR);
}

static uint64_t loop_frame_bytes(uint64_t count) {
    return loop_rounded(loop_head_bytes(count) + loop_body_bytes(count) + LOOP_TRAILER,
                        LOOP_BLOCK);
}

static void loop_encode(loop_slot *slot, const loop_transfer *events, const uint32_t *statuses,
                        uint32_t count, uint64_t sequence) {
    uint64_t head = loop_head_bytes(count), records = count * sizeof(loop_transfer);
    uint8_t *at = slot->frame + head;
    slot->head_bytes = head;
    slot->frame_bytes = loop_frame_bytes(count);
    memset(slot->frame, 0, head);
    memcpy(slot->frame, &sequence, 8);
    memcpy(slot->frame + 8, &count, 4);
    memcpy(at, events, records);
    at += records;
    memcpy(at, statuses, count * 4);
    at += loop_rounded(count * 4, 16);
    memset(at, 0, (size_t)(slot->frame + slot->frame_bytes - at));
}

/* What the next frame carries of this one. */
static void loop_digest(const loop_slot *slot, uint8_t digest[32]) {
    uint8_t halves[64];
    payvand_sha256_halves(slot->frame + slot->head_bytes, LOOP_SECTOR,
                          (slot->frame_bytes - slot->head_bytes) / LOOP_SECTOR, halves);
    payvand_sha256(slot->frame, slot->head_bytes, halves, 64, digest, 0);
}

/* Put a frame under its checksums and into the chain. */
static void loop_seal(loop_slot *slot, uint8_t chain[32]) {
    uint64_t head = slot->head_bytes;
    uint32_t *table = (uint32_t *)(slot->frame + 128), checksum;
    memcpy(slot->frame + 64, chain, 32);
    payvand_crc32c_each(slot->frame + head, LOOP_SECTOR, (slot->frame_bytes - head) / LOOP_SECTOR,
                        table);
    checksum = payvand_crc32c(0, slot->frame, head);
    memcpy(slot->frame + 124, &checksum, 4);
    loop_digest(slot, chain);
}

static int loop_write(int fd, const uint8_t *bytes, uint64_t size, uint64_t offset) {
    while (size) {
        ssize_t done = pwrite(fd, bytes, size, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done ? errno : EIO;
        bytes += done;
        size -= (uint64_t)done;
        offset += (uint64_t)done;
    }
    return 0;
}

/* ---- Three threads ------------------------------------------------------------------------ */

/* Wait until *count* has come to *wanted*; 0 after a failure. */
static int loop_await(loop_ring *ring, const uint64_t *count, uint64_t wanted) {
    int going;
    pthread_mutex_lock(&ring->lock);
    while (*count < wanted && !ring->failure) pthread_cond_wait(&ring->moved, &ring->lock);
    going = !ring->failure;
    pthread_mutex_unlock(&ring->lock);
    return going;
}

static void loop_finish(loop_ring *ring, uint64_t *count, int failure) {
    pthread_mutex_lock(&ring->lock);
    *count += 1;
    if (failure) ring->failure = failure;
    pthread_cond_broadcast(&ring->moved);
    pthread_mutex_unlock(&ring->lock);
}

static void *loop_sealer(void *argument) {
    loop_ring *ring = argument;
    uint8_t chain[32] = {0};
    uint64_t ticket;
    for (ticket = 0; ticket < ring->batches; ticket++) {
        if (!loop_await(ring, &ring->applied, ticket + 1)) break;
        loop_seal(&ring->slots[ticket % LOOP_RING], chain);
        loop_finish(ring, &ring->sealed, 0);
    }
    return NULL;
}

static void *loop_writer(void *argument) {
    loop_ring *ring = argument;
    uint64_t ticket;
    for (ticket = 0; ticket < ring->batches; ticket++) {
        loop_slot *slot = &ring->slots[ticket % LOOP_RING];
        int failure;
        if (!loop_await(ring, &ring->sealed, ticket + 1)) break;
        failure = loop_write(ring->fd, slot->frame, slot->frame_bytes, ring->offset);
        if (!failure && fdatasync(ring->fd)) failure = errno;
        ring->offset += slot->frame_bytes;
        loop_finish(ring, &ring->written, failure);
    }
    return NULL;
}

/* Apply and make durable *count* events in batches; *elapsed* in ns. Returns 0, an errno, or -1
 * where an event was not applied. */
static int loop_run(loop_books *books, const loop_transfer *events, uint64_t count, uint32_t batch,
                    int fd, uint64_t *elapsed) {
    static const loop_ring blank;
    loop_ring ring = blank;
    uint32_t statuses[LOOP_BATCH], index, size;
    uint64_t started, ticket, capacity = loop_frame_bytes(batch);
    pthread_t sealer, writer;
    int refused = 0;
    if (books->count + count > books->transfers_max) return ENOSPC;
    ring.fd = fd;
    ring.batches = (count + batch - 1) / batch;
    pthread_mutex_init(&ring.lock, NULL);
    pthread_cond_init(&ring.moved, NULL);
    for (index = 0; index < LOOP_RING; index++)
        if (!(ring.slots[index].frame = loop_memory(capacity))) return ENOMEM;
    payvand_checksum_prepare();
    started = loop_ticks();
    pthread_create(&sealer, NULL, loop_sealer, &ring);
    pthread_create(&writer, NULL, loop_writer, &ring);
    for (ticket = 0; ticket < ring.batches; ticket++) {
        const loop_transfer *first = events + ticket * batch;
        size = count - ticket * batch < batch ? (uint32_t)(count - ticket * batch) : batch;
        if (ticket >= LOOP_RING && !loop_await(&ring, &ring.written, ticket + 1 - LOOP_RING)) break;
        loop_apply(books, first, size, statuses);
        for (index = 0; index < size; index++) refused |= statuses[index] != LOOP_CREATED;
        loop_encode(&ring.slots[ticket % LOOP_RING], first, statuses, size, ticket + 1);
        loop_finish(&ring, &ring.applied, 0);
    }
    pthread_join(sealer, NULL);
    pthread_join(writer, NULL);
    *elapsed = loop_ticks() - started;
    for (index = 0; index < LOOP_RING; index++) loop_give_back(ring.slots[index].frame, capacity);
    return ring.failure ? ring.failure : refused ? -1 : 0;
}

/* ---- The file ----------------------------------------------------------------------------- */

/* Create a file of zeros of *size*, past the page cache where that can be; its descriptor or
 * minus an errno. */
static int loop_create(const char *path, uint64_t size) {
    uint64_t at, step = 1 << 20;
    int failure = 0, fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
    uint8_t *zeros;
    if (fd < 0 && errno == EINVAL) fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return -errno;
    if (!(zeros = loop_memory(step))) failure = ENOMEM;
    for (at = 0; at < size && !failure; at += step)
        failure = loop_write(fd, zeros, size - at < step ? size - at : step, at);
    if (!failure && fsync(fd)) failure = errno;
    loop_give_back(zeros, step);
    if (failure) {
        close(fd);
        return -failure;
    }
    return fd;
}

/* Write *size* zeros at *offset* and make them durable; *elapsed* in ns. 0 or an errno. */
static int loop_append(int fd, uint64_t size, uint64_t offset, uint64_t *elapsed) {
    uint8_t *zeros = NULL;
    uint64_t started;
    int failure;
    if (posix_memalign((void **)&zeros, LOOP_BLOCK, size)) return ENOMEM;
    memset(zeros, 0, size);
    started = loop_ticks();
    failure = loop_write(fd, zeros, size, offset);
    if (!failure && fdatasync(fd)) failure = errno;
    *elapsed = loop_ticks() - started;
    free(zeros);
    return failure;
}

#endif
