import { busMethods } from '../../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import {
  type ClientStream,
  type Connection,
  type Listener,
  type Route,
  type RpcStream,
  type StreamMethod,
  serveStream,
  serveUnary,
  type UnaryMethod,
} from '../../../src/transport/rpc.ts';
import { RpcError } from '../../../src/transport/status.ts';
import { ownLoopback } from '../own-loopback.ts';

const maxMessageBytes = 4 * 1_024 * 1_024;
type UnaryName = 'register' | 'activate' | 'saveState' | 'loadState' | 'deregister';
const unaryNames: readonly UnaryName[] = ['register', 'activate', 'saveState', 'loadState', 'deregister'];

/** A gRPC proxy before a real bus, which can answer calls by itself. */
export class BusProxy {
  readonly #upstream: Connection;
  readonly #failures = new Map<UnaryName, number>();
  readonly #sessions = new Set<ClientStream<unknown, unknown>>();
  #listener: Listener | undefined;

  private constructor(upstream: Connection) {
    this.#upstream = upstream;
  }

  static async to(bus: string): Promise<BusProxy> {
    const proxy = new BusProxy(await grpcNetwork.connect(bus, { timeoutMs: 10_000, maxMessageBytes }));
    const routes = [
      ...unaryNames.map((name) => proxy.#unary(name, busMethods[name] as UnaryMethod<unknown, unknown>)),
      proxy.#stream(busMethods.session as StreamMethod<unknown, unknown>),
    ];
    proxy.#listener = await grpcNetwork.listen(`${ownLoopback}:0`, { routes, maxMessageBytes });
    return proxy;
  }

  get address(): string {
    if (!this.#listener) throw new Error('the proxy does not listen yet');
    return this.#listener.address;
  }

  /** The next so many calls of the method are answered with INTERNAL and do not reach the bus. */
  fail(name: UnaryName, times: number): void {
    this.#failures.set(name, times);
  }

  /** Ends every session, as a proxy does that is configured anew. */
  endSessions(): void {
    for (const session of this.#sessions) session.cancel();
  }

  close(): void {
    this.#listener?.close();
    this.#upstream.close();
  }

  #unary(name: UnaryName, method: UnaryMethod<unknown, unknown>): Route {
    return serveUnary(method, async (request) => {
      const left = this.#failures.get(name) ?? 0;
      this.#failures.set(name, left - 1);
      if (left > 0) throw new RpcError('INTERNAL', `the proxy fails ${name}`);
      return this.#upstream.unary(method, request);
    });
  }

  #stream(method: StreamMethod<unknown, unknown>): Route {
    return serveStream(method, async (near: RpcStream<unknown, unknown>, { signal }) => {
      const far = this.#upstream.stream(method);
      signal.addEventListener('abort', () => far.cancel(), { once: true });
      void (async () => {
        for await (const message of near) far.write(message);
        far.end();
      })().catch(() => far.cancel());
      this.#sessions.add(far);
      try {
        for await (const message of far) near.write(message);
      } finally {
        this.#sessions.delete(far);
      }
    });
  }
}
