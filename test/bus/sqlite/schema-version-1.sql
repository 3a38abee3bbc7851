-- A store as schema version 1 had it. It stands for files that are out there, so it never changes.
CREATE TABLE instance (
  instance_id TEXT PRIMARY KEY,
  last_epoch  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE epoch (
  instance_id   TEXT NOT NULL,
  epoch         INTEGER NOT NULL,
  started_at_ns INTEGER NOT NULL,
  phase         TEXT NOT NULL CHECK (phase IN ('reserved', 'active', 'draining')),
  PRIMARY KEY (instance_id, epoch)
) STRICT, WITHOUT ROWID;

-- One row: what stays true of the log when it is empty.
CREATE TABLE log (
  last_position INTEGER NOT NULL,
  bytes         INTEGER NOT NULL
) STRICT;

-- The envelope comes last, so that reading the other columns does not touch its pages.
CREATE TABLE message (
  position        INTEGER PRIMARY KEY,
  published_at_ns INTEGER NOT NULL,
  envelope        BLOB NOT NULL
) STRICT;

CREATE TABLE stored_sequence (
  instance_id TEXT NOT NULL,
  epoch       INTEGER NOT NULL,
  sequence    INTEGER NOT NULL,
  message_id  TEXT NOT NULL,
  PRIMARY KEY (instance_id, epoch, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE dedup_key (
  instance_id TEXT NOT NULL,
  topic       TEXT NOT NULL,
  key         TEXT NOT NULL,
  message_id  TEXT NOT NULL,
  seen_ms     INTEGER NOT NULL,
  PRIMARY KEY (instance_id, topic, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX dedup_key_by_age ON dedup_key (seen_ms);

CREATE TABLE subscription (
  id          INTEGER PRIMARY KEY,
  instance_id TEXT NOT NULL,
  name        TEXT NOT NULL,
  pattern     TEXT NOT NULL,
  scanned_to  INTEGER NOT NULL,
  UNIQUE (instance_id, name)
) STRICT;

CREATE TABLE pending (
  subscription_id INTEGER NOT NULL,
  position        INTEGER NOT NULL,
  attempts        INTEGER NOT NULL,
  PRIMARY KEY (subscription_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
  instance_id TEXT PRIMARY KEY,
  revision    INTEGER NOT NULL,
  state       BLOB NOT NULL
) STRICT;

PRAGMA application_id = 0x4d52444e;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;

INSERT INTO instance (instance_id, last_epoch) VALUES ('one', 7);
INSERT INTO epoch (instance_id, epoch, started_at_ns, phase) VALUES ('one', 7, 3, 'active');
INSERT INTO log (last_position, bytes) VALUES (100, 0);
INSERT INTO state (instance_id, revision, state) VALUES ('one', 4, x'0102');
