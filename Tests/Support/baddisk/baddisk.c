/* A disk that is full, or that fails, when it is told to: for LD_PRELOAD.
 *
 * What is wrong stands in the file BADDISK_CONTROL, and is looked up at each call; without that
 * file the disk is as it is. Only files below BADDISK_FOLDER are concerned, and not those that end
 * in -shm (memory, not disk) or .lock. The words:
 *   full     writes and longer files fail with ENOSPC, but for asynchronous ones, which go to
 *            blocks that are there
 *   io       the same, with EIO
 *   sync     the next fsync or fdatasync fails with EIO and is forgotten: a second one would say
 *            that all is well, as Linux does, though what was to be synced is lost; so does an
 *            asynchronous write, which is a write and its sync in one
 *   aio      asynchronous writes fail with EIO, and nothing else does
 *   allocate blocks that are asked for ahead (posix_fallocate) are refused with ENOSPC
 *   crowded  statvfs says that 95 of 100 blocks are used
 *   network  statfs says NFS
 * Whatever fails makes the file BADDISK_CONTROL.hit, so that a test knows that it came to that.
 * BADDISK_FULL_MS=N: full for N milliseconds of each second, without a control file, and not in
 * the first moments of a process: a database is not opened on a disk that is full.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const char *control, *folder;
static long full_ms, started_ms;
enum { spared_ms = 150 };

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((constructor)) static void begin(void) {
  control = getenv("BADDISK_CONTROL");
  folder = getenv("BADDISK_FOLDER");
  const char *period = getenv("BADDISK_FULL_MS");
  full_ms = period ? atol(period) : 0;
  started_ms = now_ms();
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

/* Whether the control file says this word. */
static int says(const char *word) {
  char text[32] = "";
  if (full_ms > 0 && strcmp(word, "full") == 0) {
    long now = now_ms();
    return now - started_ms > spared_ms && now % 1000 < full_ms;
  }
  if (!control) return 0;
  int file = open(control, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  return count > 0 && strncmp(text, word, strlen(word)) == 0;
}

static void tell(void) {
  char path[PATH_MAX];
  if (!control) return;
  snprintf(path, sizeof path, "%s.hit", control);
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
}

static int ends(const char *path, const char *tail) {
  size_t length = strlen(path), count = strlen(tail);
  return length >= count && strcmp(path + length - count, tail) == 0;
}

static int is_ours(int descriptor) {
  char name[64], path[PATH_MAX];
  if (!folder) return 0;
  snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  ssize_t count = readlink(name, path, sizeof path - 1);
  if (count < 0) return 0;
  path[count] = 0;
  size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && path[length] == '/' && !ends(path, "-shm") &&
         !ends(path, ".lock");
}

/* The error that a write to this file has, or 0. */
static int write_error(int descriptor) {
  int error = says("full") ? ENOSPC : says("io") ? EIO : 0;
  if (!error || !is_ours(descriptor)) return 0;
  tell();
  return error;
}

static int sync_error(int descriptor) {
  if (!says("sync") || !is_ours(descriptor)) return 0;
  unlink(control);
  tell();
  return EIO;
}

#define FAIL_IF(error)   \
  do {                   \
    int number = (error); \
    if (number) {        \
      errno = number;    \
      return -1;         \
    }                    \
  } while (0)

ssize_t pwrite64(int descriptor, const void *buffer, size_t count, off64_t at) {
  FAIL_IF(write_error(descriptor));
  return ((ssize_t(*)(int, const void *, size_t, off64_t))real("pwrite64"))(
      descriptor, buffer, count, at);
}

ssize_t pwrite(int descriptor, const void *buffer, size_t count, off_t at) {
  return pwrite64(descriptor, buffer, count, at);
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t at) {
  FAIL_IF(write_error(descriptor));
  return ((ssize_t(*)(int, const struct iovec *, int, off_t))real("pwritev"))(
      descriptor, parts, count, at);
}

ssize_t write(int descriptor, const void *buffer, size_t count) {
  FAIL_IF(write_error(descriptor));
  return ((ssize_t(*)(int, const void *, size_t))real("write"))(descriptor, buffer, count);
}

int ftruncate64(int descriptor, off64_t size) {
  /* A full disk still lets go of what it has. */
  if (size > 0) FAIL_IF(write_error(descriptor));
  return ((int (*)(int, off64_t))real("ftruncate64"))(descriptor, size);
}

int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }

int posix_fallocate64(int descriptor, off64_t start, off64_t count) {
  int error = write_error(descriptor);
  if (!error && says("allocate") && is_ours(descriptor)) {
    tell();
    error = ENOSPC;
  }
  if (error) return error;
  return ((int (*)(int, off64_t, off64_t))real("posix_fallocate64"))(descriptor, start, count);
}

int posix_fallocate(int descriptor, off_t start, off_t count) {
  return posix_fallocate64(descriptor, start, count);
}

int fdatasync(int descriptor) {
  FAIL_IF(sync_error(descriptor));
  return ((int (*)(int))real("fdatasync"))(descriptor);
}

int fsync(int descriptor) {
  FAIL_IF(sync_error(descriptor));
  return ((int (*)(int))real("fsync"))(descriptor);
}

int statvfs(const char *path, struct statvfs *facts) {
  int result = ((int (*)(const char *, struct statvfs *))real("statvfs"))(path, facts);
  if (result == 0 && says("crowded")) {
    facts->f_bavail = facts->f_bfree = facts->f_blocks / 20 + 1;
    tell();
  }
  return result;
}

int statfs(const char *path, struct statfs *facts) {
  int result = ((int (*)(const char *, struct statfs *))real("statfs"))(path, facts);
  if (result == 0 && says("network")) {
    facts->f_type = 0x6969;
    tell();
  }
  return result;
}

/* Asynchronous writes are asked for by number; what fails is told as their end. */
long syscall(long number, ...) {
  static int failed;
  long words[6];
  va_list rest;
  va_start(rest, number);
  for (int index = 0; index < 6; index++) words[index] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_io_submit && words[1] == 1) {
    struct iocb *order = ((struct iocb **)words[2])[0];
    int descriptor = (int)order->aio_fildes;
    failed = 0;
    if ((says("io") || says("aio")) && is_ours(descriptor)) {
      tell();
      failed = EIO;
    } else if (sync_error(descriptor)) {
      failed = EIO;
    }
    if (failed && order->aio_flags & IOCB_FLAG_RESFD) {
      uint64_t one = 1;
      ((ssize_t(*)(int, const void *, size_t))real("write"))(
          (int)order->aio_resfd, &one, sizeof one);
    }
    if (failed) return 1;
  }
  if (number == SYS_io_getevents && failed) {
    struct io_event *event = (struct io_event *)words[3];
    memset(event, 0, sizeof *event);
    event->res = -failed;
    failed = 0;
    return 1;
  }
  return ((long (*)(long, ...))real("syscall"))(
      number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
