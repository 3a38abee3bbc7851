import type { Socket } from 'node:net';
import type { Listener, ListenOptions } from '../../rpc.ts';
import { serverContext } from '../../tls/tls-context.ts';
import { Deadlines } from '../deadlines.ts';
import { nowMs, tendEveryMs } from '../machine-clock.ts';
import { addressOf } from '../peer-address.ts';
import { ReceiveBudget } from '../receive-budget.ts';
import { openAcceptor } from './acceptor.ts';
import { type Admission, Connections } from './connections.ts';
import { ServedConnection, type ServerParts } from './served-connection.ts';

/** Binds the address and serves the routes on it. */
export async function listen(address: string, options: ListenOptions): Promise<Listener> {
  const { tls, onRefused, connectionLimits } = options;
  const served = new Set<ServedConnection>();
  const parts: ServerParts = {
    ...options,
    routes: new Map(options.routes.map((route) => [route.method.path, route])),
    connections: new Connections(options),
    budget: new ReceiveBudget(connectionLimits?.heldBytes ?? Number.POSITIVE_INFINITY),
    deadlines: new Deadlines(nowMs),
    served,
    openCalls: 0,
  };
  /** By address, since TLS hands over another object than the socket that came in. */
  const admissions = new Map<string, Admission>();
  let isDraining = false;
  const acceptor = await openAcceptor(address, {
    context: tls && serverContext(tls),
    onSocket(socket) {
      const admission = parts.connections.accept(socket);
      admissions.set(admission.address, admission);
      socket.once('close', () => {
        if (admissions.get(admission.address) === admission) admissions.delete(admission.address);
      });
    },
    onConnection(socket: Socket) {
      const admission = admissions.get(addressOf(socket));
      if (!admission || socket.destroyed) return void socket.destroy();
      const connection = new ServedConnection(socket, admission, parts, () => served.delete(connection));
      served.add(connection);
      if (isDraining) connection.drain();
    },
    onHandshakeFailed: (peer, reason) => onRefused?.({ address: peer, reason: `no TLS handshake: ${reason}` }),
  });
  const tending = setInterval(() => {
    for (const connection of served) connection.tend();
  }, tendEveryMs).unref();
  return {
    address: acceptor.address,
    renewTls: (renewed) => acceptor.renew(serverContext(renewed)),
    async drain() {
      isDraining = true;
      acceptor.shut();
      for (const connection of served) connection.drain();
      await acceptor.empty();
      clearInterval(tending);
    },
    close() {
      clearInterval(tending);
      acceptor.shut();
      for (const connection of served) connection.destroy();
      acceptor.dropAll();
    },
  };
}
