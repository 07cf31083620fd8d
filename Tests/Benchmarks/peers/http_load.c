#define _GNU_SOURCE
// Callers of a model's HTTP interface, as many as a benchmark wants: each on a connection of its
// own that stays open, each asking as soon as it was answered, no two asking the same. One thread
// serves them all, as a client library's loop does; callers with documents have one each, since
// what they send does not fit a socket.
//
//   cc -O2 -pthread -o http_load http_load.c
//   http_load ADDRESS KEY CALLERS SECONDS BYTES [stream]
//
// ADDRESS is unix:/path or tcp:127.0.0.1:port; BYTES is the size of a request's body, a document
// in base64 from 100,000 on. Prints one JSON line: calls, failures (any status but 200), seconds
// and quantiles in microseconds; of streams also those of the first byte of the body, and the
// longest pause within each.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { warm_calls = 5, figures_max = 4000000, buffer_size = 256 * 1024 };
enum { document_bytes = 100000 };
// A stream that stands still for so long has stalled: a delayed acknowledgement takes 40 ms.
enum { stall_us = 39000 };

static const char *address, *key;
static long body_bytes;
static int is_stream;
static double ends_at;
static atomic_long next_nonce, failures, figures;
static float *took, *first_byte, *pause_max;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static void die(const char *what) {
  printf("{\"error\":\"%s\"}\n", what);
  fflush(stdout);
  _exit(1);
}

static int connected(void) {
  int fd;
  if (!strncmp(address, "unix:", 5)) {
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    strncpy(place.sun_path, address + 5, sizeof place.sun_path - 1);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (void *)&place, sizeof place)) die("cannot connect");
  } else {
    const char *port = strrchr(address, ':');
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(atoi(port + 1))};
    inet_pton(AF_INET, "127.0.0.1", &place.sin_addr);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (void *)&place, sizeof place)) die("cannot connect");
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return fd;
}

static void send_all(int fd, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) die("the connection is gone while sending");
    bytes += sent;
    count -= sent;
  }
}

// A request with room for a nonce of 20 digits; answers where it stands.
static char *request(size_t *size, char **nonce) {
  const char *stream = is_stream ? "\"stream\":true," : "";
  int is_document = body_bytes >= document_bytes;
  char head[512], start[512];
  const char *end = is_document
      ? "\"}},{\"type\":\"text\",\"text\":\"Say what it is.\"}]}]}" : "\"}]}";
  int start_size = snprintf(start, sizeof start,
      "{\"model\":\"%s\",\"max_tokens\":64,%s\"metadata\":{\"user_id\":\"load\"},"
      "\"messages\":[{\"role\":\"user\",\"content\":%s",
      is_document ? "claude-sonnet-5" : "claude-haiku-4-5", stream,
      is_document ? "[{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":"
                    "\"application/pdf\",\"data\":\"" : "\"");
  long fill = body_bytes - start_size - (long)strlen(end) - 20;
  if (fill < 0) fill = 0;
  fill = fill / 4 * 4;
  long body = start_size + 20 + fill + (long)strlen(end);
  int head_size = snprintf(head, sizeof head,
      "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: %s\r\n"
      "anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n"
      "content-length: %ld\r\n\r\n", key, body);
  char *all = malloc(head_size + body + 1), *at = all;
  at = mempcpy(at, head, head_size);
  at = mempcpy(at, start, start_size);
  *nonce = at;
  at += 20;
  for (long done = 0; done < fill; done += 4) at = mempcpy(at, is_document ? "QUFB" : "abc ", 4);
  mempcpy(at, end, strlen(end));
  *size = head_size + body;
  return all;
}

// A connection, and how far the answer on it has come.
struct caller {
  int fd;
  char *bytes, *nonce, *buffer, *body;
  size_t size, have;
  long count, length;
  int status, is_chunked;
  double start, first, last, pause;
};

static void open_caller(struct caller *caller) {
  memset(caller, 0, sizeof *caller);
  caller->bytes = request(&caller->size, &caller->nonce);
  caller->buffer = malloc(buffer_size);
  caller->fd = connected();
}

static void ask(struct caller *caller) {
  char digits[24];
  snprintf(digits, sizeof digits, "%020ld", next_nonce++);
  memcpy(caller->nonce, digits, 20);
  caller->body = NULL;
  caller->have = 0;
  caller->first = caller->last = caller->pause = 0;
  caller->length = -1;
  caller->start = seconds();
  send_all(caller->fd, caller->bytes, caller->size);
}

static void head_came(struct caller *caller, char *end) {
  caller->body = end + 4;
  caller->status = atoi(caller->buffer + 9);
  *end = 0;
  char *field = strcasestr(caller->buffer, "\ncontent-length:");
  if (field) caller->length = atol(field + 16);
  caller->is_chunked = !field && strcasestr(caller->buffer, "\ntransfer-encoding: chunked");
}

