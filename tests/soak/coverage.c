// What the compiled code tells of where it has been, passed on to libFuzzer.
//
// gcc calls __sanitizer_cov_trace_pc at every edge, and the trace_cmp functions at comparisons;
// libFuzzer reads counters instead, as clang makes them. So here is a table of counters, one for
// each hash of a place. Without a fuzzer the calls count, and nobody reads. The comparisons are passed
// on by tail calls, since libFuzzer tells them apart by where the call came from.

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

enum { COUNTERS = 1 << 16 };

static uint8_t counters[COUNTERS];
static uintptr_t places[COUNTERS][2];   // place and flags

void __sanitizer_cov_trace_pc(void) {
    uint64_t place = (uintptr_t)__builtin_return_address(0);
    uint8_t *counter = &counters[(place * 0x9E3779B97F4A7C15u) >> 48];
    if (*counter != UINT8_MAX) ++*counter;
}

#define PASS_ON(name, type)                                              \
    static void (*name##_of_fuzzer)(type, type);                         \
    void __sanitizer_cov_##name(type left, type right) {                 \
        if (name##_of_fuzzer) name##_of_fuzzer(left, right);             \
    }
#define FOR_ALL(X)                                                       \
    X(trace_cmp1, uint8_t) X(trace_cmp2, uint16_t)                       \
    X(trace_cmp4, uint32_t) X(trace_cmp8, uint64_t)                      \
    X(trace_const_cmp1, uint8_t) X(trace_const_cmp2, uint16_t)           \
    X(trace_const_cmp4, uint32_t) X(trace_const_cmp8, uint64_t)
FOR_ALL(PASS_ON)

static void (*trace_switch_of_fuzzer)(uint64_t, uint64_t *);
void __sanitizer_cov_trace_switch(uint64_t value, uint64_t *cases) {
    if (trace_switch_of_fuzzer) trace_switch_of_fuzzer(value, cases);
}

// Floats are compared by risk features alone; libFuzzer has nothing to learn from them.
void __sanitizer_cov_trace_cmpf(float left, float right) { (void)left; (void)right; }
void __sanitizer_cov_trace_cmpd(double left, double right) { (void)left; (void)right; }

// Atheris announces the counters of instrumented Python here; a sanitizer would swallow them.
static void (*counters_init_of_fuzzer)(uint8_t *, uint8_t *);
static void (*pcs_init_of_fuzzer)(const uintptr_t *, const uintptr_t *);

void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop) {
    if (counters_init_of_fuzzer) counters_init_of_fuzzer(start, stop);
}

void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop) {
    if (pcs_init_of_fuzzer) pcs_init_of_fuzzer(start, stop);
}

// Join the fuzzer whose library is at *path*; 0 where that worked.
int coverage_join(const char *path) {
    void *fuzzer = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (!fuzzer) return 1;
    counters_init_of_fuzzer = dlsym(fuzzer, "__sanitizer_cov_8bit_counters_init");
    pcs_init_of_fuzzer = dlsym(fuzzer, "__sanitizer_cov_pcs_init");
    if (!counters_init_of_fuzzer || !pcs_init_of_fuzzer) return 2;
#define JOIN(name, type) name##_of_fuzzer = dlsym(fuzzer, "__sanitizer_cov_" #name);
    FOR_ALL(JOIN)
    trace_switch_of_fuzzer = dlsym(fuzzer, "__sanitizer_cov_trace_switch");
    for (uintptr_t each = 0; each < COUNTERS; each++) places[each][0] = each + 1;
    counters_init_of_fuzzer(counters, counters + COUNTERS);
    pcs_init_of_fuzzer(&places[0][0], &places[0][0] + 2 * COUNTERS);
    return 0;
}
