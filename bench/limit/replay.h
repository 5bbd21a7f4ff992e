/* The limit of recovery: read the frames that `loop_run` wrote, prove them, apply them again.
 *
 *     read frame N + 2, past the page cache  ──►  checksums and chain of N + 1  ──►  apply N
 */
#ifndef PAYVAND_BENCH_REPLAY_H
#define PAYVAND_BENCH_REPLAY_H

#include "loop.h"

static int loop_read(int fd, uint8_t *bytes, uint64_t size, uint64_t offset) {
    while (size) {
        ssize_t done = pread(fd, bytes, size, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done ? errno : EIO;
        bytes += done;
        size -= (uint64_t)done;
        offset += (uint64_t)done;
    }
    return 0;
}

static void *loop_reader(void *argument) {
    loop_ring *ring = argument;
    uint64_t ticket;
    for (ticket = 0; ticket < ring->batches; ticket++) {
        loop_slot *slot = &ring->slots[ticket % LOOP_RING];
        int failure;
        if (ticket >= LOOP_RING && !loop_await(ring, &ring->written, ticket + 1 - LOOP_RING)) break;
        failure = loop_read(ring->fd, slot->frame, slot->frame_bytes, ring->offset);
        ring->offset += slot->frame_bytes;
        loop_finish(ring, &ring->applied, failure);
    }
    return NULL;
}

/* Tell whether a frame is what was sealed behind the one before. */
static int loop_is_sound(const loop_slot *slot, uint8_t chain[32]) {
    uint64_t sectors = (slot->frame_bytes - slot->head_bytes) / LOOP_SECTOR;
    uint32_t found[LOOP_SECTORS_MAX];
    if (memcmp(slot->frame + 64, chain, 32)) return 0;
    payvand_crc32c_each(slot->frame + slot->head_bytes, LOOP_SECTOR, sectors, found);
    if (memcmp(slot->frame + 128, found, sectors * 4)) return 0;
    loop_digest(slot, chain);
    return 1;
}

static void *loop_checker(void *argument) {
    loop_ring *ring = argument;
    uint8_t chain[32] = {0};
    uint64_t ticket;
    for (ticket = 0; ticket < ring->batches; ticket++) {
        if (!loop_await(ring, &ring->applied, ticket + 1)) break;
        loop_finish(ring, &ring->sealed,
                    loop_is_sound(&ring->slots[ticket % LOOP_RING], chain) ? 0 : EBADMSG);
    }
    return NULL;
}

/* Apply the frames of so many whole batches from the start of a file; as `loop_run` returns. */
static int loop_replay(loop_books *books, uint64_t batches, uint32_t batch, int fd,
                       uint64_t *elapsed) {
    static const loop_ring blank;
    loop_ring ring = blank;
    uint32_t statuses[LOOP_BATCH], index;
    uint64_t started, ticket, capacity = loop_frame_bytes(batch);
    pthread_t reader, checker;
    int refused = 0;
    if (books->count + batches * batch > books->transfers_max) return ENOSPC;
    ring.fd = fd;
    ring.batches = batches;
    pthread_mutex_init(&ring.lock, NULL);
    pthread_cond_init(&ring.moved, NULL);
    for (index = 0; index < LOOP_RING; index++) {
        ring.slots[index].head_bytes = loop_head_bytes(batch);
        ring.slots[index].frame_bytes = capacity;
        if (!(ring.slots[index].frame = loop_memory(capacity))) return ENOMEM;
    }
    payvand_checksum_prepare();
    started = loop_ticks();
    pthread_create(&reader, NULL, loop_reader, &ring);
    pthread_create(&checker, NULL, loop_checker, &ring);
    for (ticket = 0; ticket < batches; ticket++) {
        const loop_slot *slot = &ring.slots[ticket % LOOP_RING];
        if (!loop_await(&ring, &ring.sealed, ticket + 1)) break;
        loop_apply(books, (const loop_transfer *)(slot->frame + slot->head_bytes), batch, statuses);
        for (index = 0; index < batch; index++) refused |= statuses[index] != LOOP_CREATED;
        loop_finish(&ring, &ring.written, 0);
    }
    pthread_join(reader, NULL);
    pthread_join(checker, NULL);
    *elapsed = loop_ticks() - started;
    for (index = 0; index < LOOP_RING; index++) loop_give_back(ring.slots[index].frame, capacity);
    return ring.failure ? ring.failure : refused ? -1 : 0;
}

#endif
