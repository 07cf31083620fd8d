#define _GNU_SOURCE
// The least work that keeps verdicts in SQLite: what store.rows_vs_bare is measured against.
//
//   cc -O2 -o sqlite_commits sqlite_commits.c -lsqlite3
//   sqlite_commits FILE COMMITS GROUP
//
// Each commit is one verdict, one unit's new state, one event and one commit id; GROUP commits
// share a transaction, at whose end the run's row is written. Tables, indexes and pragmas are
// those of the store's writer, values have the sizes of its own. Nothing is checked, nothing is
// answered. Prints one JSON line: verdicts and CPU per commit of the grouped
// part, and the median of single commits.
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *schema =
    "CREATE TABLE products (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE runs (key INTEGER PRIMARY KEY,"
    "  product INTEGER NOT NULL REFERENCES products (key), id TEXT NOT NULL,"
    "  state INTEGER NOT NULL, last_seq INTEGER NOT NULL, succeeded INTEGER NOT NULL,"
    "  chain BLOB NOT NULL, UNIQUE (product, id)) STRICT;"
    "CREATE TABLE units (key INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (key),"
    "  ordinal INTEGER NOT NULL, id TEXT NOT NULL, payload BLOB NOT NULL,"
    "  UNIQUE (run, id), UNIQUE (run, ordinal)) STRICT;"
    "CREATE TABLE unit_states (unit INTEGER PRIMARY KEY REFERENCES units (key),"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),"
    "  skip_reason INTEGER NOT NULL CHECK (skip_reason BETWEEN 0 AND 5),"
    "  failure BLOB, verdict INTEGER REFERENCES verdicts (key), tries INTEGER NOT NULL,"
    "  batch TEXT NOT NULL, CHECK (state <> 2 OR verdict IS NOT NULL)) STRICT;"
    "CREATE TABLE verdicts (key INTEGER PRIMARY KEY,"
    "  product INTEGER NOT NULL REFERENCES products (key), id TEXT NOT NULL CHECK (id <> ''),"
    "  run INTEGER NOT NULL REFERENCES runs (key), unit INTEGER NOT NULL REFERENCES units (key),"
    "  unit_key TEXT, subject_kind TEXT, subject_id TEXT, subject_hash TEXT,"
    "  rubric_hash TEXT NOT NULL, model TEXT NOT NULL, score REAL, at INTEGER NOT NULL,"
    "  body BLOB NOT NULL, chain BLOB NOT NULL CHECK (length(chain) = 16),"
    "  UNIQUE (product, id)) STRICT;"
    "CREATE INDEX verdicts_by_run ON verdicts (run, key);"
    "CREATE INDEX verdicts_by_unit_key ON verdicts (product, unit_key, key)"
    "  WHERE unit_key IS NOT NULL;"
    "CREATE INDEX verdicts_by_subject ON verdicts (product, subject_kind, subject_id, key)"
    "  WHERE subject_kind IS NOT NULL;"
    "CREATE TABLE events (run INTEGER NOT NULL REFERENCES runs (key), seq INTEGER NOT NULL,"
    "  at INTEGER NOT NULL, body BLOB NOT NULL, verdict INTEGER REFERENCES verdicts (key),"
    "  PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE commits (product INTEGER NOT NULL REFERENCES products (key), id TEXT NOT NULL,"
    "  digest BLOB NOT NULL CHECK (length(digest) = 32), first_seq INTEGER NOT NULL,"
    "  last_seq INTEGER NOT NULL, at INTEGER NOT NULL,"
    "  PRIMARY KEY (product, id)) STRICT, WITHOUT ROWID;"
    "INSERT INTO products VALUES (1, 'default');"
    "INSERT INTO runs VALUES (1, 1, 'run-0000000000000001', 4, 0, 0, zeroblob(16));";

static sqlite3 *db;
static sqlite3_stmt *insert_verdict, *update_unit, *insert_event, *insert_commit, *update_run;
static sqlite3_stmt *begin, *commit;
static uint64_t random_state = 1;

static void check(int code, int wanted) {
  if (code == wanted) return;
  fprintf(stderr, "sqlite: %d %s\n", code, sqlite3_errmsg(db));
  exit(1);
}

static void run(const char *sql) { check(sqlite3_exec(db, sql, 0, 0, 0), SQLITE_OK); }

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  check(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, 0), SQLITE_OK);
  return statement;
}

