#pragma once
#include <nghttp2/nghttp2.h>

#pragma clang assume_nonnull begin

// Frame fields Swift would reach only through C unions.
static inline uint8_t assay_h2_frame_type(const nghttp2_frame *frame) { return frame->hd.type; }
static inline uint8_t assay_h2_frame_flags(const nghttp2_frame *frame) { return frame->hd.flags; }
static inline int32_t assay_h2_frame_stream(const nghttp2_frame *frame) {
  return frame->hd.stream_id;
}
static inline int assay_h2_headers_category(const nghttp2_frame *frame) {
  return (int)frame->headers.cat;
}
static inline uint32_t assay_h2_goaway_code(const nghttp2_frame *frame) {
  return frame->goaway.error_code;
}
static inline int32_t assay_h2_goaway_last_stream(const nghttp2_frame *frame) {
  return frame->goaway.last_stream_id;
}
static inline const uint8_t *_Nullable assay_h2_goaway_debug(const nghttp2_frame *frame) {
  return frame->goaway.opaque_data;
}
static inline size_t assay_h2_goaway_debug_length(const nghttp2_frame *frame) {
  return frame->goaway.opaque_data_len;
}
static inline const uint8_t *assay_h2_ping_opaque(const nghttp2_frame *frame) {
  return frame->ping.opaque_data;
}

#pragma clang assume_nonnull end
