// Makes visible to Swift what Glibc's module leaves out: variadic calls, system calls without a
// wrapper, and structures whose fields are macros.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#pragma clang assume_nonnull begin

extern char *_Nullable *_Nonnull environ;

static inline char *_Nullable *_Nonnull assay_environ(void) { return environ; }

static inline int assay_open(const char *path, int flags, mode_t mode) {
  return open(path, flags | O_CLOEXEC, mode);
}

// The first bytes of a file as memory that is the file's; NULL when that cannot be.
static inline void *_Nullable assay_map_shared(int descriptor, size_t count) {
  void *place = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  return place == MAP_FAILED ? NULL : place;
}

// Has pages there before they are written to: one by one they would cost a fault each. Older
// kernels do not know how, and pay that.
static inline void assay_populate(void *place, size_t count) {
#ifdef MADV_POPULATE_WRITE
  madvise(place, count, MADV_POPULATE_WRITE);
#else
  madvise(place, count, 23);
#endif
}

// One store, behind all stores before it.
static inline void assay_publish(void *place, uint64_t value) {
  __atomic_store_n((uint64_t *)place, value, __ATOMIC_RELEASE);
}

static inline int assay_open_at(int folder, const char *path, int flags) {
  return openat(folder, path, flags | O_CLOEXEC);
}

// Past the system's cache, and each write is on the disk when it is over.
static inline int assay_open_direct(const char *path) {
  return open(path, O_RDWR | O_DSYNC | __O_DIRECT | O_CLOEXEC);
}

// Writes that go on while their thread does something else. By syscall(2) and nothing else, so
// that a test can put a disk of its own below them.
static inline int assay_aio_open(uint64_t *context) {
  aio_context_t made = 0;
  if (syscall(SYS_io_setup, 1, &made) != 0) return -errno;
  *context = made;
  return 0;
}

// Waits for a write that goes on.
static inline void assay_aio_close(uint64_t context) {
  syscall(SYS_io_destroy, (aio_context_t)context);
}

// 0, or a negative errno. The bytes must stay until the write is over; its end is counted by
// `event`, when that is none below zero.
static inline int assay_aio_write(
    uint64_t context, int descriptor, const void *bytes, size_t count, int64_t offset,
    int event) {
  struct iocb order = {0};
  struct iocb *orders[1] = {&order};
  order.aio_fildes = (uint32_t)descriptor;
  order.aio_lio_opcode = IOCB_CMD_PWRITE;
  order.aio_buf = (uint64_t)(uintptr_t)bytes;
  order.aio_nbytes = count;
  order.aio_offset = offset;
  if (event >= 0) {
    order.aio_flags = IOCB_FLAG_RESFD;
    order.aio_resfd = (uint32_t)event;
  }
  long taken = syscall(SYS_io_submit, (aio_context_t)context, 1L, orders);
  return taken == 1 ? 0 : taken < 0 ? -errno : -EAGAIN;
}

// The head of the ring that the kernel tells ends in, as it lies in this process.
struct assay_aio_ring {
  unsigned id, count, head, tail, magic;
};

// Whether a write is over, without asking the kernel.
static inline int assay_aio_is_over(uint64_t context) {
  struct assay_aio_ring *ring = (struct assay_aio_ring *)(uintptr_t)context;
  return ring->magic == 0xa10a10a1 && ring->head != __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}

// Bytes written, or a negative errno.
static inline int64_t assay_aio_wait(uint64_t context) {
  struct io_event end = {0};
  long count;
  do {
    count = syscall(SYS_io_getevents, (aio_context_t)context, 1L, 1L, &end, NULL);
  } while (count == 0 || (count < 0 && errno == EINTR));
  return count == 1 ? end.res : -errno;
}

// A descriptor that can be read from when something has ended, until it is drained.
static inline int assay_event_open(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static inline void assay_event_drain(int event) {
  uint64_t count;
  while (read(event, &count, sizeof count) < 0 && errno == EINTR) {
  }
}

// The magic number of the file system below a path; 0 when nobody knows.
static inline uint32_t assay_file_system(const char *path) {
  struct statfs facts;
  return statfs(path, &facts) == 0 ? (uint32_t)facts.f_type : 0;
}

// Landlock's version; a negative errno where the kernel has none.
static inline int assay_landlock_abi(void) {
#ifdef SYS_landlock_create_ruleset
  long number = SYS_landlock_create_ruleset;
#else
  long number = 444;
#endif
  long version = syscall(number, NULL, 0, 1U);
  return version < 0 ? -errno : (int)version;
}

// Whether seccomp filters exist: asking for one from nowhere is EFAULT where they do.
static inline int assay_has_seccomp(void) {
  return prctl(PR_SET_SECCOMP, 2, NULL, 0, 0) == -1 && errno == EFAULT;
}

// Columns of the terminal behind a descriptor; 0 where there is none.
static inline int assay_terminal_columns(int descriptor) {
  struct winsize size;
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// The beginning of `struct dl_phdr_info`, and its walk, which glibc shows to GNU sources only.
struct assay_loaded_file {
  ElfW(Addr) base;
  const char *name;
  const ElfW(Phdr) *parts;
  ElfW(Half) part_count;
};
extern int assay_each_loaded_file(
    int (*each)(struct assay_loaded_file *, size_t, void *_Nullable), void *_Nullable context)
    __asm__("dl_iterate_phdr");

// One loaded file: its parts that are never written, so that what is dropped of them is read
// again from the file. What the loader changed and then protected lies in a writable part.
static inline int assay_drop_unwritten(
    struct assay_loaded_file *file, size_t size, void *_Nullable ignored) {
  (void)size;
  (void)ignored;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int index = 0; index < file->part_count; index++) {
    const ElfW(Phdr) *part = &file->parts[index];
    if (part->p_type != PT_LOAD || (part->p_flags & PF_W)) continue;
    uintptr_t start = (file->base + part->p_vaddr) & ~(page - 1);
    uintptr_t end = (file->base + part->p_vaddr + part->p_memsz + page - 1) & ~(page - 1);
    madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

// Gives back the pages of programs and libraries that only the start of the process needed.
static inline void assay_drop_start_pages(void) {
  assay_each_loaded_file(assay_drop_unwritten, NULL);
}

#pragma clang assume_nonnull end