static void step(sqlite3_stmt *statement) {
  check(sqlite3_step(statement), SQLITE_DONE);
  sqlite3_reset(statement);
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

// SplitMix64, as hexadecimal digits.
static void name(char *text, int digits) {
  for (int at = 0; at < digits; at += 16) {
    uint64_t mixed = random_state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    snprintf(text + at, 17, "%016llx", (unsigned long long)(mixed ^ (mixed >> 31)));
  }
}

static void text(sqlite3_stmt *statement, int index, const char *value) {
  sqlite3_bind_text(statement, index, value, -1, SQLITE_STATIC);
}

static void write_commit(long number) {
  static const char body[180] = {1}, event[40] = {2}, digest[32] = {3};
  static char rubric[65], verdict_id[33], commit_id[33], unit_key[65], hash[65], subject[32];
  if (!rubric[0]) name(rubric, 64);
  name(verdict_id, 32);
  name(commit_id, 32);
  name(unit_key, 64);
  name(hash, 64);
  snprintf(subject, sizeof subject, "entity-%08ld", number);
  sqlite3_stmt *s = insert_verdict;
  text(s, 1, verdict_id);
  sqlite3_bind_int64(s, 2, number + 1);
  text(s, 3, unit_key);
  text(s, 4, "entity");
  text(s, 5, subject);
  text(s, 6, hash);
  text(s, 7, rubric);
  text(s, 8, "claude-haiku-4-5");
  sqlite3_bind_double(s, 9, number % 91 / 10.0 + 1);
  sqlite3_bind_int64(s, 10, 1700000000000000 + number);
  sqlite3_bind_blob(s, 11, body, sizeof body, SQLITE_STATIC);
  sqlite3_bind_blob(s, 12, digest, 16, SQLITE_STATIC);
  step(s);
  sqlite3_int64 key = sqlite3_last_insert_rowid(db);
  sqlite3_bind_int64(update_unit, 1, key);
  sqlite3_bind_int64(update_unit, 2, number + 1);
  step(update_unit);
  sqlite3_bind_int64(insert_event, 1, number + 1);
  sqlite3_bind_int64(insert_event, 2, 1700000000000000 + number);
  sqlite3_bind_blob(insert_event, 3, event, sizeof event, SQLITE_STATIC);
  sqlite3_bind_int64(insert_event, 4, key);
  step(insert_event);
  text(insert_commit, 1, commit_id);
  sqlite3_bind_blob(insert_commit, 2, digest, sizeof digest, SQLITE_STATIC);
  sqlite3_bind_int64(insert_commit, 3, number + 1);
  sqlite3_bind_int64(insert_commit, 4, 1700000000000000 + number);
  step(insert_commit);
}

static void write_group(long first, long end) {
  step(begin);
  for (long number = first; number < end; number++) write_commit(number);
  sqlite3_bind_int64(update_run, 1, end);
  step(update_run);
  step(commit);
}

static int compare(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static void open_database(const char *path, long units) {
  remove(path);
  check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
      SQLITE_OPEN_NOMUTEX, 0), SQLITE_OK);
  run("PRAGMA mmap_size = 0; PRAGMA cache_size = 8000; PRAGMA temp_store = MEMORY;"
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
      "PRAGMA wal_autocheckpoint = 4000;");
  run(schema);
  sqlite3_stmt *unit = prepare("INSERT INTO units VALUES (?1, 1, ?1, ?2, zeroblob(100))");
  sqlite3_stmt *state = prepare("INSERT INTO unit_states VALUES (?1, 1, 0, NULL, NULL, 0, '')");
  run("BEGIN");
  for (long number = 0; number < units; number++) {
    char id[32];
    snprintf(id, sizeof id, "unit-%08ld", number);
    sqlite3_bind_int64(unit, 1, number + 1);
    text(unit, 2, id);
    step(unit);
    sqlite3_bind_int64(state, 1, number + 1);
    step(state);
  }
  run("COMMIT");
  sqlite3_finalize(unit);
  sqlite3_finalize(state);
  insert_verdict = prepare(
      "INSERT INTO verdicts (product, id, run, unit, unit_key, subject_kind, subject_id,"
      " subject_hash, rubric_hash, model, score, at, body, chain)"
      " VALUES (1, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  update_unit = prepare("UPDATE unit_states SET state = 2, skip_reason = 0, failure = NULL,"
                        " verdict = ?, tries = 1, batch = '7' WHERE unit = ?");
  insert_event = prepare("INSERT INTO events VALUES (1, ?, ?, ?, ?)");
  insert_commit = prepare("INSERT INTO commits VALUES (1, ?, ?, ?3, ?3, ?)");
  update_run = prepare("UPDATE runs SET last_seq = ?1, succeeded = ?1 WHERE key = 1");
  begin = prepare("BEGIN IMMEDIATE");
  commit = prepare("COMMIT");
}

int main(int count, char **arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: %s FILE COMMITS GROUP\n", arguments[0]);
    return 2;
  }
  long commits = atol(arguments[2]), group = atol(arguments[3]);
  enum { singles = 200 };
  if (commits < 1 || group < 1) return 2;
  open_database(arguments[1], commits + singles);
  double start = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
  for (long number = 0; number < commits; number += group) {
    write_group(number, number + group < commits ? number + group : commits);
  }
  double rate = commits / (seconds(CLOCK_MONOTONIC) - start);
  cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
  double took[singles];
  for (int single = 0; single < singles; single++) {
    double before = seconds(CLOCK_MONOTONIC);
    write_group(commits + single, commits + single + 1);
    took[single] = seconds(CLOCK_MONOTONIC) - before;
  }
  qsort(took, singles, sizeof took[0], compare);
  printf("{\"verdicts_per_s\":%.0f,\"cpu_us_per_commit\":%.2f,\"single_commit_p50_us\":%.1f,"
         "\"sqlite\":\"%s\"}\n",
         rate, cpu * 1e6 / commits, took[singles / 2] * 1e6, sqlite3_libversion());
  return 0;
}
