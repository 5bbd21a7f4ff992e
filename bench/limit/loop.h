/* The limit: the least that any program must do to apply transfers and make them durable.
 *
 * No statuses but one, no chains, no expiry, no callers: for each transfer the memory that a ledger
 * has to touch (one slot of the id table for the duplicate check, one slot and both cache lines of
 * each account, 128 bytes appended to the store), the comparisons on the way to a posted transfer,
 * and the bytes that the journal writes: records, statuses and decisions in frames of whole blocks,
 * each block under a CRC-32C, each frame in a chain of SHA-256. Three threads as in the engine:
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
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "checksum.h"

typedef unsigned __int128 loop_u128;

enum {
    LOOP_BATCH = 8190,
    LOOP_BLOCK = 4096,
    LOOP_SECTOR = 512,
    LOOP_RING = 4,
    LOOP_SLOTS_AHEAD = 16,
    LOOP_ROWS_AHEAD = 8,
    LOOP_PENDING = 2,
    LOOP_POST = 4,
    LOOP_MUST_NOT_EXCEED = 2 | 4,
    LOOP_CLOSED = 32
};
#define LOOP_NO_ROW 0xFFFFFFFFu
#define LOOP_CREATED 0xFFFFFFFFu

typedef struct __attribute__((packed)) {
    loop_u128 id, debits_pending, debits_posted, credits_pending, credits_posted, user_data_128;
    uint64_t user_data_64;
    uint32_t user_data_32, reserved, ledger;
    uint16_t code, flags;
    uint64_t timestamp;
} loop_account;

typedef struct __attribute__((packed)) {
    loop_u128 id, debit_account_id, credit_account_id, amount, pending_id, user_data_128;
    uint64_t user_data_64;
    uint32_t user_data_32, timeout, ledger;
    uint16_t code, flags;
    uint64_t timestamp;
} loop_transfer;

/* Open addressing from an id to a row: upper half of the hash | row + 1; 0 = empty. */
typedef struct {
    uint64_t *slots, mask;
} loop_index;

typedef struct {
    loop_account *accounts;
    loop_transfer *transfers;
    uint8_t *states;
    uint64_t accounts_max, transfers_max, count, timestamp;
    loop_index account_index, transfer_index;
} loop_books;

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

/* ---- Memory ------------------------------------------------------------------------------- */

/* Return zeros that were touched, in huge pages where the machine gives them; NULL on failure. */
static void *loop_memory(uint64_t size) {
    void *start = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return NULL;
    madvise(start, size, MADV_HUGEPAGE);
    memset(start, 0, size);
    return start;
}

static void loop_give_back(void *start, uint64_t size) {
    if (start) munmap(start, size);
}

static uint64_t loop_slots_for(uint64_t rows) {
    uint64_t slots = 4096;
    while (slots < rows * 2) slots *= 2;
    return slots;
}

static uint64_t loop_hash(loop_u128 id) {
    loop_u128 m = (loop_u128)((uint64_t)id ^ 0x5851F42D4C957F2Dull) *
                  (0x9E3779B97F4A7C15ull ^ (uint64_t)(id >> 64));
    uint64_t h = (uint64_t)m ^ (uint64_t)(m >> 64) ^ (uint64_t)(id >> 64);
    h *= 0xD6E8FEB86659FD93ull;
    return h ^ (h >> 32);
}

static void loop_insert(loop_index *index, uint64_t hash, uint32_t row) {
    uint64_t position = hash & index->mask;
    while (index->slots[position]) position = (position + 1) & index->mask;
    index->slots[position] = (hash & 0xFFFFFFFF00000000ull) | ((uint64_t)row + 1);
}

/* The row whose tag agrees, unread: what a prefetch goes by. */
static uint32_t loop_likely(const loop_index *index, uint64_t hash) {
    uint64_t position = hash & index->mask, slot;
    while ((slot = index->slots[position])) {
        if (!((slot ^ hash) >> 32)) return (uint32_t)slot - 1;
        position = (position + 1) & index->mask;
    }
    return LOOP_NO_ROW;
}

