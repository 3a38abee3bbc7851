import { messageOf } from '../base/user-facing-error.ts';
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
    return failureOutcome(RpcError.from(error), this.#trailers);
  }
}

/** How an error is told to the caller; it never throws, whatever a handler put into the error. */
export function failureOutcome(failure: RpcError, trailers: Metadata = {}): Outcome {
  const message = failure.message.slice(0, maxStatusMessageChars).toWellFormed();
  try {
    return { code: failure.code, message, trailers: { ...trailers, ...checkMetadata(failure.trailers) } };
  } catch (fault) {
    return {
      code: 'INTERNAL',
      message: `${message} (with trailers that cannot be sent: ${messageOf(fault)})`,
      trailers,
    };
  }
}
