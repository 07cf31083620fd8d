#define _GNU_SOURCE
// The least work that keeps verdicts in SQLite: what store.rows_vs_bare and
// store.commit_p50_vs_bare are measured against.
//
//   cc -O2 -o sqlite_commits sqlite_commits.c -lsqlite3
//   sqlite_commits FILE RUNS COMMITS SINGLES
//
// Each commit is one verdict, one unit's new state, one event and one commit id, and what changes
// in its run's row. First RUNS runs make COMMITS commits each, turn about, one of each run in one
// transaction; then one more run makes SINGLES commits, each in a transaction of its own. Tables,
// indexes, triggers and pragmas are those of the store's writer, and rows and names those of
// LoadPeer's commits, so that both write the same pages. Nothing is checked, nothing is answered.
// Prints one JSON line: verdicts and CPU per commit of the first part, the median of the second.
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *schema =
    "CREATE TABLE products (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE"
    "  CHECK (length(name) BETWEEN 1 AND 63)) STRICT;"
    "CREATE TABLE runs (key INTEGER PRIMARY KEY,"
    "  product INTEGER NOT NULL REFERENCES products (key), id TEXT NOT NULL CHECK (id <> ''),"
    "  workload TEXT NOT NULL, spec_hash TEXT NOT NULL CHECK (spec_hash <> ''),"
    "  idempotency_key TEXT CHECK (idempotency_key <> ''), options BLOB NOT NULL,"
    "  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 11), reason TEXT NOT NULL,"
    "  requested INTEGER NOT NULL CHECK (requested BETWEEN 0 AND 4),"
    "  generation INTEGER NOT NULL CHECK (generation >= 0),"
    "  last_seq INTEGER NOT NULL CHECK (last_seq >= 0), planned INTEGER NOT NULL,"
    "  succeeded INTEGER NOT NULL CHECK (succeeded >= 0),"
    "  failed INTEGER NOT NULL CHECK (failed >= 0),"
    "  undetermined INTEGER NOT NULL CHECK (undetermined >= 0),"
    "  skipped INTEGER NOT NULL CHECK (skipped >= 0), attempts INTEGER NOT NULL,"
    "  lost_attempts INTEGER NOT NULL CHECK (lost_attempts BETWEEN 0 AND attempts),"
    "  cost_nanos INTEGER NOT NULL CHECK (cost_nanos >= 0),"
    "  input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),"
    "  output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),"
    "  chain BLOB NOT NULL CHECK (length(chain) = 16), UNIQUE (product, id),"
    "  CHECK (succeeded + failed + undetermined + skipped <= planned),"
    "  CHECK (state <> 7 OR succeeded + failed + undetermined + skipped = planned)) STRICT;"
    "CREATE UNIQUE INDEX runs_by_idempotency_key ON runs (product, idempotency_key)"
    "  WHERE idempotency_key IS NOT NULL;"
    "CREATE INDEX runs_by_age ON runs (product, key);"
    "CREATE INDEX runs_wanting_owner ON runs (key)"
    "  WHERE requested <> 0 OR state IN (1, 2, 4, 6);"
    "CREATE TABLE units (key INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (key),"
    "  ordinal INTEGER NOT NULL CHECK (ordinal >= 0), id TEXT NOT NULL CHECK (id <> ''),"
    "  stage INTEGER NOT NULL CHECK (stage >= 0), unit_key TEXT NOT NULL, subject_kind TEXT,"
    "  subject_id TEXT, subject_hash TEXT, rubric_hash TEXT NOT NULL, batch_group TEXT NOT NULL,"
    "  payload BLOB NOT NULL, UNIQUE (run, id), UNIQUE (run, ordinal),"
    "  CHECK ((subject_kind IS NULL) = (subject_id IS NULL))) STRICT;"
    "CREATE TABLE unit_states (unit INTEGER PRIMARY KEY REFERENCES units (key),"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),"
    "  skip_reason INTEGER NOT NULL CHECK (skip_reason BETWEEN 0 AND 6),"
    "  failure BLOB, verdict INTEGER REFERENCES verdicts (key),"
    "  tries INTEGER NOT NULL CHECK (tries >= 0), batch TEXT NOT NULL,"
    "  CHECK (state <> 2 OR verdict IS NOT NULL),"
    "  CHECK (state <> 3 OR (failure IS NOT NULL AND verdict IS NULL)),"
    "  CHECK ((state = 5) = (skip_reason <> 0)),"
    "  CHECK ((skip_reason = 1) = (state = 5 AND verdict IS NOT NULL))) STRICT;"
    "CREATE TABLE verdicts (key INTEGER PRIMARY KEY,"
    "  product INTEGER NOT NULL REFERENCES products (key), id TEXT NOT NULL CHECK (id <> ''),"
    "  run INTEGER NOT NULL REFERENCES runs (key), seq INTEGER NOT NULL CHECK (seq >= 1),"
    "  unit INTEGER NOT NULL REFERENCES units (key), unit_key TEXT, subject_kind TEXT,"
    "  subject_id TEXT, subject_hash TEXT,"
    "  rubric_hash TEXT NOT NULL, model TEXT NOT NULL, score REAL, at INTEGER NOT NULL,"
    "  body BLOB NOT NULL, chain BLOB NOT NULL CHECK (length(chain) = 16), UNIQUE (product, id),"
    "  CHECK ((subject_kind IS NULL) = (subject_id IS NULL))) STRICT;"
    "CREATE INDEX verdicts_by_unit_key ON verdicts (product, unit_key)"
    "  WHERE unit_key IS NOT NULL;"
    "CREATE INDEX verdicts_by_subject ON verdicts (product, subject_kind, subject_id)"
    "  WHERE subject_kind IS NOT NULL;"
    "CREATE INDEX verdicts_by_score ON verdicts (product, subject_kind, score);"
    "CREATE TRIGGER verdicts_are_never_changed BEFORE UPDATE ON verdicts"
    "  BEGIN SELECT RAISE (ABORT, 'verdicts are append-only'); END;"
    "CREATE TRIGGER verdicts_are_never_deleted BEFORE DELETE ON verdicts"
    "  BEGIN SELECT RAISE (ABORT, 'verdicts are append-only'); END;"
    "CREATE TABLE events (run INTEGER NOT NULL REFERENCES runs (key),"
    "  seq INTEGER NOT NULL CHECK (seq >= 1), at INTEGER NOT NULL, body BLOB NOT NULL,"
    "  verdict INTEGER REFERENCES verdicts (key), PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE commits (product INTEGER NOT NULL REFERENCES products (key),"
    "  id TEXT NOT NULL CHECK (id <> ''), digest BLOB NOT NULL CHECK (length(digest) = 32),"
    "  first_seq INTEGER NOT NULL CHECK (first_seq >= 1),"
    "  last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq), at INTEGER NOT NULL,"
    "  PRIMARY KEY (product, id)) STRICT, WITHOUT ROWID;"
    "INSERT INTO products VALUES (1, 'default');";

