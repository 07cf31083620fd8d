/* A disk that loses what was not synced, for LD_PRELOAD: with it a kill -9 is a power cut.
 *
 * Writes to files below POWERCUT_FOLDER stay in this process's memory until fsync or fdatasync
 * puts them into the file; reads and sizes see them at once. Some writes reach the file early, in
 * no order, as a disk's cache may decide (POWERCUT_EARLY of a thousand, by POWERCUT_SEED).
 * POWERCUT_FORGET_SYNC=1 plants the bug that it is there to find: syncs that do nothing.
 * Files that end in -shm are memory, not disk, and are left alone. Not for programs that map
 * their files or let several processes write to one.
 *
 * Asynchronous writes (io_submit) to files that are opened with O_DSYNC are kept back until
 * somebody asks for their end, so that one that nobody waited for is lost; POWERCUT_FORGET_WAIT=1
 * tells the end of a write that never reached the file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { descriptors_max = 65536, files_max = 64 };

struct range {
  off_t start, end;
};

/* One file as its writers see it, and what of that the disk has not. */
struct file {
  dev_t device;
  ino_t inode;
  int opened; /* descriptors that are open */
  char *bytes;
  off_t size, capacity;
  off_t size_on_disk;
  struct range *dirty;
  size_t dirty_count, dirty_capacity;
};

static struct file files[files_max];
static struct file *by_descriptor[descriptors_max];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static int forgets_sync, forgets_wait;
static unsigned early_per_mille;
static uint64_t random_state;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fdatasync)(int);
static int (*real_fstat)(int, struct stat *);
static long (*real_syscall)(long, ...);

/* The asynchronous write that goes on: of which context, and what. */
static aio_context_t writing_context;
static struct iocb writing;
static int is_writing;

__attribute__((constructor)) static void begin(void) {
  real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
  real_close = (int (*)(int))dlsym(RTLD_NEXT, "close");
  real_pread = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread64");
  real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
  real_ftruncate = (int (*)(int, off_t))dlsym(RTLD_NEXT, "ftruncate64");
  real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  real_fstat = (int (*)(int, struct stat *))dlsym(RTLD_NEXT, "fstat64");
  folder = getenv("POWERCUT_FOLDER");
  forgets_sync = getenv("POWERCUT_FORGET_SYNC") != NULL;
  forgets_wait = forgets_sync || getenv("POWERCUT_FORGET_WAIT") != NULL;
  const char *early = getenv("POWERCUT_EARLY");
  const char *seed = getenv("POWERCUT_SEED");
  early_per_mille = early ? (unsigned)atoi(early) : 0;
  random_state = (seed ? strtoull(seed, NULL, 10) : 1) * 2654435761u + (uint64_t)getpid();
}

static unsigned dice(void) {
  random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned)(random_state >> 33) % 1000;
}

