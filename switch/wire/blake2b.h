/* BLAKE2b with digests of 64 bits, eight messages side by side.
 *
 * A payment costs three or four blocks of BLAKE2b: the keys of its two accounts and the digest of
 * its message. One block alone is a chain of some thousand dependent instructions; eight of them
 * in the lanes of vectors take little longer than one. Each lane has a message of its own length:
 * a lane that has come to its end keeps its state while the others go on.
 *
 * The compiler makes a version for each kind of machine and chooses when the module is loaded. */
#ifndef PAYVAND_BLAKE2B_H
#define PAYVAND_BLAKE2B_H

#include <stdint.h>
#include <string.h>

#define PAYVAND_LANES 8
#define PAYVAND_BLAKE2B_BLOCK 128

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__) \
    && !defined(__SANITIZE_ADDRESS__)
#define PAYVAND_EACH_MACHINE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define PAYVAND_EACH_MACHINE
#endif

typedef uint64_t payvand_lanes __attribute__((vector_size(8 * PAYVAND_LANES)));

static const uint64_t payvand_blake2b_iv[8] = {
    0x6a09e667f3bcc908ull, 0xbb67ae8584caa73bull, 0x3c6ef372fe94f82bull, 0xa54ff53a5f1d36f1ull,
    0x510e527fade682d1ull, 0x9b05688c2b3e6c1full, 0x1f83d9abfb41bd6bull, 0x5be0cd19137e2179ull,
};

#define PAYVAND_ROTATE(x, n) (((x) >> (n)) | ((x) << (64 - (n))))
#define PAYVAND_MIX(a, b, c, d, x, y)      \
    do {                                   \
        a = a + b + (x);                   \
        d = PAYVAND_ROTATE(d ^ a, 32);     \
        c = c + d;                         \
        b = PAYVAND_ROTATE(b ^ c, 24);     \
        a = a + b + (y);                   \
        d = PAYVAND_ROTATE(d ^ a, 16);     \
        c = c + d;                         \
        b = PAYVAND_ROTATE(b ^ c, 63);     \
    } while (0)

/* Columns, then diagonals; the arguments say which words of the block go in. */
#define PAYVAND_ROUND(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)    \
    do {                                                                 \
        PAYVAND_MIX(v[0], v[4], v[8], v[12], words[a], words[b]);        \
        PAYVAND_MIX(v[1], v[5], v[9], v[13], words[c], words[d]);        \
        PAYVAND_MIX(v[2], v[6], v[10], v[14], words[e], words[f]);       \
        PAYVAND_MIX(v[3], v[7], v[11], v[15], words[g], words[h]);       \
        PAYVAND_MIX(v[0], v[5], v[10], v[15], words[i], words[j]);       \
        PAYVAND_MIX(v[1], v[6], v[11], v[12], words[k], words[l]);       \
        PAYVAND_MIX(v[2], v[7], v[8], v[13], words[m], words[n]);        \
        PAYVAND_MIX(v[3], v[4], v[9], v[14], words[o], words[p]);        \
    } while (0)

/* Write the digests of `count` messages, at most eight, as big-endian numbers: their first eight
 * bytes are the whole digest, for the parameter block asks for eight. `person` is 16 bytes. */
PAYVAND_EACH_MACHINE
static void payvand_blake2b_64(const uint8_t *const *messages, const uint32_t *sizes,
                               uint32_t count, const uint8_t *person, uint64_t *digests) {
    payvand_lanes state[8], v[16], words[16], counter, last, active;
    uint8_t padded[PAYVAND_LANES][PAYVAND_BLAKE2B_BLOCK];
    uint64_t person_words[2];
    uint32_t blocks = 0, block, lane, word;
    const uint64_t zero = 0;
    memcpy(person_words, person, 16);
    for (word = 0; word < 8; word++)
        for (lane = 0; lane < PAYVAND_LANES; lane++) state[word][lane] = payvand_blake2b_iv[word];
    /* Digest of 8 bytes, no key, fan-out and depth 1; the personalisation is the last 16 bytes. */
    state[0] ^= (uint64_t)0x01010008;
    state[6] ^= person_words[0];
    state[7] ^= person_words[1];
    for (lane = 0; lane < count; lane++) {
        uint32_t own = sizes[lane] ? (sizes[lane] - 1) / PAYVAND_BLAKE2B_BLOCK + 1 : 1;
        if (own > blocks) blocks = own;
    }
    for (block = 0; block < blocks; block++) {
        uint32_t start = block * PAYVAND_BLAKE2B_BLOCK;
        for (lane = 0; lane < PAYVAND_LANES; lane++) {
            uint32_t size = lane < count ? sizes[lane] : 0;
            const uint8_t *from = padded[lane];
            int goes_on = lane < count && (start < size || block == 0);
            int ends = goes_on && size - start <= PAYVAND_BLAKE2B_BLOCK;
            if (goes_on && !ends) {
                from = messages[lane] + start;
            } else {
                memset(padded[lane], 0, PAYVAND_BLAKE2B_BLOCK);
                if (goes_on && size) memcpy(padded[lane], messages[lane] + start, size - start);
            }
            for (word = 0; word < 16; word++) {
                uint64_t value;
                memcpy(&value, from + 8 * word, 8);
                words[word][lane] = value;
            }
            counter[lane] = ends ? size : start + PAYVAND_BLAKE2B_BLOCK;
            last[lane] = ends ? ~zero : 0;
            active[lane] = goes_on ? ~zero : 0;
        }
        for (word = 0; word < 8; word++) v[word] = state[word];
        for (word = 0; word < 8; word++)
            for (lane = 0; lane < PAYVAND_LANES; lane++)
                v[8 + word][lane] = payvand_blake2b_iv[word];
        v[12] ^= counter;
        v[14] ^= last;
        PAYVAND_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        PAYVAND_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
        PAYVAND_ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
        PAYVAND_ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
        PAYVAND_ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
        PAYVAND_ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
        PAYVAND_ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
        PAYVAND_ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
        PAYVAND_ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
        PAYVAND_ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
        PAYVAND_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        PAYVAND_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
        for (word = 0; word < 8; word++) state[word] ^= (v[word] ^ v[8 + word]) & active;
    }
    for (lane = 0; lane < count; lane++) digests[lane] = __builtin_bswap64(state[0][lane]);
}

#endif
