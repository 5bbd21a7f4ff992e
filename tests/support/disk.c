/* A disk that records and fails, put between a program and the C library with LD_PRELOAD.
 *
 * It minds the journal's files alone: those opened below a folder under a name that begins with
 * "segment", and where told so, those of ids and snapshots. What reaches them, in which order, goes to a log; the call that was named fails.
 *
 *     DISK_LOG   file that the log is appended to; see disk.py for its entries
 *     DISK_FAIL  CALL:N:ERRNO[:HOW]  the Nth CALL (pwrite, append, sync, openat, renameat,
 *                fallocate) fails; an append is a pwrite to a file that is not the spare. HOW is
 *                "on" where all later ones fail too, "short" where a write writes half before
 *     DISK_ALL   minds files of ids and snapshots too
 *     DISK_HOLD  while this file exists, no sync returns
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, SYNC = 3, RENAME = 4, CLOSE = 5, MARK = 6, ALLOCATE = 7, UNLINK = 8 };
enum { FILES_MAX = 1024 };

struct entry {
    uint32_t kind;
    int32_t fd, failed;
    uint32_t unused;
    uint64_t offset, size;
} __attribute__((packed));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
enum { MINDED = 1, SPARE = 2 };
static char minded[FILES_MAX];
static int log_fd = -2;

static void note(uint32_t kind, int fd, int failed, uint64_t offset, const void *bytes,
                 uint64_t size) {
    static ssize_t (*real_write)(int, const void *, size_t);
    struct entry entry = {kind, fd, failed, 0, offset, size};
    const char *path = getenv("DISK_LOG");
    if (log_fd == -2) {
        int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
        log_fd = path ? real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
        real_write = dlsym(RTLD_NEXT, "write");
    }
    if (log_fd < 0) return;
    if (real_write(log_fd, &entry, sizeof entry) != sizeof entry) abort();
    if (size && real_write(log_fd, bytes, size) != (ssize_t)size) abort();
}

/* Return the errno with which this call fails, or 0. Counted under the lock. */
static int fails(const char *call, int *half) {
    static int counts[6];
    static const char *names[6] = {"pwrite", "append",   "sync",
                                   "openat", "renameat", "fallocate"};
    const char *plan = getenv("DISK_FAIL");
    char name[16], how[16] = "";
    int which = 0, n = 0, code = 0, count;
    while (strcmp(names[which], call)) which++;
    count = ++counts[which];
    if (!plan || sscanf(plan, "%15[a-z]:%d:%d:%15s", name, &n, &code, how) < 3) return 0;
    if (half) *half = !strcmp(how, "short");
    if (strcmp(name, call)) return 0;
    return count == n || (count > n && !strcmp(how, "on")) ? code : 0;
}

static int is_minded(int fd) { return fd >= 0 && fd < FILES_MAX && minded[fd]; }

static int is_name_minded(const char *name) {
    if (!strncmp(name, "segment", 7)) return 1;
    return getenv("DISK_ALL") && (!strncmp(name, "ids-", 4) || !strncmp(name, "snapshot", 8)
                                  || !strncmp(name, "known-end", 9));
}

static int open_at(int folder, const char *name, int flags, int mode) {
    static int (*real)(int, const char *, int, ...);
    int fd, code = 0, ours = is_name_minded(name);
    if (!real) real = dlsym(RTLD_NEXT, "openat");
    if (!ours) return real(folder, name, flags, mode);
    pthread_mutex_lock(&lock);
    code = fails("openat", NULL);
    fd = code ? -1 : real(folder, name, flags, mode);
    if (!code && fd < 0) code = errno;
    if (fd >= 0 && fd < FILES_MAX) minded[fd] = strcmp(name, "segment.spare") ? MINDED : SPARE;
    note(OPEN, fd, code, (uint64_t)(flags & (O_CREAT | O_TRUNC)), name, strlen(name));
    pthread_mutex_unlock(&lock);
    errno = code;
    return fd;
}

int openat(int folder, const char *name, int flags, ...) {
    va_list rest;
    int mode = 0;
    va_start(rest, flags);
    if (flags & O_CREAT) mode = va_arg(rest, int);
    va_end(rest);
    return open_at(folder, name, flags, mode);
}

int openat64(int folder, const char *name, int flags, ...) {
    va_list rest;
    int mode = 0;
    va_start(rest, flags);
    if (flags & O_CREAT) mode = va_arg(rest, int);
    va_end(rest);
    return open_at(folder, name, flags, mode);
}

