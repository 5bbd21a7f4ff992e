/* CRC-32C (Castagnoli) and SHA-256, with the machine's own instructions where it has them.
 *
 * The journal checks every byte it reads and chains every frame it writes on a thread that holds
 * no Python lock, so both live in C. The tests hold them against independent implementations. */
#ifndef PAYVAND_CHECKSUM_H
#define PAYVAND_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define PAYVAND_X86 1
#endif

/* ---- CRC-32C ------------------------------------------------------------------------------ */

static uint32_t payvand_crc_table[256];
static int payvand_crc_ready = 0;

static void payvand_crc_prepare(void) {
    uint32_t value, byte;
    int bit;
    if (payvand_crc_ready) return;
    for (byte = 0; byte < 256; byte++) {
        value = byte;
        for (bit = 0; bit < 8; bit++) value = (value >> 1) ^ (value & 1 ? 0x82F63B78u : 0);
        payvand_crc_table[byte] = value;
    }
    payvand_crc_ready = 1;
}

static uint32_t payvand_crc32c_portable(uint32_t crc, const uint8_t *data, size_t size) {
    crc = ~crc;
    while (size--) crc = (crc >> 8) ^ payvand_crc_table[(crc ^ *data++) & 0xFF];
    return ~crc;
}

#ifdef PAYVAND_X86
__attribute__((target("sse4.2")))
static uint32_t payvand_crc32c_sse42(uint32_t crc, const uint8_t *data, size_t size) {
    uint64_t value = (uint32_t)~crc, word;
    while (size >= 8) {
        memcpy(&word, data, 8);
        value = _mm_crc32_u64(value, word);
        data += 8;
        size -= 8;
    }
    while (size--) value = _mm_crc32_u8((uint32_t)value, *data++);
    return ~(uint32_t)value;
}

/* The instruction takes three cycles, but one can begin in each: so four pieces go side by side. */
__attribute__((target("sse4.2")))
static void payvand_crc32c_four_sse42(const uint8_t *data, size_t size, uint32_t out[4]) {
    uint64_t values[4] = {~0u, ~0u, ~0u, ~0u}, word;
    size_t at, piece;
    for (at = 0; at < size; at += 8) {
#pragma GCC unroll 4
        for (piece = 0; piece < 4; piece++) {
            memcpy(&word, data + piece * size + at, 8);
            values[piece] = _mm_crc32_u64(values[piece], word);
        }
    }
    for (piece = 0; piece < 4; piece++) out[piece] = ~(uint32_t)values[piece];
}
#endif

/* ---- SHA-256 ------------------------------------------------------------------------------ */

static const uint32_t payvand_sha_k[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

typedef void (*payvand_sha_blocks_t)(uint32_t state[8], const uint8_t *data, size_t blocks);

static uint32_t payvand_rotr(uint32_t value, int bits) {
    return (value >> bits) | (value << (32 - bits));
}

static void payvand_sha_blocks_portable(uint32_t state[8], const uint8_t *data, size_t blocks) {
    uint32_t w[64], s[8], t1, t2;
    int i;
    while (blocks--) {
        for (i = 0; i < 16; i++)
            w[i] = (uint32_t)data[4 * i] << 24 | (uint32_t)data[4 * i + 1] << 16 |
                   (uint32_t)data[4 * i + 2] << 8 | data[4 * i + 3];
        for (; i < 64; i++)
            w[i] = w[i - 16] + w[i - 7] +
                   (payvand_rotr(w[i - 15], 7) ^ payvand_rotr(w[i - 15], 18) ^ (w[i - 15] >> 3)) +
                   (payvand_rotr(w[i - 2], 17) ^ payvand_rotr(w[i - 2], 19) ^ (w[i - 2] >> 10));
        memcpy(s, state, 32);
        for (i = 0; i < 64; i++) {
            t1 = s[7] + (payvand_rotr(s[4], 6) ^ payvand_rotr(s[4], 11) ^ payvand_rotr(s[4], 25)) +
                 ((s[4] & s[5]) ^ (~s[4] & s[6])) + payvand_sha_k[i] + w[i];
            t2 = (payvand_rotr(s[0], 2) ^ payvand_rotr(s[0], 13) ^ payvand_rotr(s[0], 22)) +
                 ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
            s[7] = s[6]; s[6] = s[5]; s[5] = s[4]; s[4] = s[3] + t1;
            s[3] = s[2]; s[2] = s[1]; s[1] = s[0]; s[0] = t1 + t2;
        }
        for (i = 0; i < 8; i++) state[i] += s[i];
        data += 64;
    }
}

#ifdef PAYVAND_X86
/* The instructions keep the state as ABEF and CDGH and do two rounds at a time. */
__attribute__((target("sha,sse4.1")))
static void payvand_sha_blocks_ni(uint32_t state[8], const uint8_t *data, size_t blocks) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
    __m128i abef, cdgh, abef_before, cdgh_before, low, high, round, w[4], next;
    int group;
    low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);        /* CDAB */
    high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B); /* EFGH */
    abef = _mm_alignr_epi8(low, high, 8);
    cdgh = _mm_blend_epi16(high, low, 0xF0);
    while (blocks--) {
        abef_before = abef;
        cdgh_before = cdgh;
#pragma GCC unroll 16
        for (group = 0; group < 16; group++) {
            if (group < 4) {
                w[group] = _mm_shuffle_epi8(
                    _mm_loadu_si128((const __m128i *)(data + 16 * group)), swap);
            } else {
                next = _mm_sha256msg1_epu32(w[group & 3], w[(group + 1) & 3]);
                next = _mm_add_epi32(
                    next, _mm_alignr_epi8(w[(group + 3) & 3], w[(group + 2) & 3], 4));
                w[group & 3] = _mm_sha256msg2_epu32(next, w[(group + 3) & 3]);
            }
            round = _mm_add_epi32(
                w[group & 3], _mm_load_si128((const __m128i *)(payvand_sha_k + 4 * group)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, round);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(round, 0x0E));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
        data += 64;
    }
    low = _mm_shuffle_epi32(abef, 0x1B);  /* FEBA */
    high = _mm_shuffle_epi32(cdgh, 0xB1); /* DCHG */
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}
#endif