/* The row that holds the id; rows are 128 bytes and begin with it. */
static uint32_t loop_find(const loop_index *index, const void *rows, loop_u128 id, uint64_t hash) {
    uint64_t position = hash & index->mask, slot;
    loop_u128 found;
    while ((slot = index->slots[position])) {
        if (!((slot ^ hash) >> 32)) {
            memcpy(&found, (const uint8_t *)rows + ((slot & 0xFFFFFFFFu) - 1) * 128, 16);
            if (found == id) return (uint32_t)slot - 1;
        }
        position = (position + 1) & index->mask;
    }
    return LOOP_NO_ROW;
}

static void loop_close(loop_books *books) {
    loop_give_back(books->accounts, books->accounts_max * sizeof(loop_account));
    loop_give_back(books->transfers, books->transfers_max * sizeof(loop_transfer));
    loop_give_back(books->states, books->transfers_max);
    loop_give_back(books->account_index.slots, (books->account_index.mask + 1) * 8);
    loop_give_back(books->transfer_index.slots, (books->transfer_index.mask + 1) * 8);
    memset(books, 0, sizeof *books);
}

/* Open accounts 1 to accounts_max and make room for transfers; 0 or an errno. */
static int loop_open(loop_books *books, uint64_t accounts_max, uint64_t transfers_max,
                     uint32_t ledger) {
    uint64_t row;
    memset(books, 0, sizeof *books);
    books->accounts_max = accounts_max;
    books->transfers_max = transfers_max;
    books->account_index.mask = loop_slots_for(accounts_max) - 1;
    books->transfer_index.mask = loop_slots_for(transfers_max) - 1;
    books->accounts = loop_memory(accounts_max * sizeof(loop_account));
    books->transfers = loop_memory(transfers_max * sizeof(loop_transfer));
    books->states = loop_memory(transfers_max);
    books->account_index.slots = loop_memory((books->account_index.mask + 1) * 8);
    books->transfer_index.slots = loop_memory((books->transfer_index.mask + 1) * 8);
    if (!books->accounts || !books->transfers || !books->states || !books->account_index.slots ||
        !books->transfer_index.slots) {
        loop_close(books);
        return ENOMEM;
    }
    for (row = 0; row < accounts_max; row++) {
        books->accounts[row].id = row + 1;
        books->accounts[row].ledger = ledger;
        loop_insert(&books->account_index, loop_hash(row + 1), (uint32_t)row);
    }
    payvand_checksum_prepare();
    return 0;
}

/* ---- Applying ----------------------------------------------------------------------------- */

/* What is known of an event before its turn: hashes first, rows once the slots have come. */
typedef struct {
    uint64_t hash, debit_hash, credit_hash;
    uint32_t debit_row, credit_row;
} loop_ahead;

static void loop_prefetch_row(const void *rows, uint32_t row) {
    const uint8_t *start = (const uint8_t *)rows + (uint64_t)row * 128;
    __builtin_prefetch(start, 1, 3);
    __builtin_prefetch(start + 64, 1, 3);
}

/* Ask for the slots. A post finds its pending transfer by the debit side's fields. */
static void loop_look_ahead(const loop_books *books, const loop_transfer *event,
                            loop_ahead *ahead) {
    const loop_index *accounts = &books->account_index, *ids = &books->transfer_index;
    ahead->hash = loop_hash(event->id);
    __builtin_prefetch(&ids->slots[ahead->hash & ids->mask], 1, 3);
    if (event->flags & LOOP_POST) {
        ahead->debit_hash = loop_hash(event->pending_id);
        __builtin_prefetch(&ids->slots[ahead->debit_hash & ids->mask], 0, 3);
        return;
    }
    ahead->debit_hash = loop_hash(event->debit_account_id);
    ahead->credit_hash = loop_hash(event->credit_account_id);
    __builtin_prefetch(&accounts->slots[ahead->debit_hash & accounts->mask], 0, 3);
    __builtin_prefetch(&accounts->slots[ahead->credit_hash & accounts->mask], 0, 3);
}

