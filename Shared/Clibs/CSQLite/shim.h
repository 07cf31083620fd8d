// Makes SQLite visible to Swift: its variadic functions with their types, and the destructor
// constants that are casts.
#pragma once
#include <sqlite3.h>

// A switch of one connection (SQLITE_DBCONFIG_…) that takes 0 or 1.
static inline int assay_sqlite_switch(sqlite3 *db, int option, int value) {
  return sqlite3_db_config(db, option, value, (int *)0);
}

// SQLite copies the bytes before this returns. No bytes are an empty text, never NULL.
static inline int assay_sqlite_bind_text(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_text64(
      statement, index, bytes ? (const char *)bytes : "", count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static inline int assay_sqlite_bind_blob(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  if (count == 0) return sqlite3_bind_zeroblob(statement, index, 0);
  return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_TRANSIENT);
}

// Before SQLite is used first; afterwards it changes nothing.
static inline void assay_sqlite_count_no_memory(void) {
  (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