#ifdef PAYVAND_X86
/* The rounds of one message wait for each other; those of two messages fill each other's gaps. */
__attribute__((target("sha,sse4.1")))
static void payvand_sha_two_ni(uint32_t states[2][8], const uint8_t *const data[2],
                               size_t blocks) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
    __m128i abef[2], cdgh[2], abef_before[2], cdgh_before[2], w[2][4], low, high, round, next;
    size_t block;
    int group, lane;
#pragma GCC unroll 2
    for (lane = 0; lane < 2; lane++) {
        low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)states[lane]), 0xB1);
        high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(states[lane] + 4)), 0x1B);
        abef[lane] = _mm_alignr_epi8(low, high, 8);
        cdgh[lane] = _mm_blend_epi16(high, low, 0xF0);
    }
    for (block = 0; block < blocks; block++) {
#pragma GCC unroll 2
        for (lane = 0; lane < 2; lane++) {
            abef_before[lane] = abef[lane];
            cdgh_before[lane] = cdgh[lane];
        }
#pragma GCC unroll 16
        for (group = 0; group < 16; group++) {
#pragma GCC unroll 2
            for (lane = 0; lane < 2; lane++) {
                __m128i *words = w[lane];
                if (group < 4) {
                    words[group] = _mm_shuffle_epi8(
                        _mm_loadu_si128(
                            (const __m128i *)(data[lane] + 64 * block + 16 * group)),
                        swap);
                } else {
                    next = _mm_sha256msg1_epu32(words[group & 3], words[(group + 1) & 3]);
                    next = _mm_add_epi32(
                        next, _mm_alignr_epi8(words[(group + 3) & 3], words[(group + 2) & 3], 4));
                    words[group & 3] = _mm_sha256msg2_epu32(next, words[(group + 3) & 3]);
                }
                round = _mm_add_epi32(
                    words[group & 3],
                    _mm_load_si128((const __m128i *)(payvand_sha_k + 4 * group)));
                cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], round);
                abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane],
                                                   _mm_shuffle_epi32(round, 0x0E));
            }
        }
#pragma GCC unroll 2
        for (lane = 0; lane < 2; lane++) {
            abef[lane] = _mm_add_epi32(abef[lane], abef_before[lane]);
            cdgh[lane] = _mm_add_epi32(cdgh[lane], cdgh_before[lane]);
        }
    }
#pragma GCC unroll 2
    for (lane = 0; lane < 2; lane++) {
        low = _mm_shuffle_epi32(abef[lane], 0x1B);
        high = _mm_shuffle_epi32(cdgh[lane], 0xB1);
        _mm_storeu_si128((__m128i *)states[lane], _mm_blend_epi16(low, high, 0xF0));
        _mm_storeu_si128((__m128i *)(states[lane] + 4), _mm_alignr_epi8(high, low, 8));
    }
}
#endif

/* ---- The choice, made once ---------------------------------------------------------------- */

static int payvand_has_crc = 0, payvand_has_sha = 0;

