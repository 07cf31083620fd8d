// Makes libmicrohttpd visible to Swift: its variadic functions with the options that we give, and
// the system calls around a connection that the library does not make.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#pragma clang assume_nonnull begin

// Suspending is allowed, but without the eventfd that MHD_ALLOW_SUSPEND_RESUME brings along: it
// wakes the daemon's thread, and here that is the caller of resume.
static const unsigned int assay_mhd_suspendable = 8192;

// Targets stay as they came.
static inline size_t assay_mhd_keep(
  void *_Nullable cls, struct MHD_Connection *_Nullable connection, char *_Nullable text) {
  return text ? strlen(text) : 0;
}

typedef void *_Nullable (*assay_mhd_target)(
  void *_Nullable cls, const char *_Nullable target, struct MHD_Connection *_Nullable connection);

typedef struct {
  MHD_AccessHandlerCallback access;
  MHD_RequestCompletedCallback completed;
  MHD_NotifyConnectionCallback connection;
  assay_mhd_target target;
} assay_mhd_callbacks;

// A daemon without a thread, a listening socket or a timeout of its own.
static inline struct MHD_Daemon *_Nullable assay_mhd_start(
  assay_mhd_callbacks calls, void *owner, size_t memory, unsigned int connections) {
  return MHD_start_daemon(
    MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | assay_mhd_suspendable, 0, NULL, NULL,
    calls.access, owner,
    MHD_OPTION_NOTIFY_COMPLETED, calls.completed, owner,
    MHD_OPTION_NOTIFY_CONNECTION, calls.connection, owner,
    MHD_OPTION_URI_LOG_CALLBACK, calls.target, owner,
    MHD_OPTION_UNESCAPE_CALLBACK, &assay_mhd_keep, NULL,
    MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
    MHD_OPTION_CONNECTION_LIMIT, connections,
    MHD_OPTION_STRICT_FOR_CLIENT, 1,
    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
    MHD_OPTION_END);
}

static inline int assay_mhd_epoll(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

// Whether the daemon has more to do at once.
static inline int assay_mhd_is_busy(struct MHD_Daemon *daemon) {
  unsigned long long wait = 1;
  return MHD_get_timeout(daemon, &wait) == MHD_YES && wait == 0;
}

static inline void *_Nullable assay_mhd_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

static inline size_t assay_mhd_head_size(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

static const uint64_t assay_mhd_size_unknown = MHD_SIZE_UNKNOWN;
static const ssize_t assay_mhd_end = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t assay_mhd_failed = MHD_CONTENT_READER_END_WITH_ERROR;

// Hands a connected socket over; on failure the library has closed it.
static inline int assay_mhd_add(struct MHD_Daemon *daemon, int fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof(address);
  memset(&address, 0, sizeof(address));
  if (getpeername(fd, (struct sockaddr *)&address, &size) != 0 || size == 0) {
    address.ss_family = AF_UNIX;
    size = sizeof(sa_family_t);
  }
  return MHD_add_connection(daemon, fd, (struct sockaddr *)&address, size) == MHD_YES;
}

// Watches a descriptor for its peer's end and, when asked, for bytes: each told once.
static inline int assay_watch(int epoll, int fd, uint64_t key, int is_new, int wants_bytes) {
  struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET | (wants_bytes ? EPOLLIN : 0)};
  event.data.u64 = key;
  return epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

static inline void assay_unwatch(int epoll, int fd) {
  struct epoll_event event = {0};
  epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
}

static inline int assay_new_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }

// The epoll events' names are macros that Swift cannot see.
static inline int assay_is_end(uint32_t events) {
  return (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
}
static inline int assay_is_cut(uint32_t events) { return (events & (EPOLLHUP | EPOLLERR)) != 0; }
static inline int assay_is_bytes(uint32_t events) { return (events & EPOLLIN) != 0; }

// One event; its key, or UINT64_MAX when none waits.
static inline uint64_t assay_next_event(int epoll, uint32_t *events) {
  struct epoll_event event;
  if (epoll_wait(epoll, &event, 1, 0) != 1) return UINT64_MAX;
  *events = event.events;
  return event.data.u64;
}

static inline int assay_duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }

static inline ssize_t assay_send_now(int fd, const void *bytes, size_t count) {
  return send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static inline ssize_t assay_receive_now(int fd, void *bytes, size_t count) {
  return recv(fd, bytes, count, MSG_DONTWAIT);
}

#pragma clang assume_nonnull end