static const sqlite3_int64 some_time = 1700000000000000;
static sqlite3 *db;
static sqlite3_stmt *insert_verdict, *update_unit, *insert_event, *insert_commit, *update_run;
static sqlite3_stmt *begin, *commit;

// A run: its units have neighbouring keys, its number is its key less one.
struct run {
  char id[32];
  long first_unit, commits;
};

static void check(int code, int wanted) {
  if (code == wanted) return;
  fprintf(stderr, "sqlite: %d %s\n", code, sqlite3_errmsg(db));
  exit(1);
}

static void execute(const char *sql) { check(sqlite3_exec(db, sql, 0, 0, 0), SQLITE_OK); }

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

static void text(sqlite3_stmt *statement, int index, const char *value) {
  sqlite3_bind_text(statement, index, value, -1, SQLITE_STATIC);
}

// A digest of a run's commit: 32 bytes that are never the same.
static const uint8_t *digest(long run, long number) {
  static uint64_t words[4];
  uint64_t state = (uint64_t)run << 32 | (uint64_t)number;
  for (int at = 0; at < 4; at++) {
    uint64_t mixed = state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    words[at] = mixed ^ (mixed >> 27);
  }
  return (const uint8_t *)words;
}

static void write_commit(struct run *runs, long run) {
  static const char body[78] = {1}, event[8] = {2};
  struct run *of = &runs[run];
  long number = of->commits++;
  sqlite3_int64 seq = number + 5, at = some_time + number;
  const uint8_t *sum = digest(run, number);
  char verdict_id[64], commit_id[64], unit_key[64], subject[32], hash[32];
  snprintf(verdict_id, sizeof verdict_id, "%s/v%ld", of->id, number);
  snprintf(commit_id, sizeof commit_id, "%s/%ld", of->id, number);
  snprintf(unit_key, sizeof unit_key, "%s/%ld", of->id, number);
  snprintf(subject, sizeof subject, "s%ld", number);
  snprintf(hash, sizeof hash, "h%ld", number);
  text(insert_commit, 1, commit_id);
  sqlite3_bind_blob(insert_commit, 2, sum, 32, SQLITE_STATIC);
  sqlite3_bind_int64(insert_commit, 3, seq);
  sqlite3_bind_int64(insert_commit, 4, at);
  step(insert_commit);
  text(insert_verdict, 1, verdict_id);
  sqlite3_bind_int64(insert_verdict, 2, run + 1);
  sqlite3_bind_int64(insert_verdict, 3, seq);
  sqlite3_bind_int64(insert_verdict, 4, of->first_unit + number);
  text(insert_verdict, 5, unit_key);
  text(insert_verdict, 6, subject);
  text(insert_verdict, 7, hash);
  sqlite3_bind_double(insert_verdict, 8, number * 7919 % 1000 / 10.0);
  sqlite3_bind_int64(insert_verdict, 9, at);
  sqlite3_bind_blob(insert_verdict, 10, body, sizeof body, SQLITE_STATIC);
  sqlite3_bind_blob(insert_verdict, 11, sum, 16, SQLITE_STATIC);
  step(insert_verdict);
  sqlite3_int64 key = sqlite3_last_insert_rowid(db);
  sqlite3_bind_int64(update_unit, 1, key);
  sqlite3_bind_int64(update_unit, 2, of->first_unit + number);
  step(update_unit);
  sqlite3_bind_int64(insert_event, 1, run + 1);
  sqlite3_bind_int64(insert_event, 2, seq);
  sqlite3_bind_int64(insert_event, 3, at);
  sqlite3_bind_blob(insert_event, 4, event, sizeof event, SQLITE_STATIC);
  sqlite3_bind_int64(insert_event, 5, key);
  step(insert_event);
  sqlite3_bind_int64(update_run, 1, at);
  sqlite3_bind_int64(update_run, 2, seq);
  sqlite3_bind_int64(update_run, 3, number + 1);
  sqlite3_bind_blob(update_run, 4, sum, 16, SQLITE_STATIC);
  sqlite3_bind_int64(update_run, 5, run + 1);
  step(update_run);
}

