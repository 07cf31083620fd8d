// Makes libuv visible to Swift: the C layout of our handles, casts between libuv's handle
// types, and the system calls that Swift's Glibc module does not import.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#pragma clang assume_nonnull begin

// The loop and the handles every loop has: one allocation, one lifetime.
typedef struct {
  uv_loop_t loop;
  uv_async_t wake;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;
  uv_timer_t timer;
} assay_loop;

// A stream with the requests that may be in flight on it.
typedef struct {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
  } as;
  uv_write_t write;
  uv_shutdown_t shutdown;
  uv_connect_t connect;
} assay_stream;

static inline uv_handle_t *assay_handle(void *handle) { return (uv_handle_t *)handle; }
static inline uv_req_t *assay_request(void *request) { return (uv_req_t *)request; }
static inline uv_stream_t *assay_uv_stream(assay_stream *s) { return &s->as.stream; }
static inline uv_pipe_t *assay_uv_pipe(assay_stream *s) { return &s->as.pipe; }
static inline uv_tcp_t *assay_uv_tcp(assay_stream *s) { return &s->as.tcp; }
static inline uv_write_t *assay_write_req(assay_stream *s) { return &s->write; }
static inline uv_shutdown_t *assay_shutdown_req(assay_stream *s) { return &s->shutdown; }
static inline uv_connect_t *assay_connect_req(assay_stream *s) { return &s->connect; }
static inline uv_loop_t *assay_uv_loop(assay_loop *l) { return &l->loop; }
static inline uv_async_t *assay_wake(assay_loop *l) { return &l->wake; }
static inline uv_prepare_t *assay_prepare(assay_loop *l) { return &l->prepare; }
static inline uv_check_t *assay_check(assay_loop *l) { return &l->check; }
static inline uv_idle_t *assay_idle(assay_loop *l) { return &l->idle; }
static inline uv_timer_t *assay_timer(assay_loop *l) { return &l->timer; }

// The monotonic clock at the kernel's tick (1 to 4 ms): a tenth of the cost of the exact one.
static inline uint64_t assay_coarse_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Names the calling thread; the kernel keeps 15 bytes.
static inline void assay_name_thread(const char *name) {
  prctl(PR_SET_NAME, name, 0, 0, 0);
}

// A write to a socket whose peer is gone must be an error, not a signal; a handler that the
// process has set for itself stays.
static inline void assay_ignore_sigpipe(void) {
  struct sigaction current;
  if (sigaction(SIGPIPE, NULL, &current) == 0 && current.sa_handler == SIG_DFL) {
    signal(SIGPIPE, SIG_IGN);
  }
}

// The C library declares accept4, renameat2, pipe2 and struct ucred only under _GNU_SOURCE,
// which a module cannot set for it: so the calls are made by number.

// The type of every socket of ours.
static const int assay_stream_socket_type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

// A descriptor that another process opened becomes one like ours.
static inline void assay_own_descriptor(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// A new descriptor, or a negative errno.
static inline int assay_accept(int listener) {
  long fd = syscall(SYS_accept4, listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? -errno : (int)fd;
}

// Both ends close on exec; the reading end does not block. 0 or a negative errno.
static inline int assay_pipe(int ends[_Nonnull 2]) {
  if (syscall(SYS_pipe2, ends, O_CLOEXEC) != 0) return -errno;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return 0;
}

// What a child gets as one of its descriptors: one of ours, or /dev/null below 0.
static inline uv_stdio_container_t assay_stdio(int fd) {
  uv_stdio_container_t container = {.flags = UV_IGNORE};
  if (fd >= 0) {
    container.flags = UV_INHERIT_FD;
    container.data.fd = fd;
  }
  return container;
}

// Writes the numeric host of an IP address and returns its port, or a negative errno.
static inline int assay_name_address(const struct sockaddr *address, char *name, size_t size) {
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    int status = uv_ip4_name(four, name, size);
    return status == 0 ? ntohs(four->sin_port) : status;
  }
  const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
  int status = uv_ip6_name(six, name, size);
  return status == 0 ? ntohs(six->sin6_port) : status;
}

static const unsigned int assay_rename_noreplace = 1;
static const unsigned int assay_rename_exchange = 2;

// 0 or a negative errno.
static inline int assay_rename(const char *from, const char *to, unsigned int flags) {
  long result = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
  return result != 0 ? -errno : 0;
}

static inline int assay_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid) {
  struct { int32_t pid; uint32_t uid; uint32_t gid; } credentials;
  socklen_t size = sizeof(credentials);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return -errno;
  *uid = credentials.uid;
  *gid = credentials.gid;
  *pid = credentials.pid;
  return 0;
}

#pragma clang assume_nonnull end
