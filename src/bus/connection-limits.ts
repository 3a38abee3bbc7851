import type { ConnectionLimits } from '../transport/rpc.ts';

const MiB = 1024 * 1024;

/** The limits of concurrent callers. docs/bus.md has a row for each. */
export const connectionLimits: ConnectionLimits = {
  connections: 1_024,
  unprovenConnections: 64,
  connectionsPerPrincipal: 512,
  callsPerConnection: 64,
  calls: 4_096,
  heldBytes: 32 * MiB,
};

/** States of up to 1 MiB. What waits for its caller counts among `heldBytes`; what the store is asked for does not. */
export const stateReadsAtOnce = 8;