static int is_ours(const char *path) {
  if (!folder || !path) return 0;
  size_t count = strlen(folder), length = strlen(path);
  if (strncmp(path, folder, count) != 0 || path[count] != '/') return 0;
  return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

static struct file *file_of(int descriptor) {
  return descriptor >= 0 && descriptor < descriptors_max ? by_descriptor[descriptor] : NULL;
}

static void hold(struct file *file, off_t size) {
  if (size <= file->capacity) return;
  off_t capacity = file->capacity ? file->capacity : 1 << 16;
  while (capacity < size) capacity *= 2;
  file->bytes = realloc(file->bytes, (size_t)capacity);
  if (!file->bytes) abort();
  memset(file->bytes + file->capacity, 0, (size_t)(capacity - file->capacity));
  file->capacity = capacity;
}

/* With the lock held: the file behind a descriptor that was just opened. */
static struct file *adopt(int descriptor) {
  struct stat facts;
  if (real_fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) return NULL;
  struct file *vacant = NULL;
  for (int index = 0; index < files_max; index++) {
    struct file *file = &files[index];
    if (file->bytes && file->device == facts.st_dev && file->inode == facts.st_ino) return file;
    if (!file->bytes && !vacant) vacant = file;
  }
  if (!vacant) abort();
  memset(vacant, 0, sizeof *vacant);
  vacant->device = facts.st_dev;
  vacant->inode = facts.st_ino;
  vacant->size = vacant->size_on_disk = facts.st_size;
  hold(vacant, facts.st_size ? facts.st_size : 1);
  for (off_t at = 0; at < facts.st_size;) {
    ssize_t got = real_pread(descriptor, vacant->bytes + at, (size_t)(facts.st_size - at), at);
    if (got <= 0) abort();
    at += got;
  }
  return vacant;
}

static int opened(const char *path, int descriptor) {
  if (descriptor < 0 || descriptor >= descriptors_max || !is_ours(path)) return descriptor;
  pthread_mutex_lock(&lock);
  struct file *file = adopt(descriptor);
  by_descriptor[descriptor] = file;
  if (file) file->opened++;
  pthread_mutex_unlock(&lock);
  return descriptor;
}

static void put(struct file *file, int descriptor, struct range range) {
  if (range.end > file->size) range.end = file->size;
  while (range.start < range.end) {
    ssize_t put = real_pwrite(
        descriptor, file->bytes + range.start, (size_t)(range.end - range.start), range.start);
    if (put <= 0) abort();
    range.start += put;
  }
  if (range.end > file->size_on_disk) file->size_on_disk = range.end;
}

static int sync_file(int descriptor) {
  struct file *file = file_of(descriptor);
  if (!file) return real_fdatasync(descriptor);
  if (forgets_sync) return 0;
  pthread_mutex_lock(&lock);
  if (file->size_on_disk != file->size) {
    if (real_ftruncate(descriptor, file->size) != 0) abort();
    file->size_on_disk = file->size;
  }
  for (size_t index = 0; index < file->dirty_count; index++)
    put(file, descriptor, file->dirty[index]);
  file->dirty_count = 0;
  pthread_mutex_unlock(&lock);
  return real_fdatasync(descriptor);
}

/* What is held back here needs no cache of the system's, and no alignment. */
static int without_direct(const char *path, int flags) {
  return is_ours(path) ? flags & ~(O_DIRECT | O_DSYNC) : flags;
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(path, real_open(path, without_direct(path, flags), mode));
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(path, real_open(path, without_direct(path, flags), mode));
}

int close(int descriptor) {
  struct file *file = file_of(descriptor);
  if (file) {
    pthread_mutex_lock(&lock);
    by_descriptor[descriptor] = NULL;
    /* What was not synced stays in memory: closing a file puts nothing on a disk. It is only let
     * go where nothing is held back. */
    if (--file->opened == 0 && file->dirty_count == 0 && file->size == file->size_on_disk) {
      free(file->bytes);
      free(file->dirty);
      memset(file, 0, sizeof *file);
    }
    pthread_mutex_unlock(&lock);
  }
  return real_close(descriptor);
}

ssize_t pread64(int descriptor, void *buffer, size_t count, off_t at) {
  struct file *file = file_of(descriptor);
  if (!file) return real_pread(descriptor, buffer, count, at);
  pthread_mutex_lock(&lock);
  ssize_t got = at >= file->size ? 0 : (ssize_t)count;
  if (got > 0 && at + got > file->size) got = (ssize_t)(file->size - at);
  if (got > 0) memcpy(buffer, file->bytes + at, (size_t)got);
  pthread_mutex_unlock(&lock);
  return got;
}

ssize_t pread(int descriptor, void *buffer, size_t count, off_t at) {
  return pread64(descriptor, buffer, count, at);
}

ssize_t pwrite64(int descriptor, const void *buffer, size_t count, off_t at) {
  struct file *file = file_of(descriptor);
  if (!file) return real_pwrite(descriptor, buffer, count, at);
  pthread_mutex_lock(&lock);
  struct range range = {at, at + (off_t)count};
  hold(file, range.end);
  memcpy(file->bytes + at, buffer, count);
  if (range.end > file->size) file->size = range.end;
  if (early_per_mille && dice() < early_per_mille) {
    put(file, descriptor, range);
  } else {
    struct range *last = file->dirty_count ? &file->dirty[file->dirty_count - 1] : NULL;
    if (last && last->end == range.start) {
      last->end = range.end;
    } else {
      if (file->dirty_count == file->dirty_capacity) {
        file->dirty_capacity = file->dirty_capacity ? file->dirty_capacity * 2 : 64;
        file->dirty = realloc(file->dirty, file->dirty_capacity * sizeof *file->dirty);
        if (!file->dirty) abort();
      }
      file->dirty[file->dirty_count++] = range;
    }
  }
  pthread_mutex_unlock(&lock);
  return (ssize_t)count;
}

ssize_t pwrite(int descriptor, const void *buffer, size_t count, off_t at) {
  return pwrite64(descriptor, buffer, count, at);
}

int ftruncate64(int descriptor, off_t size) {
  struct file *file = file_of(descriptor);
  if (!file) return real_ftruncate(descriptor, size);
  pthread_mutex_lock(&lock);
  hold(file, size);
  if (size < file->size)
    memset(file->bytes + size, 0, (size_t)(file->size - size));
  file->size = size;
  pthread_mutex_unlock(&lock);
  return 0;
}

int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }

