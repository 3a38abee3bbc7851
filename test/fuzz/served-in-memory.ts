import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Deadlines } from '../../src/transport/grpc/deadlines.ts';
import { ReceiveBudget } from '../../src/transport/grpc/receive-budget.ts';
import { Connections } from '../../src/transport/grpc/server/connections.ts';
import { ServedConnection, type ServerParts } from '../../src/transport/grpc/server/served-connection.ts';
import type { Route } from '../../src/transport/rpc.ts';
import { MemorySocket } from './memory-socket.ts';

interface Served {
  readonly socket: MemorySocket;
  /** Closes the connection. @throws Error if something of it is left */
  readonly end: () => Promise<void>;
}

/** A listener's one connection, without a socket of the machine. */
export function servedInMemory(
  routes: readonly Route[],
  { maxMessageBytes, heldBytes }: { readonly maxMessageBytes: number; readonly heldBytes: number },
): Served {
  const socket = new MemorySocket();
  const budget = new ReceiveBudget(heldBytes);
  const parts: ServerParts = {
    routes: new Map(routes.map((route) => [route.method.path, route])),
    maxMessageBytes,
    connections: new Connections({}),
    budget,
    deadlines: new Deadlines(() => performance.now()),
    served: new Set(),
    openCalls: 0,
  };
  const admission = parts.connections.accept(socket.asSocket);
  const connection = new ServedConnection(socket.asSocket, admission, parts, () => {});
  return {
    socket,
    async end() {
      connection.destroy();
      socket.destroy();
      await nextTurn();
      assert.equal(parts.openCalls, 0, 'a call is open on a connection that is closed');
      assert.equal(budget.heldBytes, 0, 'a connection that is closed holds bytes');
    },
  };
}