static void payvand_checksum_prepare(void) {
    payvand_crc_prepare();
#ifdef PAYVAND_X86
    __builtin_cpu_init();
    payvand_has_crc = __builtin_cpu_supports("sse4.2") != 0;
    {
        uint32_t a = 7, b = 0, c = 0, d = 0;
        __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        payvand_has_sha = __builtin_cpu_supports("sse4.1") && (b >> 29 & 1);
    }
#endif
}

static uint32_t payvand_crc32c(uint32_t crc, const uint8_t *data, size_t size) {
#ifdef PAYVAND_X86
    if (payvand_has_crc) return payvand_crc32c_sse42(crc, data, size);
#endif
    return payvand_crc32c_portable(crc, data, size);
}

/* The CRC-32C of each of *count* pieces of *size* bytes, a multiple of eight. */
static void payvand_crc32c_each(const uint8_t *data, size_t size, size_t count, uint32_t *out) {
#ifdef PAYVAND_X86
    for (; payvand_has_crc && count >= 4; count -= 4, data += 4 * size, out += 4)
        payvand_crc32c_four_sse42(data, size, out);
#endif
    for (; count; count--, data += size) *out++ = payvand_crc32c(0, data, size);
}

static const uint32_t payvand_sha_initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static payvand_sha_blocks_t payvand_sha_blocks(int portable) {
#ifdef PAYVAND_X86
    if (payvand_has_sha && !portable) return payvand_sha_blocks_ni;
#endif
    (void)portable;
    return payvand_sha_blocks_portable;
}

/* Take in the last bytes of a message of so many *bits*, fewer than a block, and its end. */
static void payvand_sha_end(payvand_sha_blocks_t blocks, uint32_t state[8], const uint8_t *rest,
                            size_t held, uint64_t bits, uint8_t out[32]) {
    uint8_t block[128];
    size_t tail = held < 56 ? 64 : 128;
    int i;
    memcpy(block, rest, held);
    block[held] = 0x80;
    memset(block + held + 1, 0, tail - held - 1);
    for (i = 0; i < 8; i++) block[tail - 1 - i] = (uint8_t)(bits >> (8 * i));
    blocks(state, block, tail / 64);
    for (i = 0; i < 8; i++) {
        out[4 * i] = (uint8_t)(state[i] >> 24);
        out[4 * i + 1] = (uint8_t)(state[i] >> 16);
        out[4 * i + 2] = (uint8_t)(state[i] >> 8);
        out[4 * i + 3] = (uint8_t)state[i];
    }
}

/* SHA-256 of the two halves of *units* units of *unit* bytes, a multiple of 64; the first half has
 * the odd unit. */
static void payvand_sha256_halves(const uint8_t *data, size_t unit, size_t units,
                                  uint8_t out[64]) {
    uint32_t states[2][8];
    size_t half = units / 2 * unit, first = units * unit - half;
    const uint8_t *const parts[2] = {data, data + first};
    payvand_sha_blocks_t blocks = payvand_sha_blocks(0);
    memcpy(states[0], payvand_sha_initial, 32);
    memcpy(states[1], payvand_sha_initial, 32);
#ifdef PAYVAND_X86
    if (payvand_has_sha) {
        payvand_sha_two_ni(states, parts, half / 64);
    } else
#endif
    {
        blocks(states[0], parts[0], half / 64);
        blocks(states[1], parts[1], half / 64);
    }
    blocks(states[0], parts[0] + half, (first - half) / 64);
    payvand_sha_end(blocks, states[0], data, 0, (uint64_t)first * 8, out);
    payvand_sha_end(blocks, states[1], data, 0, (uint64_t)half * 8, out + 32);
}

/* SHA-256 over two pieces, one after the other. */
static void payvand_sha256(const uint8_t *first, size_t first_size, const uint8_t *second,
                           size_t second_size, uint8_t out[32], int portable) {
    uint32_t state[8];
    uint8_t block[64];
    uint64_t bits = ((uint64_t)first_size + second_size) * 8;
    size_t held = 0, take;
    payvand_sha_blocks_t blocks = payvand_sha_blocks(portable);
    memcpy(state, payvand_sha_initial, 32);
    blocks(state, first, first_size / 64);
    held = first_size % 64;
    memcpy(block, first + (first_size - held), held);
    if (held && second_size) {
        take = second_size < 64 - held ? second_size : 64 - held;
        memcpy(block + held, second, take);
        held += take;
        second += take;
        second_size -= take;
        if (held == 64) {
            blocks(state, block, 1);
            held = 0;
        }
    }
    if (!held && second_size) {
        blocks(state, second, second_size / 64);
        held = second_size % 64;
        memcpy(block, second + (second_size - held), held);
    }
    payvand_sha_end(blocks, state, block, held, bits, out);
}

#endif
