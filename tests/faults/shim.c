/* Faults that a test asks for while the program runs: a clock that jumps, a disk that fails.
 *   cc -O2 -shared -fPIC -o shim.so shim.c
 *   FAULTS_FILE=control LD_PRELOAD=./shim.so COMMAND
 * The control file is three 64-bit integers that may be changed at any time: milliseconds that the wall clock is
 * ahead, the errno of writing to a database, the errno of syncing one (0: none). Other clocks and files are untouched. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
    volatile long long ahead_ms, write_errno, sync_errno;
};
static struct control nothing;
static struct control *control = &nothing;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS_FILE");
    int descriptor = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (mapped != MAP_FAILED)
        control = mapped;
}

static int is_database_name(const char *path)
{
    return strstr(path, ".db") != NULL;
}

static int is_database(int descriptor)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return path[0] == '/' && is_database_name(path);
}

static int refused(long long word, int descriptor)
{
    if (!word || !is_database(descriptor))
        return 0;
    errno = (int)word;
    return 1;
}

int clock_gettime(clockid_t which, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, which, now);
    if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        long long ns = now->tv_nsec + (control->ahead_ms % 1000) * 1000000LL;
        now->tv_sec += control->ahead_ms / 1000 + ns / 1000000000LL;
        now->tv_nsec = ns % 1000000000LL;
        if (now->tv_nsec < 0) {
            now->tv_nsec += 1000000000L;
            now->tv_sec -= 1;
        }
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (out)
        *out = precise.tv_sec;
    return precise.tv_sec;
}

ssize_t write(int d, const void *data, size_t size)
{
    return refused(control->write_errno, d) ? -1 : syscall(SYS_write, d, data, size);
}

ssize_t pwrite(int d, const void *data, size_t size, off_t at)
{
    return refused(control->write_errno, d) ? -1 : syscall(SYS_pwrite64, d, data, size, at);
}

ssize_t pwrite64(int d, const void *data, size_t size, off64_t at)
{
    return refused(control->write_errno, d) ? -1 : syscall(SYS_pwrite64, d, data, size, at);
}

int fsync(int d)
{
    return refused(control->sync_errno, d) ? -1 : (int)syscall(SYS_fsync, d);
}

int fdatasync(int d)
{
    return refused(control->sync_errno, d) ? -1 : (int)syscall(SYS_fdatasync, d);
}

static int opened(const char *path, int flags, mode_t mode)
{
    if (control->write_errno == EROFS && (flags & O_ACCMODE) != O_RDONLY && is_database_name(path)) {
        errno = EROFS;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags | O_LARGEFILE, mode);
}
