// A bare gRPC echo on nghttp2 and epoll, one thread, Unix sockets: what the benchmark holds our
// RPC against. It frames messages and sends trailers as gRPC does, and does nothing else.
//
//   nghttp2_echo server PATH
//   nghttp2_echo client PATH IN_FLIGHT SECONDS PAYLOAD_BYTES
//
// Each prints one line of JSON when it ends; a server ends by SIGTERM.
#define _GNU_SOURCE
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BODY_MAX = 1 << 20, OUT_SIZE = 1 << 18, SAMPLES_MAX = 1 << 22, PREFIX = 5 };

// One call: on a server the echoed body, on a client also when it was begun.
typedef struct call {
  struct call *next_free;
  uint8_t *body;
  size_t count, capacity, sent;
  uint64_t begun;
} call;

typedef struct {
  int descriptor;
  bool is_server, waits_to_write;
  nghttp2_session *session;
  uint8_t out[OUT_SIZE];
  size_t out_begin, out_end;
} connection;

static call *free_calls;
static volatile sig_atomic_t stopped;
static uint64_t finished, all_calls, failed, first_call, last_call;
static double cpu_at_first;

// The client's side.
static int epoll = -1;
static const char *method_path = "/grpc.testing.TestService/UnaryCall";
static uint8_t *request;
static size_t request_count;
static uint64_t measure_from, measure_until, samples_count;
static uint32_t *samples;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static call *take_call(void) {
  call *c = free_calls;
  if (c) free_calls = c->next_free;
  else if (!(c = calloc(1, sizeof *c))) fail("calloc");
  c->count = c->sent = 0;
  return c;
}

static void give_back(call *c) {
  c->next_free = free_calls;
  free_calls = c;
}

#define FIELD(name, value)                                                              \
  { (uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, strlen(value),             \
    NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE }

static ssize_t read_echo(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  (void)user;
  call *c = source->ptr;
  size_t count = c->count - c->sent < length ? c->count - c->sent : length;
  memcpy(buffer, c->body + c->sent, count);
  c->sent += count;
  if (c->sent == c->count) {
    nghttp2_nv status = FIELD("grpc-status", "0");
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, stream, &status, 1);
  }
  return (ssize_t)count;
}

static ssize_t read_request(nghttp2_session *session, int32_t stream, uint8_t *buffer,
                            size_t length, uint32_t *flags, nghttp2_data_source *source,
                            void *user) {
  (void)session, (void)stream, (void)user;
  call *c = source->ptr;
  size_t count = request_count - c->sent < length ? request_count - c->sent : length;
  memcpy(buffer, request + c->sent, count);
  c->sent += count;
  if (c->sent == request_count) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)count;
}

static void begin_call(nghttp2_session *session) {
  nghttp2_nv fields[] = {
      FIELD(":method", "POST"), FIELD(":scheme", "http"), FIELD(":path", method_path),
      FIELD(":authority", "localhost"), FIELD("content-type", "application/grpc"),
      FIELD("te", "trailers")};
  call *c = take_call();
  c->begun = now();
  nghttp2_data_provider provider = {.source = {.ptr = c}, .read_callback = read_request};
  if (nghttp2_submit_request(session, NULL, fields, sizeof fields / sizeof *fields, &provider, c) <
      0)
    fail("nghttp2_submit_request");
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  connection *self = user;
  if (self->is_server && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, take_call());
  return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t length, void *user) {
  (void)flags, (void)user;
  call *c = nghttp2_session_get_stream_user_data(session, stream);
  if (!c) return 0;
  if (c->count + length > BODY_MAX)
    return nghttp2_submit_rst_stream(session, 0, stream, NGHTTP2_ENHANCE_YOUR_CALM);
  if (c->count + length > c->capacity) {
    c->capacity = (c->count + length) * 2;
    if (!(c->body = realloc(c->body, c->capacity))) fail("realloc");
  }
  memcpy(c->body + c->count, data, length);
  c->count += length;
  return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  connection *self = user;
  bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (!self->is_server || !ends || frame->hd.type > NGHTTP2_HEADERS) return 0;
  call *c = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (!c) return 0;
  if (!first_call) first_call = now(), cpu_at_first = cpu_seconds();
  nghttp2_nv fields[] = {FIELD(":status", "200"), FIELD("content-type", "application/grpc")};
  nghttp2_data_provider provider = {.source = {.ptr = c}, .read_callback = read_echo};
  return nghttp2_submit_response(session, frame->hd.stream_id, fields, 2, &provider);
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user) {
  connection *self = user;
  call *c = nghttp2_session_get_stream_user_data(session, stream);
  if (!c) return 0;
  if (self->is_server) {
    finished++;
    give_back(c);
    return 0;
  }
  uint64_t at = now();
  all_calls++;
  if (code || c->count != request_count) failed++;
  if (c->begun >= measure_from && at <= measure_until) {
    finished++;
    if (!first_call) first_call = c->begun;
    last_call = at;
    if (samples_count < SAMPLES_MAX) samples[samples_count++] = (uint32_t)(at - c->begun);
  }
  give_back(c);
  if (at < measure_until) begin_call(session);
  return 0;
}