// One commit of each of the runs.
static void write_group(struct run *runs, long first, long end) {
  step(begin);
  for (long run = first; run < end; run++) write_commit(runs, run);
  step(commit);
}

static int compare(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static void plan_run(struct run *runs, long run, long units) {
  static long next_unit = 1;
  sqlite3_stmt *row = prepare(
      "INSERT INTO runs VALUES (?1, 1, ?2, 'load', ?2, NULL, x'', ?3, ?3, 4, '', 0, 0, 4, ?4,"
      " 0, 0, 0, 0, 0, 0, 0, 0, 0, zeroblob(16))");
  sqlite3_stmt *event = prepare("INSERT INTO events VALUES (?1, ?2, ?3, zeroblob(6), NULL)");
  sqlite3_stmt *unit = prepare(
      "INSERT INTO units VALUES (?1, ?2, ?3, 'u' || ?3, 0, ?4 || '/' || ?3, 'load', 's' || ?3,"
      " 'h' || ?3, 'rubric', '', x'01020304')");
  sqlite3_stmt *state = prepare("INSERT INTO unit_states VALUES (?1, 1, 0, NULL, NULL, 0, '')");
  struct run *made = &runs[run];
  snprintf(made->id, sizeof made->id, "c%lld-%ld", (long long)some_time / 100, run);
  made->first_unit = next_unit;
  made->commits = 0;
  step(begin);
  sqlite3_bind_int64(row, 1, run + 1);
  text(row, 2, made->id);
  sqlite3_bind_int64(row, 3, some_time);
  sqlite3_bind_int64(row, 4, units);
  step(row);
  for (int seq = 1; seq < 5; seq++) {
    sqlite3_bind_int64(event, 1, run + 1);
    sqlite3_bind_int64(event, 2, seq);
    sqlite3_bind_int64(event, 3, some_time);
    step(event);
  }
  for (long number = 0; number < units; number++, next_unit++) {
    sqlite3_bind_int64(unit, 1, next_unit);
    sqlite3_bind_int64(unit, 2, run + 1);
    sqlite3_bind_int64(unit, 3, number);
    text(unit, 4, made->id);
    step(unit);
    sqlite3_bind_int64(state, 1, next_unit);
    step(state);
  }
  step(commit);
  sqlite3_finalize(row);
  sqlite3_finalize(event);
  sqlite3_finalize(unit);
  sqlite3_finalize(state);
}

static void open_database(const char *path) {
  remove(path);
  check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
      SQLITE_OPEN_NOMUTEX, 0), SQLITE_OK);
  execute("PRAGMA mmap_size = 0; PRAGMA cache_size = 8000; PRAGMA temp_store = MEMORY;"
          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
          "PRAGMA wal_autocheckpoint = 4000;");
  execute(schema);
  insert_verdict = prepare(
      "INSERT INTO verdicts (product, id, run, seq, unit, unit_key, subject_kind, subject_id,"
      " subject_hash, rubric_hash, model, score, at, body, chain)"
      " VALUES (1, ?, ?, ?, ?, ?, 'load', ?, ?, 'rubric', 'm', ?, ?, ?, ?)");
  update_unit = prepare("UPDATE unit_states SET state = 2, skip_reason = 0, failure = NULL,"
                        " verdict = ?, tries = 0, batch = '' WHERE unit = ?");
  insert_event = prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?)");
  insert_commit = prepare("INSERT INTO commits VALUES (1, ?, ?, ?3, ?3, ?)");
  update_run = prepare("UPDATE runs SET updated_at = ?, last_seq = ?, succeeded = ?, chain = ?"
                       " WHERE key = ?");
  begin = prepare("BEGIN IMMEDIATE");
  commit = prepare("COMMIT");
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: %s FILE RUNS COMMITS SINGLES\n", arguments[0]);
    return 2;
  }
  long many = atol(arguments[2]), each = atol(arguments[3]), singles = atol(arguments[4]);
  if (many < 1 || each < 1 || singles < 1) return 2;
  struct run *runs = calloc(many + 1, sizeof *runs);
  double *took = calloc(singles, sizeof *took);
  if (!runs || !took) return 1;
  open_database(arguments[1]);
  for (long run = 0; run < many; run++) plan_run(runs, run, each);
  double start = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
  for (long turn = 0; turn < each; turn++) write_group(runs, 0, many);
  double rate = many * each / (seconds(CLOCK_MONOTONIC) - start);
  cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
  plan_run(runs, many, singles);
  for (long single = 0; single < singles; single++) {
    double before = seconds(CLOCK_MONOTONIC);
    write_group(runs, many, many + 1);
    took[single] = seconds(CLOCK_MONOTONIC) - before;
  }
  qsort(took, singles, sizeof took[0], compare);
  printf("{\"verdicts_per_s\":%.0f,\"cpu_us_per_commit\":%.2f,\"p50_us\":%.1f,"
         "\"sqlite\":\"%s\"}\n",
         rate, cpu * 1e6 / (many * each), took[singles / 2] * 1e6, sqlite3_libversion());
  return 0;
}
