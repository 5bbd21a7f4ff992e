/* Writing all of some bytes at their place in a file, however few the system takes at a time. */
#ifndef PAYVAND_PWRITE_ALL_H
#define PAYVAND_PWRITE_ALL_H

#include <errno.h>
#include <unistd.h>

/* Returns 0 or an errno. A write that was interrupted goes on; one that failed is not repeated. */
static int payvand_pwrite_all(int fd, const unsigned char *data, unsigned long long size,
                              unsigned long long offset) {
    while (size) {
        ssize_t done = pwrite(fd, data, size, (off_t)offset);
        if (done < 0) { if (errno == EINTR) continue; return errno; }
        if (done == 0) return EIO;
        data += done; size -= (unsigned long long)done; offset += (unsigned long long)done;
    }
    return 0;
}

#endif