/* Read the slots, which have come, and ask for the rows. */
static void loop_find_ahead(const loop_books *books, const loop_transfer *event,
                            loop_ahead *ahead) {
    if (event->flags & LOOP_POST) {
        ahead->debit_row = loop_likely(&books->transfer_index, ahead->debit_hash);
        if (ahead->debit_row != LOOP_NO_ROW)
            loop_prefetch_row(books->transfers, ahead->debit_row);
        return;
    }
    ahead->debit_row = loop_likely(&books->account_index, ahead->debit_hash);
    ahead->credit_row = loop_likely(&books->account_index, ahead->credit_hash);
    if (ahead->debit_row != LOOP_NO_ROW) loop_prefetch_row(books->accounts, ahead->debit_row);
    if (ahead->credit_row != LOOP_NO_ROW) loop_prefetch_row(books->accounts, ahead->credit_row);
}

/* The row that holds an account: the likely one, or another of the same tag. */
static uint32_t loop_account_row(const loop_books *books, loop_u128 id, uint64_t hash,
                                 uint32_t likely) {
    if (likely == LOOP_NO_ROW || books->accounts[likely].id == id) return likely;
    return loop_find(&books->account_index, books->accounts, id, hash);
}

static int loop_overflows(loop_u128 left, loop_u128 right) {
    return (loop_u128)(left + right) < left;
}

static uint32_t loop_move(loop_books *books, const loop_transfer *event, const loop_ahead *ahead) {
    uint32_t debit_row, credit_row;
    loop_account *debit, *credit;
    loop_transfer *stored;
    loop_u128 amount = event->amount;
    debit_row = loop_account_row(books, event->debit_account_id, ahead->debit_hash,
                                 ahead->debit_row);
    credit_row = loop_account_row(books, event->credit_account_id, ahead->credit_hash,
                                  ahead->credit_row);
    if (debit_row == LOOP_NO_ROW || credit_row == LOOP_NO_ROW || debit_row == credit_row) return 2;
    debit = &books->accounts[debit_row];
    credit = &books->accounts[credit_row];
    if (debit->ledger != credit->ledger || event->ledger != debit->ledger || !event->code)
        return 3;
    if ((debit->flags | credit->flags) & (LOOP_CLOSED | LOOP_MUST_NOT_EXCEED)) return 4;
    if (loop_overflows(debit->debits_posted + debit->debits_pending, amount) ||
        loop_overflows(credit->credits_posted + credit->credits_pending, amount)) return 5;
    stored = &books->transfers[books->count];
    *stored = *event;
    stored->timestamp = ++books->timestamp;
    if (event->flags & LOOP_PENDING) {
        debit->debits_pending += amount;
        credit->credits_pending += amount;
    } else {
        debit->debits_posted += amount;
        credit->credits_posted += amount;
    }
    books->states[books->count] = event->flags & LOOP_PENDING ? LOOP_PENDING : 1;
    return LOOP_CREATED;
}

static uint32_t loop_post(loop_books *books, const loop_transfer *event, const loop_ahead *ahead) {
    uint32_t row = loop_find(&books->transfer_index, books->transfers, event->pending_id,
                             ahead->debit_hash);
    const loop_transfer *pending;
    loop_transfer *stored;
    loop_account *debit, *credit;
    if (row == LOOP_NO_ROW || books->states[row] != LOOP_PENDING) return 6;
    pending = &books->transfers[row];
    debit = &books->accounts[loop_find(&books->account_index, books->accounts,
                                       pending->debit_account_id,
                                       loop_hash(pending->debit_account_id))];
    credit = &books->accounts[loop_find(&books->account_index, books->accounts,
                                        pending->credit_account_id,
                                        loop_hash(pending->credit_account_id))];
    stored = &books->transfers[books->count];
    *stored = *event;
    stored->debit_account_id = pending->debit_account_id;
    stored->credit_account_id = pending->credit_account_id;
    stored->amount = pending->amount;
    stored->ledger = pending->ledger;
    stored->code = pending->code;
    stored->timestamp = ++books->timestamp;
    debit->debits_pending -= pending->amount;
    credit->credits_pending -= pending->amount;
    debit->debits_posted += pending->amount;
    credit->credits_posted += pending->amount;
    books->states[row] = books->states[books->count] = LOOP_POST;
    return LOOP_CREATED;
}

