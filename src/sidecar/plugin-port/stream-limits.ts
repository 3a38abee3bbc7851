import type { ConnectionLimits } from '../../transport/rpc.ts';

const KiB = 1024;

/** Limits of a stream that the plugin does not read. docs/contract.md has a row for each. */
export const streamLimits = {
  /** While more than this waits for the plugin to read, its requests wait, and nothing more is read from the stream. */
  unreadBytes: 256 * KiB,
  /** For waiting requests of one Serve stream; one that does not fit is answered as a handler error. */
  waitingRequestBytes: 1024 * KiB,
  /** More than this ends a Lifecycle stream. */
  unreadLifecycleBytes: 256 * KiB,
} as const;

/**
 * How many callers the plugin's port serves at once: a plugin needs one connection, and a call for each of its subscriptions.
 */
export const connectionLimits: ConnectionLimits = {
  connections: 64,
  unprovenConnections: 16,
  connectionsPerPrincipal: 48,
  callsPerConnection: 2_048,
  calls: 4_096,
  heldBytes: 16 * 1024 * KiB,
};
