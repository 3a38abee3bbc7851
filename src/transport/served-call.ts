import { checkMetadata } from './metadata.ts';
import type { CallContext, Peer } from './rpc.ts';
import { type Metadata, RpcError, type StatusCode } from './status.ts';

/** How a served call ended, as it is told to the caller. */
export interface Outcome {
  readonly code: StatusCode;
  readonly message: string;
  readonly trailers: Metadata;
}

/** Headers are compressed and bounded on the way; a status message beyond this would lose the whole status. */
const maxStatusMessageChars = 2_048;

export interface CallFacts {
  readonly metadata: Metadata;
  readonly peer: Peer;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

/** A call that is being served: what its handler sees, and how it ends. */
export class ServedCall implements CallContext {
  readonly metadata: Metadata;
  readonly peer: Peer;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
  readonly #trailers: Record<string, string> = {};

  constructor(facts: CallFacts) {
    this.metadata = facts.metadata;
    this.peer = facts.peer;
    this.timeoutMs = facts.timeoutMs;
    this.signal = facts.signal;
  }

  setTrailer(key: string, value: string): void {
    checkMetadata({ [key]: value });
    this.#trailers[key] = value;
  }

  succeeded(): Outcome {
    return { code: 'OK', message: 'OK', trailers: this.#trailers };
  }

  failed(error: unknown): Outcome {
    const failure = RpcError.from(error);
    const message = failure.message.toWellFormed().slice(0, maxStatusMessageChars);
    return { code: failure.code, message, trailers: { ...this.#trailers, ...failure.trailers } };
  }
}
