/* A slower disk: every fsync and fdatasync of the process takes SLOW_FSYNC_US microseconds longer.
 *   cc -O2 -shared -fPIC -o slow_fsync.so slow_fsync.c -ldl
 *   SLOW_FSYNC_US=2000 LD_PRELOAD=./slow_fsync.so COMMAND
 * The real call is made first: nothing becomes less durable. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

typedef int (*sync_call)(int);

static int slowly(const char *name, int descriptor)
{
    sync_call real = (sync_call)dlsym(RTLD_NEXT, name);
    const char *told = getenv("SLOW_FSYNC_US");
    long microseconds = told ? strtol(told, NULL, 10) : 0;
    int result = real(descriptor);
    struct timespec pause = {microseconds / 1000000, (microseconds % 1000000) * 1000};
    if (microseconds > 0)
        nanosleep(&pause, NULL);
    return result;
}

int fsync(int descriptor) { return slowly("fsync", descriptor); }
int fdatasync(int descriptor) { return slowly("fdatasync", descriptor); }
