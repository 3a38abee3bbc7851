import { rowBytes } from '../retention.ts';

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
 * Deliveries in flight, separate from ended attempts, and an expiry for every subscription. Earlier versions counted every delivery, also
 * requeued ones, so their counts are dropped.
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

/** One row, or none while the disk is full: it reserves space for data that is more urgent than messages. */
const filler = `
CREATE TABLE filler (
  bytes BLOB NOT NULL
) STRICT;
`;

/**
 * The topic index, by which a subscription that is behind finds its messages without reading envelopes. Its entries are in the order of the
 * log, so inserts and deletes cost little. Messages of earlier versions have their topic only in the envelope.
 */
const messageTopics = `
ALTER TABLE message ADD COLUMN topic TEXT;
CREATE INDEX message_topic ON message (position, topic);
`;

/** The size of these tables' rows, by the row's name in a trigger or the table's in a query. */
const keyBytes = (row: string): string =>
  ['instance_id', 'topic', 'key', 'message_id'].map((column) => `octet_length(${row}.${column})`).join(' + ');
const stateBytes = (row: string): string => `octet_length(${row}.instance_id) + length(${row}.state)`;
const subscriptionBytes = (row: string): string =>
  ['instance_id', 'name', 'pattern'].map((column) => `octet_length(${row}.${column})`).join(' + ');

/**
 * Counts stored data other than messages, which has the same limit: dedup keys, of which each instance has a share, states, and the names
 * of subscriptions.
 */
const otherBytes = `
ALTER TABLE log ADD COLUMN other_bytes INTEGER NOT NULL DEFAULT 0;
CREATE TABLE dedup_bytes (
  instance_id TEXT PRIMARY KEY,
  bytes       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO dedup_bytes SELECT instance_id, sum(${keyBytes('dedup_key')}) FROM dedup_key GROUP BY instance_id;
UPDATE log SET other_bytes = coalesce((SELECT sum(bytes) FROM dedup_bytes), 0)
  + coalesce((SELECT sum(${stateBytes('state')}) FROM state), 0)
  + coalesce((SELECT sum(${subscriptionBytes('subscription')}) FROM subscription), 0);

CREATE TRIGGER dedup_key_added AFTER INSERT ON dedup_key BEGIN
  UPDATE log SET other_bytes = other_bytes + ${keyBytes('new')};
  INSERT INTO dedup_bytes VALUES (new.instance_id, 0) ON CONFLICT DO NOTHING;
  UPDATE dedup_bytes SET bytes = bytes + ${keyBytes('new')} WHERE instance_id = new.instance_id;
END;
CREATE TRIGGER dedup_key_dropped AFTER DELETE ON dedup_key BEGIN
  UPDATE log SET other_bytes = other_bytes - (${keyBytes('old')});
  UPDATE dedup_bytes SET bytes = bytes - (${keyBytes('old')}) WHERE instance_id = old.instance_id;
END;
CREATE TRIGGER state_added AFTER INSERT ON state BEGIN
  UPDATE log SET other_bytes = other_bytes + ${stateBytes('new')};
END;
CREATE TRIGGER state_changed AFTER UPDATE OF state ON state BEGIN
  UPDATE log SET other_bytes = other_bytes - (${stateBytes('old')}) + ${stateBytes('new')};
END;
CREATE TRIGGER subscription_added AFTER INSERT ON subscription BEGIN
  UPDATE log SET other_bytes = other_bytes + ${subscriptionBytes('new')};
END;
CREATE TRIGGER subscription_dropped AFTER DELETE ON subscription BEGIN
  UPDATE log SET other_bytes = other_bytes - (${subscriptionBytes('old')});
END;
`;

const pendingBytes = (_row: string): string => `${rowBytes.delivery}`;
const sequenceBytes = (row: string): string =>
  `octet_length(${row}.instance_id) + octet_length(${row}.message_id) + ${rowBytes.publish}`;
const instanceBytes = (row: string): string => `octet_length(${row}.instance_id) + ${rowBytes.instance}`;
const epochBytes = (row: string): string =>
  `octet_length(${row}.instance_id) + octet_length(${row}.principal) + ${rowBytes.epoch}`;
const decisionBytes = (row: string): string =>
  `${['instance_id', 'action', 'pattern', 'verdict', 'decided_by'].map((column) => `octet_length(${row}.${column})`).join(' + ')} + ${rowBytes.decision}`;

/** Starts to count the rows of one more table as stored data other than messages. */
const counted = (table: string, bytes: (row: string) => string): string => `
UPDATE log SET other_bytes = other_bytes + coalesce((SELECT sum(${bytes(table)}) FROM ${table}), 0);
CREATE TRIGGER ${table}_counted AFTER INSERT ON ${table} BEGIN
  UPDATE log SET other_bytes = other_bytes + ${bytes('new')};
END;
CREATE TRIGGER ${table}_no_longer_counted AFTER DELETE ON ${table} BEGIN
  UPDATE log SET other_bytes = other_bytes - (${bytes('old')});
END;
`;

/** Counts every table, and also the states of all instances of one principal together, which have a share. */
const everythingCounted = `
${counted('pending', pendingBytes)}
${counted('stored_sequence', sequenceBytes)}
${counted('instance', instanceBytes)}
${counted('epoch', epochBytes)}
${counted('grant_decision', decisionBytes)}
ALTER TABLE state ADD COLUMN principal TEXT NOT NULL DEFAULT '';
UPDATE state SET principal = coalesce(
  (SELECT principal FROM epoch WHERE epoch.instance_id = state.instance_id AND phase = 'active'), '');
CREATE TABLE state_bytes (
  principal TEXT PRIMARY KEY,
  bytes     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO state_bytes SELECT principal, sum(${stateBytes('state')}) FROM state GROUP BY principal;
CREATE TRIGGER state_added_to_share AFTER INSERT ON state BEGIN
  INSERT INTO state_bytes VALUES (new.principal, 0) ON CONFLICT DO NOTHING;
  UPDATE state_bytes SET bytes = bytes + ${stateBytes('new')} WHERE principal = new.principal;
END;
CREATE TRIGGER state_changed_in_share AFTER UPDATE OF state, principal ON state BEGIN
  UPDATE state_bytes SET bytes = bytes - (${stateBytes('old')}) WHERE principal = old.principal;
  INSERT INTO state_bytes VALUES (new.principal, 0) ON CONFLICT DO NOTHING;
  UPDATE state_bytes SET bytes = bytes + ${stateBytes('new')} WHERE principal = new.principal;
END;
`;

/** Whether an epoch ever owned the instance id; of those of earlier versions nobody knows, so they count as if. */
const activatedInstances = `
ALTER TABLE instance ADD COLUMN activated INTEGER NOT NULL DEFAULT 1;
`;

/** The member of a group to which a delivery went. */
const groupMembers = `
ALTER TABLE pending ADD COLUMN member TEXT;
`;

/**
 * The steps from each schema version to the next. A file stores its version. A new file takes every step, an older one those that it lacks.
 * A released step is never changed, only followed by another.
 */
export const schemaSteps: readonly string[] = [
  firstTables,
  grantDecisions,
  epochPrincipals,
  deliveriesUnderWay,
  checksums,
  messageTopics,
  otherBytes,
  filler,
  everythingCounted,
  activatedInstances,
  groupMembers,
];
