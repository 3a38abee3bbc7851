const firstTables = `
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
`;

const grantDecisions = `
CREATE TABLE grant_decision (
  ordinal       INTEGER PRIMARY KEY,
  instance_id   TEXT NOT NULL,
  action        TEXT NOT NULL CHECK (action IN ('publish', 'subscribe')),
  pattern       TEXT NOT NULL,
  verdict       TEXT NOT NULL CHECK (verdict IN ('approved', 'revoked')),
  decided_by    TEXT NOT NULL,
  decided_at_ns INTEGER NOT NULL,
  UNIQUE (instance_id, action, pattern)
) STRICT;
`;

const epochPrincipals = `
ALTER TABLE epoch ADD COLUMN principal TEXT NOT NULL DEFAULT '';
`;

/**
 * Deliveries under way, told from attempts that are over, and an expiry of its own for every subscription. Earlier versions
 * counted every delivery, also those that were handed back, so their counts say nothing.
 */
const deliveriesUnderWay = `
ALTER TABLE pending ADD COLUMN delivered_by INTEGER;
UPDATE pending SET attempts = 0;
ALTER TABLE subscription ADD COLUMN idle_expiry_ms INTEGER;
`;

const checksums = `
ALTER TABLE message ADD COLUMN checksum INTEGER;
ALTER TABLE state ADD COLUMN checksum INTEGER;
`;

/**
 * What a subscription that is behind finds its messages by, without touching the envelopes. The index comes in the order of the log,
 * so that appending to it and dropping from it cost little. Messages of earlier versions have no topic outside their envelope.
 */
const messageTopics = `
ALTER TABLE message ADD COLUMN topic TEXT;
CREATE INDEX message_topic ON message (position, topic);
`;

/**
 * What makes each version of the schema out of the one before. A file says which version it has; a new one takes every
 * step, an older one those that it lacks. A step that a release has is never changed, only followed by another.
 */
export const schemaSteps: readonly string[] = [
  firstTables,
  grantDecisions,
  epochPrincipals,
  deliveriesUnderWay,
  checksums,
  messageTopics,
];
