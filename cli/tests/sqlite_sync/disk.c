// A disk beside the real one, for LD_PRELOAD: DISK holds of `all.db` and `all.db-wal` what a loss of
// power would leave. What is written gets there with a sync. A sync that fails loses it, and the next
// one succeeds without it, as on Linux.
//
// DISK_FAIL=n fails the nth sync of the log in this process; with DISK_KILL it also kills the process.
// DISK_KILL_AT=n kills it at the nth write to the database, each of which gets to the disk at once.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096
#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))
typedef int (*open_t)(const char *, int, ...);
typedef ssize_t (*write_t)(int, const void *, size_t);

// The name of a file that is on the disk, or NULL.
static const char *name_of(const char *path) {
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  return !getenv("DISK") ? NULL : !strcmp(name, "all.db") ? "all.db" : !strcmp(name, "all.db-wal") ? "all.db-wal" : NULL;
}

static const char *name_of_fd(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, path, sizeof path - 1);
  if (len < 0) return NULL;
  path[len] = 0;
  return name_of(path);
}

static void on_disk(char *path, const char *name, const char *ending) {
  snprintf(path, PATH_MAX, "%s/%s%s", getenv("DISK"), name, ending);
}

static int open_on_disk(const char *name, const char *ending) {
  char path[PATH_MAX];
  on_disk(path, name, ending);
  return REAL("open", open_t)(path, O_RDWR | O_CREAT, 0600);
}

static void mark(const char *name, off_t at, size_t len) {
  int dirty = open_on_disk(name, ".dirty");
  for (off_t page = at / PAGE; len && page <= (off_t)(at + len - 1) / PAGE; page++)
    REAL("pwrite", ssize_t(*)(int, const void *, size_t, off_t))(dirty, "1", 1, page);
  close(dirty);
}

// Ends what is dirty: it gets to the disk, or is lost.
static void settle(int fd, const char *name, int lost) {
  int dirty = open_on_disk(name, ".dirty"), disk = open_on_disk(name, "");
  char page[PAGE], is_dirty;
  struct stat now;
  fstat(fd, &now);
  for (off_t at = 0; !lost && pread(dirty, &is_dirty, 1, at) == 1; at++)
    if (is_dirty) {
      ssize_t len = pread(fd, page, PAGE, at * PAGE);
      if (len > 0) REAL("pwrite", ssize_t(*)(int, const void *, size_t, off_t))(disk, page, len, at * PAGE);
    }
  REAL("ftruncate", int (*)(int, off_t))(dirty, 0);
  if (!lost) REAL("ftruncate", int (*)(int, off_t))(disk, now.st_size);
  close(dirty), close(disk);
}

static int number(const char *name) { return getenv(name) ? atoi(getenv(name)) : 0; }

static void wrote(int fd, off_t at, ssize_t len) {
  static int writes;
  const char *name = len > 0 ? name_of_fd(fd) : NULL;
  if (!name) return;
  mark(name, at, len);
  if (!number("DISK_KILL_AT") || strcmp(name, "all.db")) return;
  settle(fd, name, 0);
  if (++writes == number("DISK_KILL_AT")) kill(getpid(), SIGKILL);
}

ssize_t write(int fd, const void *bytes, size_t len) {
  off_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t done = REAL("write", write_t)(fd, bytes, len);
  if (at >= 0) wrote(fd, at, done);
  return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) {
  ssize_t done = REAL("pwrite", ssize_t(*)(int, const void *, size_t, off_t))(fd, bytes, len, at);
  wrote(fd, at, done);
  return done;
}
ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at) { return pwrite(fd, bytes, len, at); }

static int synced(int fd, const char *call) {
  static int syncs;
  const char *name = name_of_fd(fd);
  int result = REAL(call, int (*)(int))(fd);
  if (!name) return result;
  int fails = !strcmp(name, "all.db-wal") && ++syncs == number("DISK_FAIL");
  settle(fd, name, fails);
  if (!fails) return result;
  if (getenv("DISK_KILL")) kill(getpid(), SIGKILL);
  errno = EIO;
  return -1;
}
int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

int unlink(const char *path) {
  const char *name = name_of(path);
  char copy[PATH_MAX];
  for (int i = 0; name && i < 2; i++) {
    on_disk(copy, name, i ? ".dirty" : "");
    REAL("unlink", int (*)(const char *))(copy);
  }
  return REAL("unlink", int (*)(const char *))(path);
}
