import type { Connection } from '../../transport/rpc.ts';
import type { BusSession } from './bus-session.ts';

/**
 * How far this sidecar is with the bus. `close` ends everything that the stage has.
 *
 * - `disconnected`: it has nothing.
 * - `connected`: it has a connection, and no session.
 * - `reserved`: a session is open, and the bus has not activated this instance in it.
 * - `active`: the instance is activated in the session, so messages flow.
 */
export type BusStage = Disconnected | Connected | Reserved | Active;

interface Stage {
  readonly connection?: Connection;
  readonly session?: BusSession;
  close(): void;
}

interface Disconnected extends Stage {
  readonly name: 'disconnected';
}

interface Connected extends Stage {
  readonly name: 'connected';
  readonly connection: Connection;
}

interface Reserved extends Stage {
  readonly name: 'reserved';
  readonly connection: Connection;
  readonly session: BusSession;
}

interface Active extends Stage {
  readonly name: 'active';
  readonly connection: Connection;
  readonly session: BusSession;
  /** When it was activated, on the scheduler's monotonic clock. */
  readonly sinceMs: number;
}

export const disconnected: Disconnected = { name: 'disconnected', close() {} };

export function connected(connection: Connection): Connected {
  return { name: 'connected', connection, close: () => connection.close() };
}

export function reserved(connection: Connection, session: BusSession): Reserved {
  return { name: 'reserved', connection, session, close: () => closeBoth(connection, session) };
}

export function active({ connection, session }: Reserved, sinceMs: number): Active {
  return { name: 'active', connection, session, sinceMs, close: () => closeBoth(connection, session) };
}

function closeBoth(connection: Connection, session: BusSession): void {
  session.close();
  connection.close();
}