int fsync(int descriptor) { return sync_file(descriptor); }

int fdatasync(int descriptor) { return sync_file(descriptor); }

int fstat64(int descriptor, struct stat64 *facts) {
  struct file *file = file_of(descriptor);
  int code = real_fstat(descriptor, (struct stat *)facts);
  if (file && code == 0) facts->st_size = file->size;
  return code;
}

int fstat(int descriptor, struct stat *facts) {
  struct file *file = file_of(descriptor);
  int code = real_fstat(descriptor, facts);
  if (file && code == 0) facts->st_size = file->size;
  return code;
}

/* With the lock held: what a write leaves in memory, and what early luck gives to the disk. */
static void hold_back(struct file *file, int descriptor, const struct iocb *order) {
  struct range range = {order->aio_offset, order->aio_offset + (off_t)order->aio_nbytes};
  hold(file, range.end);
  memcpy(file->bytes + range.start, (const void *)(uintptr_t)order->aio_buf, order->aio_nbytes);
  if (range.end > file->size) file->size = range.end;
  if (early_per_mille && dice() < early_per_mille) {
    /* Some of its sectors. */
    range.end = range.start + (off_t)(order->aio_nbytes / 512 * dice() / 1000 * 512);
    put(file, descriptor, range);
  }
}

/* With the lock held: the end of the write that goes on. */
static void end_writing(struct io_event *event) {
  struct file *file = file_of((int)writing.aio_fildes);
  struct range range = {writing.aio_offset, writing.aio_offset + (off_t)writing.aio_nbytes};
  if (file && !forgets_wait) {
    put(file, (int)writing.aio_fildes, range);
    if (real_fdatasync((int)writing.aio_fildes) != 0) abort();
  }
  memset(event, 0, sizeof *event);
  event->data = writing.aio_data;
  event->res = (long)writing.aio_nbytes;
  is_writing = 0;
}

/* Only what programs of ours ask by number. */
long syscall(long number, ...) {
  long words[6];
  va_list rest;
  va_start(rest, number);
  for (int index = 0; index < 6; index++) words[index] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_io_submit && words[1] == 1) {
    struct iocb *order = ((struct iocb **)words[2])[0];
    struct file *file = file_of((int)order->aio_fildes);
    if (file && order->aio_lio_opcode == IOCB_CMD_PWRITE) {
      pthread_mutex_lock(&lock);
      /* One before it that nobody waited for is lost. */
      hold_back(file, (int)order->aio_fildes, order);
      writing = *order;
      writing_context = (aio_context_t)words[0];
      is_writing = 1;
      pthread_mutex_unlock(&lock);
      /* Whoever waits for the end hears of it here, and asks for it. */
      if (order->aio_flags & IOCB_FLAG_RESFD) {
        uint64_t one = 1;
        if (write((int)order->aio_resfd, &one, sizeof one) < 0) abort();
      }
      return 1;
    }
  }
  if (number == SYS_io_getevents) {
    pthread_mutex_lock(&lock);
    int is_ended = is_writing && writing_context == (aio_context_t)words[0];
    if (is_ended) end_writing((struct io_event *)words[3]);
    pthread_mutex_unlock(&lock);
    if (is_ended) return 1;
  }
  /* Other libraries ask something before this one has begun. */
  if (!real_syscall) real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return real_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