static connection *make_connection(int descriptor, bool is_server) {
  connection *self = calloc(1, sizeof *self);
  if (!self) fail("calloc");
  self->descriptor = descriptor;
  self->is_server = is_server;
  nghttp2_session_callbacks *callbacks;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  if (is_server) nghttp2_session_server_new(&self->session, callbacks, self);
  else nghttp2_session_client_new(&self->session, callbacks, self);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
                                       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}};
  nghttp2_submit_settings(self->session, 0, settings, 2);
  nghttp2_session_set_local_window_size(self->session, 0, 0, 1 << 24);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = self};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)) fail("epoll_ctl");
  return self;
}

// Takes what the session wants to send until the socket is full; false when the peer is gone.
static bool flush(connection *self) {
  for (;;) {
    while (self->out_end < OUT_SIZE / 2) {
      const uint8_t *data;
      ssize_t count = nghttp2_session_mem_send(self->session, &data);
      if (count < 0) return false;
      if (count == 0) break;
      memcpy(self->out + self->out_end, data, (size_t)count);
      self->out_end += (size_t)count;
    }
    if (self->out_begin == self->out_end) break;
    ssize_t written = send(self->descriptor, self->out + self->out_begin,
                           self->out_end - self->out_begin, MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN) return false;
    if (written > 0) self->out_begin += (size_t)written;
    if (self->out_begin < self->out_end) break;
    self->out_begin = self->out_end = 0;
  }
  bool waits = self->out_begin < self->out_end;
  if (waits != self->waits_to_write) {
    struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = self};
    epoll_ctl(epoll, EPOLL_CTL_MOD, self->descriptor, &event);
    self->waits_to_write = waits;
  }
  return nghttp2_session_want_read(self->session) || nghttp2_session_want_write(self->session);
}

static bool turn(connection *self, uint32_t events) {
  static uint8_t buffer[1 << 16];
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    ssize_t count = recv(self->descriptor, buffer, sizeof buffer, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return false;
    if (count > 0 && nghttp2_session_mem_recv(self->session, buffer, (size_t)count) < 0) {
      flush(self);
      return false;
    }
  }
  return flush(self);
}

static void drop(connection *self) {
  nghttp2_session_del(self->session);
  close(self->descriptor);
  free(self);
}

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    fprintf(stderr, "nghttp2_echo: the path is over %zu bytes\n", sizeof address.sun_path - 1);
    exit(2);
  }
  strcpy(address.sun_path, path);
  return address;
}

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

static int serve(const char *path) {
  struct sockaddr_un address = address_of(path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  unlink(path);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64))
    fail(path);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  printf("{\"address\":\"unix:%s\"}\n", path);
  fflush(stdout);
  while (!stopped) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      connection *self = events[i].data.ptr;
      if (self) {
        if (!turn(self, events[i].events)) drop(self);
        continue;
      }
      int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor >= 0 && !flush(self = make_connection(descriptor, true))) drop(self);
    }
  }
  unlink(path);
  double cpu = finished ? (cpu_seconds() - cpu_at_first) * 1e6 / (double)finished : 0;
  printf("{\"calls\":%lu,\"cpu_us_per_call\":%.3f}\n", finished, cpu);
  return 0;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static int call_out(const char *path, int in_flight, double seconds, size_t payload) {
  struct sockaddr_un address = address_of(path);
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address)) fail(path);
  request_count = PREFIX + payload;
  if (!(request = calloc(1, request_count))) fail("calloc");
  for (int i = 0; i < 4; i++) request[1 + i] = (uint8_t)(payload >> (24 - 8 * i));
  if (!(samples = malloc(SAMPLES_MAX * sizeof *samples))) fail("malloc");
  connection *self = make_connection(descriptor, false);
  measure_from = now() + 200000000u; // the first fifth of a second warms up
  measure_until = measure_from + (uint64_t)(seconds * 1e9);
  for (int i = 0; i < in_flight; i++) begin_call(self->session);
  double cpu = cpu_seconds();
  uint64_t wall = now();
  bool open = flush(self);
  while (open && now() < measure_until + 1000000u) {
    struct epoll_event event;
    if (epoll_wait(epoll, &event, 1, 100) == 1) open = turn(self, event.events);
  }
  // CPU of the whole run, scaled to the measured part of it.
  double share = seconds / ((double)(now() - wall) / 1e9);
  cpu = (cpu_seconds() - cpu) * share;
  qsort(samples, samples_count, sizeof *samples, by_size);
  if (!samples_count) return 1;
  printf("{\"calls\":%lu,\"all_calls\":%lu,\"failed\":%lu,\"seconds\":%.3f,"
         "\"p50_us\":%.2f,\"p99_us\":%.2f,"
         "\"calls_per_s\":%.0f,\"cpu_s\":%.4f,\"cpu_us_per_call\":%.3f}\n",
         finished, all_calls, failed, seconds, samples[samples_count / 2] / 1e3,
         samples[samples_count * 99 / 100] / 1e3,
         (double)finished / ((double)(last_call - first_call) / 1e9), cpu,
         cpu * 1e6 / (double)finished);
  return failed ? 1 : 0;
}

int main(int count, char **arguments) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (count == 3 && !strcmp(arguments[1], "server")) return serve(arguments[2]);
  if (count == 6 && !strcmp(arguments[1], "client"))
    return call_out(arguments[2], atoi(arguments[3]), atof(arguments[4]),
                    strtoul(arguments[5], NULL, 10));
  fprintf(stderr, "usage: %s server PATH | client PATH IN_FLIGHT SECONDS PAYLOAD_BYTES\n",
          arguments[0]);
  return 2;
}
