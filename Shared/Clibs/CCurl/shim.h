// Makes libcurl visible to Swift: its variadic calls once per type of value, and what Swift
// does not import of sockets.
#pragma once
#define CURL_STRICTER 1
#define CURL_DISABLE_TYPECHECK 1
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#pragma clang assume_nonnull begin

static inline CURLcode assay_curl_global_init(void) {
  return curl_global_init(CURL_GLOBAL_DEFAULT);
}

static inline CURLcode assay_curl_set_long(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}
static inline CURLcode assay_curl_set_offset(CURL *easy, CURLoption option, int64_t value) {
  return curl_easy_setopt(easy, option, (curl_off_t)value);
}
static inline CURLcode assay_curl_set_pointer(CURL *easy, CURLoption option,
                                              const void *_Nullable value) {
  return curl_easy_setopt(easy, option, value);
}
static inline CURLcode assay_curl_set_text(CURL *easy, CURLoption option,
                                           const char *_Nullable value) {
  return curl_easy_setopt(easy, option, value);
}

typedef size_t (*assay_curl_data)(char *_Nullable bytes, size_t size, size_t count,
                                  void *_Nullable context);
typedef curl_socket_t (*assay_curl_open)(void *_Nullable context, curlsocktype purpose,
                                         struct curl_sockaddr *_Nullable address);
typedef int (*assay_curl_close)(void *_Nullable context, curl_socket_t socket);
typedef int (*assay_curl_ready)(void *_Nullable context, char *_Nullable peer,
                                char *_Nullable local, int peer_port, int local_port);

// WRITEFUNCTION, HEADERFUNCTION and READFUNCTION have one shape.
static inline CURLcode assay_curl_set_data(CURL *easy, CURLoption option,
                                           assay_curl_data callback) {
  return curl_easy_setopt(easy, option, callback);
}
static inline CURLcode assay_curl_set_open(CURL *easy, assay_curl_open callback) {
  return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
}
static inline CURLcode assay_curl_set_close(CURL *easy, assay_curl_close callback) {
  return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, callback);
}
static inline CURLcode assay_curl_set_ready(CURL *easy, assay_curl_ready callback) {
  return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, callback);
}

static inline long assay_curl_get_long(CURL *easy, CURLINFO info) {
  long value = 0;
  return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}
static inline int64_t assay_curl_get_offset(CURL *easy, CURLINFO info) {
  curl_off_t value = 0;
  return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}
static inline const char *_Nullable assay_curl_get_text(CURL *easy, CURLINFO info) {
  char *value = NULL;
  return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : NULL;
}
static inline void *_Nullable assay_curl_get_private(CURL *easy) {
  char *value = NULL;
  return curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value) == CURLE_OK ? value : NULL;
}

typedef int (*assay_curl_watch)(CURL *_Nullable easy, curl_socket_t socket, int what,
                                void *_Nullable context, void *_Nullable socket_context);
typedef int (*assay_curl_timer)(CURLM *_Nullable multi, long milliseconds,
                                void *_Nullable context);

static inline CURLMcode assay_curlm_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode assay_curlm_set_callbacks(CURLM *multi, assay_curl_watch watch,
                                                  assay_curl_timer timer, void *context) {
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer);
  return curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}

// The next transfer that has ended, with its code; NULL when there is none.
static inline CURL *_Nullable assay_curlm_next_done(CURLM *multi, CURLcode *code) {
  int left = 0;
  for (;;) {
    CURLMsg *message = curl_multi_info_read(multi, &left);
    if (message == NULL) return NULL;
    if (message->msg != CURLMSG_DONE) continue;
    *code = message->data.result;
    return message->easy_handle;
  }
}

// A share that holds TLS sessions only; its users are all on one thread, so it needs no lock.
static inline CURLSH *_Nullable assay_curl_session_share(void) {
  CURLSH *share = curl_share_init();
  if (share != NULL) curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  return share;
}
static inline CURLcode assay_curl_set_share(CURL *easy, CURLSH *_Nullable share) {
  return curl_easy_setopt(easy, CURLOPT_SHARE, share);
}

// The IP address that a socket is about to be opened for: 4 or 16 bytes, or 0 for another
// family. `bytes` has room for 16.
static inline int assay_address_bytes(const struct curl_sockaddr *address, uint8_t *bytes) {
  if (address->family == AF_INET && address->addrlen >= sizeof(struct sockaddr_in)) {
    memcpy(bytes, &((const struct sockaddr_in *)(const void *)&address->addr)->sin_addr, 4);
    return 4;
  }
  if (address->family == AF_INET6 && address->addrlen >= sizeof(struct sockaddr_in6)) {
    memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)&address->addr)->sin6_addr, 16);
    return 16;
  }
  return 0;
}

static inline int assay_is_unix(const struct curl_sockaddr *address) {
  return address->family == AF_UNIX;
}

// A socket that neither blocks nor survives exec; CURL_SOCKET_BAD when there is none.
static inline curl_socket_t assay_open_socket(const struct curl_sockaddr *address) {
  return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                address->protocol);
}

static const size_t assay_write_pause = CURL_WRITEFUNC_PAUSE;
static const size_t assay_read_pause = CURL_READFUNC_PAUSE;
static const size_t assay_read_abort = CURL_READFUNC_ABORT;
static const curl_socket_t assay_socket_bad = CURL_SOCKET_BAD;
static const curl_socket_t assay_socket_timeout = CURL_SOCKET_TIMEOUT;

#pragma clang assume_nonnull end