static ssize_t write_at(int fd, const void *bytes, size_t size, off_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    static int failing_next;
    ssize_t done;
    int code, half = 0;
    if (!real) real = dlsym(RTLD_NEXT, "pwrite");
    if (!is_minded(fd)) return real(fd, bytes, size, offset);
    pthread_mutex_lock(&lock);
    code = failing_next ? failing_next : fails("pwrite", &half);
    if (!code && minded[fd] == MINDED) code = fails("append", &half);
    if (code && half && !failing_next && size >= 8192) {
        failing_next = code;            /* half of it arrives; the rest fails */
        size = size / 8192 * 4096;
        code = 0;
    }
    done = code ? -1 : real(fd, bytes, size, offset);
    if (!code && done < 0) code = errno;
    note(WRITE, fd, code, (uint64_t)offset, bytes, done > 0 ? (uint64_t)done : 0);
    pthread_mutex_unlock(&lock);
    errno = code;
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    return write_at(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset) {
    return write_at(fd, bytes, size, offset);
}

static int allocate(int fd, int mode, off_t offset, off_t size) {
    static int (*real)(int, int, off_t, off_t);
    int code, done;
    if (!real) real = dlsym(RTLD_NEXT, "fallocate");
    if (!is_minded(fd)) return real(fd, mode, offset, size);
    pthread_mutex_lock(&lock);
    code = fails("fallocate", NULL);
    done = code ? -1 : real(fd, mode, offset, size);
    if (!code && done < 0) code = errno;
    note(ALLOCATE, fd, code, (uint64_t)(offset + size), NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = code;
    return done;
}

int fallocate(int fd, int mode, off_t offset, off_t size) {
    return allocate(fd, mode, offset, size);
}

int fallocate64(int fd, int mode, off_t offset, off_t size) {
    return allocate(fd, mode, offset, size);
}

static int sync_file(int fd, const char *name) {
    int (*real)(int) = dlsym(RTLD_NEXT, name);
    const char *hold = getenv("DISK_HOLD");
    int code, done;
    while (hold && access(hold, F_OK) == 0) usleep(1000);
    pthread_mutex_lock(&lock);
    code = is_minded(fd) ? fails("sync", NULL) : 0;
    done = code ? -1 : real(fd);
    if (!code && done < 0) code = errno;
    note(SYNC, is_minded(fd) ? fd : -1, code, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = code;
    return done;
}

int fdatasync(int fd) { return sync_file(fd, "fdatasync"); }

int fsync(int fd) { return sync_file(fd, "fsync"); }

int renameat(int old_folder, const char *old, int new_folder, const char *new) {
    int (*real)(int, const char *, int, const char *) = dlsym(RTLD_NEXT, "renameat");
    char names[512];
    int code, done, size, fd;
    if (!is_name_minded(old)) return real(old_folder, old, new_folder, new);
    pthread_mutex_lock(&lock);
    code = fails("renameat", NULL);
    done = code ? -1 : real(old_folder, old, new_folder, new);
    if (!code && done < 0) code = errno;
    for (fd = 0; !code && fd < FILES_MAX; fd++)
        if (minded[fd] == SPARE) minded[fd] = MINDED;
    size = snprintf(names, sizeof names, "%s/%s", old, new);
    note(RENAME, -1, code, 0, names, (uint64_t)size);
    pthread_mutex_unlock(&lock);
    errno = code;
    return done;
}

int unlinkat(int folder, const char *name, int flags) {
    int (*real)(int, const char *, int) = dlsym(RTLD_NEXT, "unlinkat");
    const char *end = strrchr(name, '/');
    int done, code;
    if (!is_name_minded(end ? end + 1 : name)) return real(folder, name, flags);
    pthread_mutex_lock(&lock);
    done = real(folder, name, flags);
    code = errno;
    if (!done) note(UNLINK, -1, 0, 0, end ? end + 1 : name, strlen(end ? end + 1 : name));
    pthread_mutex_unlock(&lock);
    errno = code;
    return done;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

int close(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "close");
    int done;
    if (!is_minded(fd)) return real(fd);
    pthread_mutex_lock(&lock);
    minded[fd] = 0;
    note(CLOSE, fd, 0, 0, NULL, 0);
    done = real(fd);
    pthread_mutex_unlock(&lock);
    return done;
}

/* For the program itself: write words of its own between the entries of the log. */
void disk_mark(const char *words, uint64_t size) {
    pthread_mutex_lock(&lock);
    note(MARK, -1, 0, 0, words, size);
    pthread_mutex_unlock(&lock);
}