static void loop_apply(loop_books *books, const loop_transfer *events, uint32_t count,
                       uint32_t *statuses) {
    loop_ahead ring[LOOP_SLOTS_AHEAD * 2], *ahead;
    uint32_t index;
    for (index = 0; index < count + LOOP_SLOTS_AHEAD; index++) {
        if (index < count)
            loop_look_ahead(books, &events[index], &ring[index % (LOOP_SLOTS_AHEAD * 2)]);
        if (index >= LOOP_SLOTS_AHEAD - LOOP_ROWS_AHEAD &&
            index - (LOOP_SLOTS_AHEAD - LOOP_ROWS_AHEAD) < count) {
            uint32_t near = index - (LOOP_SLOTS_AHEAD - LOOP_ROWS_AHEAD);
            loop_find_ahead(books, &events[near], &ring[near % (LOOP_SLOTS_AHEAD * 2)]);
        }
        if (index >= LOOP_SLOTS_AHEAD) {
            const loop_transfer *event = &events[index - LOOP_SLOTS_AHEAD];
            uint32_t status;
            ahead = &ring[(index - LOOP_SLOTS_AHEAD) % (LOOP_SLOTS_AHEAD * 2)];
            if (!event->id || loop_find(&books->transfer_index, books->transfers, event->id,
                                        ahead->hash) != LOOP_NO_ROW)
                status = 1;
            else if (event->flags & LOOP_POST)
                status = loop_post(books, event, ahead);
            else
                status = loop_move(books, event, ahead);
            if (status == LOOP_CREATED)
                loop_insert(&books->transfer_index, ahead->hash, (uint32_t)books->count++);
            statuses[index - LOOP_SLOTS_AHEAD] = status;
        }
    }
}

/* ---- Frames ------------------------------------------------------------------------------- */

/* The bytes of a frame of so many transfers: head, checksums of sectors, records, statuses and
 * decisions, trailer, in whole blocks, as core/frame.pyx lays them out. */
static uint64_t loop_body_bytes(uint64_t count) {
    return count * sizeof(loop_transfer) + 2 * loop_rounded(count * 4, 16);
}

static uint64_t loop_head_bytes(uint64_t count) {
    uint64_t sectors = loop_rounded(loop_body_bytes(count) + 16, LOOP_SECTOR) / LOOP_SECTOR + 7;
    return loop_rounded(128 + sectors * 4, LOOP_SECTOR);
}

static uint64_t loop_frame_bytes(uint64_t count) {
    return loop_rounded(loop_head_bytes(count) + loop_body_bytes(count) + 16, LOOP_BLOCK);
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

/* Put a frame under its checksums and into the chain. */
static void loop_seal(loop_slot *slot, uint8_t chain[32]) {
    uint64_t start, head = slot->head_bytes;
    uint32_t *table = (uint32_t *)(slot->frame + 128), checksum;
    memcpy(slot->frame + 64, chain, 32);
    for (start = head; start < slot->frame_bytes; start += LOOP_SECTOR)
        *table++ = payvand_crc32c(0, slot->frame + start, LOOP_SECTOR);
    checksum = payvand_crc32c(0, slot->frame, head);
    memcpy(slot->frame + 124, &checksum, 4);
    payvand_sha256(slot->frame, slot->frame_bytes, NULL, 0, chain, 0);
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