// Reads once; whether the answer has come to its end: by its length, or by its last chunk.
static int receive(struct caller *caller) {
  char *buffer = caller->buffer;
  ssize_t got = recv(caller->fd, buffer + caller->have, buffer_size - 1 - caller->have, 0);
  if (got <= 0) die("the connection is gone while reading");
  double now = seconds();
  size_t have = caller->have += got;
  buffer[have] = 0;
  if (!caller->body) {
    char *end = strstr(buffer, "\r\n\r\n");
    if (!end) return 0;
    head_came(caller, end);
    if (caller->body == buffer + have && caller->length != 0) return 0;
  }
  if (!caller->first) caller->first = now;
  if (caller->last && now - caller->last > caller->pause) caller->pause = now - caller->last;
  caller->last = now;
  if (caller->length >= 0 && buffer + have - caller->body >= caller->length) return 1;
  if (caller->is_chunked && have >= 5 && !memcmp(buffer + have - 5, "0\r\n\r\n", 5)) return 1;
  if (have > buffer_size / 2) {
    if (!caller->is_chunked) die("an answer is too long");
    memmove(buffer, buffer + have - 5, 5);
    caller->body = buffer;
    caller->have = 5;
  }
  return 0;
}

// Counts the answer that has come; whether the caller asks again.
static int answered(struct caller *caller) {
  double end = seconds();
  if (caller->status != 200) failures++;
  if (caller->count++ >= warm_calls || body_bytes >= document_bytes) {
    long index = figures++;
    if (index >= figures_max) die("too many calls");
    took[index] = (end - caller->start) * 1e6;
    first_byte[index] = (caller->first - caller->start) * 1e6;
    pause_max[index] = caller->pause * 1e6;
  }
  return end < ends_at;
}

static void *call(void *unused) {
  (void)unused;
  struct caller caller;
  open_caller(&caller);
  do {
    ask(&caller);
    while (!receive(&caller)) {}
  } while (answered(&caller));
  close(caller.fd);
  return NULL;
}

static void call_together(long callers) {
  struct caller *all = calloc(callers, sizeof *all);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (long at = 0; at < callers; at++) {
    open_caller(&all[at]);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[at]};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[at].fd, &event)) die("cannot watch a connection");
  }
  for (long at = 0; at < callers; at++) ask(&all[at]);
  for (long open = callers; open > 0;) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int at = 0; at < count; at++) {
      struct caller *caller = events[at].data.ptr;
      if (!receive(caller)) continue;
      if (answered(caller)) {
        ask(caller);
      } else {
        close(caller->fd);
        open--;
      }
    }
  }
}

static void call_apart(long callers) {
  pthread_t *threads = calloc(callers, sizeof *threads);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  for (long at = 0; at < callers; at++) pthread_create(&threads[at], &attributes, call, NULL);
  for (long at = 0; at < callers; at++) pthread_join(threads[at], NULL);
}

static int compare(const void *left, const void *right) {
  float difference = *(const float *)left - *(const float *)right;
  return (difference > 0) - (difference < 0);
}

static void quantiles(const char *name, float *values, long count) {
  qsort(values, count, sizeof *values, compare);
  printf(",\"%s_p50_us\":%.1f,\"%s_p99_us\":%.1f,\"%s_max_us\":%.1f", name, values[count / 2],
         name, values[count * 99 / 100], name, values[count - 1]);
}

int main(int count, char **arguments) {
  if (count < 6) {
    fprintf(stderr, "usage: %s ADDRESS KEY CALLERS SECONDS BYTES [stream]\n", arguments[0]);
    return 2;
  }
  address = arguments[1];
  key = arguments[2];
  long callers = atol(arguments[3]);
  body_bytes = atol(arguments[5]);
  is_stream = count > 6;
  if (callers < 1 || callers > 1000) return 2;
  took = malloc(figures_max * sizeof *took);
  first_byte = malloc(figures_max * sizeof *took);
  pause_max = malloc(figures_max * sizeof *took);
  next_nonce = (long)(seconds() * 1e6) << 4;
  double start = seconds();
  ends_at = start + atof(arguments[4]);
  if (body_bytes < document_bytes) call_together(callers); else call_apart(callers);
  double lasted = seconds() - start;
  long measured = figures;
  if (measured < 1) die("no call was measured");
  printf("{\"calls\":%ld,\"failures\":%ld,\"seconds\":%.6f", measured, (long)failures, lasted);
  quantiles("call", took, measured);
  if (is_stream) {
    long stalled = 0;
    for (long at = 0; at < measured; at++) stalled += pause_max[at] > stall_us;
    printf(",\"stalled_share\":%.6f", (double)stalled / measured);
    quantiles("first", first_byte, measured);
    quantiles("pause", pause_max, measured);
  }
  printf("}\n");
  return 0;
}
