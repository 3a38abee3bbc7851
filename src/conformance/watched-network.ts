import type { SidecarOptions } from '../sidecar/sidecar-parts.ts';
import type { Journal } from './journal.ts';

type Network = SidecarOptions['network'];
type Route = Parameters<Network['listen']>[1]['routes'][number];
type UnaryRoute = Extract<Route, { kind: 'unary' }>;
type StreamRoute = Extract<Route, { kind: 'stream' }>;
type Call = Parameters<UnaryRoute['handler']>[1];
type Stream = Parameters<StreamRoute['handler']>[0];

/** Whether to keep an answer from the plugin, as if the sidecar had died just before it. */
export type Withhold = (path: string, answer: unknown) => boolean;

/** The sidecar's network. It records in the journal all messages on the ports that the sidecar opens. */
export function watchedNetwork(network: Network, journal: Journal, withhold: Withhold): Network {
  let lastCall = 0;
  const watched = (route: Route): Route => {
    const watch = (): CallWatch => {
      lastCall += 1;
      return new CallWatch(journal, withhold, { call: lastCall, path: route.method.path });
    };
    return route.kind === 'unary' ? watchedUnary(route, watch) : watchedStream(route, watch);
  };
  return {
    connect: (address, options) => network.connect(address, options),
    listen: (address, options) => network.listen(address, { ...options, routes: options.routes.map(watched) }),
  };
}

/** Records the messages of one call. */
class CallWatch {
  readonly #journal: Journal;
  readonly #withhold: Withhold;
  readonly #call: { readonly call: number; readonly path: string };

  constructor(journal: Journal, withhold: Withhold, call: { call: number; path: string }) {
    this.#journal = journal;
    this.#withhold = withhold;
    this.#call = call;
    journal.note({ kind: 'called', ...call });
  }

  received(message: unknown): void {
    this.#journal.note({ kind: 'received', ...this.#call, message });
  }

  /** Whether the message may be sent. */
  sends(message: unknown): boolean {
    const isWithheld = this.#withhold(this.#call.path, message);
    this.#journal.note({ kind: 'sent', ...this.#call, message });
    return !isWithheld;
  }

  ended(failure?: string): void {
    this.#journal.note({ kind: 'ended', ...this.#call, failure });
  }

  context(call: Call): Call {
    return {
      metadata: call.metadata,
      peer: call.peer,
      timeoutMs: call.timeoutMs,
      signal: call.signal,
      accept: () => {
        call.accept();
        this.#journal.note({ kind: 'accepted', ...this.#call });
      },
      setTrailer: (key, value) => call.setTrailer(key, value),
    };
  }
}

function watchedUnary(route: UnaryRoute, watchNext: () => CallWatch): Route {
  return {
    ...route,
    async handler(request: never, call: Call): Promise<never> {
      const watch = watchNext();
      watch.received(request);
      try {
        const answer = await route.handler(request, watch.context(call));
        // The caller that waits for the answer is killed meanwhile.
        if (!watch.sends(answer)) await new Promise<never>(() => {});
        watch.ended();
        return answer;
      } catch (error) {
        watch.ended(String(error));
        throw error;
      }
    },
  };
}

function watchedStream(route: StreamRoute, watchNext: () => CallWatch): Route {
  return {
    ...route,
    async handler(stream: Stream, call: Call): Promise<void> {
      const watch = watchNext();
      try {
        await route.handler(watchedMessages(stream, watch), watch.context(call));
        watch.ended();
      } catch (error) {
        watch.ended(String(error));
        throw error;
      }
    },
  };
}

function watchedMessages(stream: Stream, watch: CallWatch): Stream {
  return {
    write: (message) => (watch.sends(message) ? stream.write(message) : stream.queuedBytes),
    get queuedBytes() {
      return stream.queuedBytes;
    },
    drained: (thresholdBytes) => stream.drained(thresholdBytes),
    over: stream.over,
    [Symbol.asyncIterator]() {
      const messages = stream[Symbol.asyncIterator]();
      return {
        async next() {
          const next = await messages.next();
          if (!next.done) watch.received(next.value);
          return next;
        },
        async return() {
          await messages.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
