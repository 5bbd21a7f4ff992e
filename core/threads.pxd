"""Threads of the C library: what guards and wakes without the interpreter."""

from payvand.core.types cimport u64

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    int pthread_mutex_init(pthread_mutex_t* lock, const void* attributes)
    int pthread_mutex_lock(pthread_mutex_t* lock)
    int pthread_mutex_unlock(pthread_mutex_t* lock)
    int pthread_cond_init(pthread_cond_t* condition, const void* attributes)
    int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* lock)
    int pthread_cond_signal(pthread_cond_t* condition)
    int pthread_cond_broadcast(pthread_cond_t* condition)

cdef extern from * nogil:
    """
    #include <sched.h>
    #include <time.h>
    static inline unsigned long long payvand_ticks(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
    }
    /* To sleep costs the time of a wake-up, tens of microseconds on a virtual machine whose core
       went idle: what comes soon is watched for. Whoever else wants the core gets it. */
    static inline void payvand_watch(const unsigned long long *count, unsigned long long from,
                              unsigned long long ns) {
        unsigned long long until = payvand_ticks() + ns;
        while (__atomic_load_n(count, __ATOMIC_RELAXED) == from && payvand_ticks() < until)
            sched_yield();
    }
    """
    u64 ticks "payvand_ticks"()
    void watch "payvand_watch"(const u64* count, u64 value, u64 ns)
