import type { Listener, ListenOptions, Peer, Route, StreamHandler, UnaryHandler } from '../../transport/rpc.ts';
import { ServedCall } from '../../transport/served-call.ts';
import { RpcError } from '../../transport/status.ts';
import type { FarEnd } from './client-stream.ts';
import type { OpenFrame, ServerFrame } from './frames.ts';
import type { Link } from './link.ts';
import { MemoryServerStream } from './server-stream.ts';

/** The server's side of one connection. */
export interface Session {
  readonly link: Link;
  readonly peer: Peer;
  /** Tells the client that the server takes no new calls. */
  goAway(): void;
}

type ServerCall = MemoryServerStream<unknown, unknown>;

/** A bound address and its server. */
export class MemoryListener implements Listener {
  readonly address: string;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #maxMessageBytes: number;
  readonly #authorize: ListenOptions['authorize'];
  readonly #onClosed: ListenOptions['onClosed'];
  readonly #unbind: () => void;
  readonly #sessions = new Map<Session, Set<ServerCall>>();
  #draining = false;
  #whenIdle: (() => void)[] = [];

  constructor(address: string, options: ListenOptions, unbind: () => void) {
    this.address = address;
    this.#routes = new Map(options.routes.map((route) => [route.method.path, route]));
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#authorize = options.authorize;
    this.#onClosed = options.onClosed;
    this.#unbind = unbind;
  }

  accept(session: Session): void {
    this.#sessions.set(session, new Set());
    session.link.onCut(() => this.#lose(session));
  }

  /** Serves the call that a frame opens. Returns the end that gets the call's further frames. */
  serve(session: Session, open: OpenFrame, caller: FarEnd<ServerFrame>): ServerCall {
    const route = this.#routes.get(open.path);
    const formats = {
      incoming: { path: open.path, codec: route?.method.request ?? noCodec, maxMessageBytes: this.#maxMessageBytes },
      outgoing: { path: open.path, codec: route?.method.response ?? noCodec, maxMessageBytes: this.#maxMessageBytes },
    };
    const stream: ServerCall = new MemoryServerStream(formats, caller);
    this.#track(session, stream);
    if (this.#draining) stream.fail(new RpcError('UNAVAILABLE', `${this.address} takes no new calls`));
    else if (!route) stream.fail(new RpcError('UNIMPLEMENTED', `${this.address} does not implement ${open.path}`));
    else this.#run(session, open, stream, route);
    return stream;
  }

  /** Certificates are not simulated. */
  renewTls(): void {}

  drain(): Promise<void> {
    this.#draining = true;
    this.#unbind();
    for (const session of this.#sessions.keys()) session.goAway();
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
      this.#wakeWhenIdle();
    });
  }

  close(): void {
    this.#draining = true;
    this.#unbind();
    for (const session of [...this.#sessions.keys()]) {
      session.link.cut();
      this.#lose(session);
    }
  }

  #run(session: Session, open: OpenFrame, stream: ServerCall, route: Route): void {
    const handler = streamHandlerOf(route);
    const { metadata, timeoutMs } = open;
    const served = new ServedCall({ metadata, peer: session.peer, timeoutMs, signal: stream.lost });
    if (timeoutMs !== undefined) {
      const deadline = session.link.scheduler.setTimer(timeoutMs, () => {
        stream.fail(new RpcError('DEADLINE_EXCEEDED', `${open.path} took longer than ${timeoutMs} ms`));
      });
      stream.over.addEventListener('abort', () => deadline.cancel(), { once: true });
    }
    const run = async (): Promise<void> => {
      try {
        if (!route.isForAnybody) this.#authorize?.(served);
        await handler(stream, served);
        stream.conclude(served.succeeded());
      } catch (error) {
        stream.conclude(served.failed(error));
      }
    };
    void run();
  }

  #track(session: Session, stream: ServerCall): void {
    const calls = this.#sessions.get(session);
    calls?.add(stream);
    const forget = (): void => {
      calls?.delete(stream);
      this.#wakeWhenIdle();
    };
    stream.over.addEventListener('abort', forget, { once: true });
  }

  #lose(session: Session): void {
    const calls = this.#sessions.get(session) ?? [];
    if (this.#sessions.delete(session)) this.#onClosed?.(session.peer.address);
    for (const call of calls)
      call.lose(new RpcError('CANCELLED', `the connection of ${session.peer.address} was lost`));
    this.#wakeWhenIdle();
  }

  #wakeWhenIdle(): void {
    const idle = [...this.#sessions.values()].every((calls) => calls.size === 0);
    if (idle) for (const wake of this.#whenIdle.splice(0)) wake();
  }
}

/** For a call that fails before a message is read. */
const noCodec = { encode: () => new Uint8Array(), decode: () => undefined };

/** A unary method as a stream of one message each way, which it is on the wire. */
function streamHandlerOf(route: Route): StreamHandler<unknown, unknown> {
  if (route.kind === 'stream') return route.handler as StreamHandler<unknown, unknown>;
  const handler = route.handler as unknown as UnaryHandler<unknown, unknown>;
  return async (stream, call) => {
    for await (const request of stream) {
      stream.write(await handler(request, call));
      return;
    }
    throw new RpcError('UNIMPLEMENTED', `${route.method.path} needs a request message`);
  };
}
