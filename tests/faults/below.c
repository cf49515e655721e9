/* Stands between SQLite (or any program) and the C library: counts calls on one folder's database
 * files, and lets the k-th fail. Loaded by LD_PRELOAD, told what to do through `faults_plan`.
 * Only what touches a path that begins with the prefix counts; everything else passes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { OPEN = 1, UNLINK = 2, RENAME = 4, WRITE = 8, SYNC = 16, TRUNCATE = 32, READ = 64 };
enum way { FAIL, FAIL_AFTERWARDS, SHORT };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char prefix[4096];
static int kinds, at, sticky, code, armed, calls, struck;
static enum way way;
static char names[256];

void faults_plan(const char *path, int of_kinds, int k, int for_ever, int error, int how) {
    pthread_mutex_lock(&lock);
    snprintf(prefix, sizeof prefix, "%s", path);
    kinds = of_kinds, at = k, sticky = for_ever, code = error, way = (enum way)how;
    armed = calls = struck = 0;
    names[0] = 0;
    pthread_mutex_unlock(&lock);
}
void faults_arm(int on) { armed = on; }
int faults_calls(void) { return calls; }
int faults_struck(void) { return struck; }
const char *faults_names(void) { return names; }

static int ours(const char *path) { return path && prefix[0] && !strncmp(path, prefix, strlen(prefix)); }

static int ours_fd(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return ours(path);
}

static int is_due(int kind, const char *name) {
    if (!(kinds & kind)) return 0;
    pthread_mutex_lock(&lock);
    int due = ++calls == at || (sticky && at && calls > at);
    if (due && struck++ < 3) strncat(names, struck > 1 ? ", " : "", sizeof names - strlen(names) - 1),
        strncat(names, name, sizeof names - strlen(names) - 1);
    pthread_mutex_unlock(&lock);
    return due;
}

#define BEFALLS(kind, mine) (armed && (mine) && is_due(kind, __func__))
#define REAL(name, ...) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)
#define STAND_IN(kind, mine, ...)                \
    if (!BEFALLS(kind, mine)) return __VA_ARGS__; \
    if (way == FAIL_AFTERWARDS && __VA_ARGS__ < 0) return -1; \
    errno = code;                                \
    return -1

#define OPENS(name)                                                                      \
    int name(const char *path, int flags, ...) {                                         \
        va_list rest;                                                                    \
        va_start(rest, flags);                                                           \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;          \
        va_end(rest);                                                                    \
        if (BEFALLS(OPEN, ours(path))) return errno = code, -1;                          \
        return REAL(name, path, flags, mode);                                            \
    }
OPENS(open)
OPENS(open64)

int unlink(const char *path) { STAND_IN(UNLINK, ours(path), REAL(unlink, path)); }
int rename(const char *from, const char *to) { STAND_IN(RENAME, ours(from) || ours(to), REAL(rename, from, to)); }
int fsync(int fd) { STAND_IN(SYNC, ours_fd(fd), REAL(fsync, fd)); }
int fdatasync(int fd) { STAND_IN(SYNC, ours_fd(fd), REAL(fdatasync, fd)); }
int ftruncate(int fd, off_t size) { STAND_IN(TRUNCATE, ours_fd(fd), REAL(ftruncate, fd, size)); }
int ftruncate64(int fd, off64_t size) { STAND_IN(TRUNCATE, ours_fd(fd), REAL(ftruncate64, fd, size)); }

/* A write: half of it when short, all of it and an error when afterwards. */
#define WRITES(name, ...)                                       \
    if (!BEFALLS(WRITE, ours_fd(fd))) return REAL(name, fd, data, count __VA_ARGS__); \
    if (way == SHORT && count > 1) return REAL(name, fd, data, count / 2 __VA_ARGS__); \
    if (way == SHORT) return REAL(name, fd, data, count __VA_ARGS__); \
    if (way == FAIL_AFTERWARDS) (void)!REAL(name, fd, data, count __VA_ARGS__); \
    errno = code;                                               \
    return -1
#define BEHIND , offset
ssize_t write(int fd, const void *data, size_t count) { WRITES(write, ); }
ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) { WRITES(pwrite, BEHIND); }
ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset) { WRITES(pwrite64, BEHIND); }
ssize_t pread(int fd, void *data, size_t count, off_t offset) { STAND_IN(READ, ours_fd(fd), REAL(pread, fd, data, count, offset)); }
ssize_t pread64(int fd, void *data, size_t count, off64_t offset) { STAND_IN(READ, ours_fd(fd), REAL(pread64, fd, data, count, offset)); }
