/// Version 4: which journal belongs to this file, and the last of its groups that the file holds.
enum SchemaOfJournal {
  static let sql = """
    CREATE TABLE journal (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      life BLOB NOT NULL CHECK (length(life) = 16),
      applied INTEGER NOT NULL CHECK (applied >= 0)
    ) STRICT;
    INSERT INTO journal VALUES (1, randomblob(16), 0);
    """
}
