#pragma once
#include <protobuf-c/protobuf-c.h>
#pragma clang assume_nonnull begin

/* Bytes of `assay_thread_scratch`. */
#define ASSAY_THREAD_SCRATCH_BYTES 8192

/* A block that belongs to the calling thread, zero at first: Swift has no thread-local storage. */
static inline void *assay_thread_scratch(void) {
  static _Thread_local _Alignas(16) unsigned char block[ASSAY_THREAD_SCRATCH_BYTES];
  return block;
}

#pragma clang assume_nonnull end
