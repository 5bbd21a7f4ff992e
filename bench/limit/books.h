/* The least books that any ledger must keep, and the least work on them. See loop.h.
 *
 * Accounts and transfers of 128 bytes in arrays, two open-addressing tables from ids to rows. */
#ifndef PAYVAND_BENCH_BOOKS_H
#define PAYVAND_BENCH_BOOKS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

typedef unsigned __int128 loop_u128;

enum {
    LOOP_SLOTS_AHEAD = 16,
    LOOP_ROWS_AHEAD = 8,
    LOOP_ACCOUNTS_AHEAD = 4,
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
    return 0;
}

/* ---- Applying ----------------------------------------------------------------------------- */

/* What is known of an event before its turn: hashes first, rows once the slots have come. */
typedef struct {
    uint64_t hash, debit_hash, credit_hash, pending_hash;
    uint32_t debit_row, credit_row, pending_row;
} loop_ahead;

static void loop_prefetch_row(const void *rows, uint32_t row) {
    const uint8_t *start = (const uint8_t *)rows + (uint64_t)row * 128;
    __builtin_prefetch(start, 1, 3);
    __builtin_prefetch(start + 64, 1, 3);
}

/* First, ask for the slots. */
static void loop_see_slots(const loop_books *books, const loop_transfer *event,
                           loop_ahead *ahead) {
    const loop_index *accounts = &books->account_index, *ids = &books->transfer_index;
    ahead->hash = loop_hash(event->id);
    __builtin_prefetch(&ids->slots[ahead->hash & ids->mask], 1, 3);
    if (event->flags & LOOP_POST) {
        ahead->pending_hash = loop_hash(event->pending_id);
        __builtin_prefetch(&ids->slots[ahead->pending_hash & ids->mask], 0, 3);
        return;
    }
    ahead->debit_hash = loop_hash(event->debit_account_id);
    ahead->credit_hash = loop_hash(event->credit_account_id);
    __builtin_prefetch(&accounts->slots[ahead->debit_hash & accounts->mask], 0, 3);
    __builtin_prefetch(&accounts->slots[ahead->credit_hash & accounts->mask], 0, 3);
}

static void loop_see_accounts(const loop_books *books, loop_ahead *ahead) {
    ahead->debit_row = loop_likely(&books->account_index, ahead->debit_hash);
    ahead->credit_row = loop_likely(&books->account_index, ahead->credit_hash);
    if (ahead->debit_row != LOOP_NO_ROW) loop_prefetch_row(books->accounts, ahead->debit_row);
    if (ahead->credit_row != LOOP_NO_ROW) loop_prefetch_row(books->accounts, ahead->credit_row);
}

/* Then read the slots, which have come, and ask for the rows. */
static void loop_see_rows(const loop_books *books, const loop_transfer *event,
                          loop_ahead *ahead) {
    if (!(event->flags & LOOP_POST)) {
        loop_see_accounts(books, ahead);
        return;
    }
    ahead->pending_row = loop_likely(&books->transfer_index, ahead->pending_hash);
    if (ahead->pending_row != LOOP_NO_ROW)
        loop_prefetch_row(books->transfers, ahead->pending_row);
}

/* Of a post, last, read the pending transfer and ask for its accounts. */
static void loop_see_pending(const loop_books *books, const loop_transfer *event,
                             loop_ahead *ahead) {
    const loop_transfer *pending;
    if (!(event->flags & LOOP_POST) || ahead->pending_row == LOOP_NO_ROW) return;
    pending = &books->transfers[ahead->pending_row];
    ahead->debit_hash = loop_hash(pending->debit_account_id);
    ahead->credit_hash = loop_hash(pending->credit_account_id);
    loop_see_accounts(books, ahead);
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
                             ahead->pending_hash);
    const loop_transfer *pending;
    loop_transfer *stored;
    loop_account *debit, *credit;
    if (row == LOOP_NO_ROW || row != ahead->pending_row || books->states[row] != LOOP_PENDING)
        return 6;
    pending = &books->transfers[row];
    debit = &books->accounts[loop_account_row(books, pending->debit_account_id, ahead->debit_hash,
                                              ahead->debit_row)];
    credit = &books->accounts[loop_account_row(books, pending->credit_account_id,
                                               ahead->credit_hash, ahead->credit_row)];
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

static uint32_t loop_apply_one(loop_books *books, const loop_transfer *event,
                               const loop_ahead *ahead) {
    uint32_t status;
    if (!event->id || loop_find(&books->transfer_index, books->transfers, event->id,
                                ahead->hash) != LOOP_NO_ROW)
        return 1;
    status = event->flags & LOOP_POST ? loop_post(books, event, ahead)
                                      : loop_move(books, event, ahead);
    if (status == LOOP_CREATED)
        loop_insert(&books->transfer_index, ahead->hash, (uint32_t)books->count++);
    return status;
}

/* Each step of an event is taken some events ahead, so that what it asks for has come when the
 * next one needs it. */
static void loop_apply(loop_books *books, const loop_transfer *events, uint32_t count,
                       uint32_t *statuses) {
    loop_ahead ring[LOOP_SLOTS_AHEAD * 2];
    uint32_t turn, at, mask = LOOP_SLOTS_AHEAD * 2 - 1;
    for (turn = 0; turn < count + LOOP_SLOTS_AHEAD; turn++) {
        if ((at = turn) < count) loop_see_slots(books, &events[at], &ring[at & mask]);
        at = turn - (LOOP_SLOTS_AHEAD - LOOP_ROWS_AHEAD);
        if (at < count) loop_see_rows(books, &events[at], &ring[at & mask]);
        at = turn - (LOOP_SLOTS_AHEAD - LOOP_ACCOUNTS_AHEAD);
        if (at < count) loop_see_pending(books, &events[at], &ring[at & mask]);
        at = turn - LOOP_SLOTS_AHEAD;
        if (at < count) statuses[at] = loop_apply_one(books, &events[at], &ring[at & mask]);
    }
}

#endif
