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

/**
 * Headers are bounded on the way, by some clients to 8 KiB in all; a status message over that loses the whole status.
 * It counts percent-encoded, as gRPC sends it: twelve bytes for an emoji.
 */
const statusMessageBytesMax = 2_048;

export interface CallFacts {
  /** Sends the response headers; absent where a network has none. */
  readonly sendHeaders?: () => void;
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
  readonly #sendHeaders: (() => void) | undefined;

  constructor(facts: CallFacts) {
    this.metadata = facts.metadata;
    this.peer = facts.peer;
    this.timeoutMs = facts.timeoutMs;
    this.signal = facts.signal;
    this.#sendHeaders = facts.sendHeaders;
  }

  accept(): void {
    this.#sendHeaders?.();
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
  const message = beginningOf(failure.message.toWellFormed());
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

function beginningOf(message: string): string {
  let end = 0;
  let bytes = 0;
  for (const character of message) {
    bytes += encodeURI(character).length;
    if (bytes > statusMessageBytesMax) break;
    end += character.length;
  }
  return message.slice(0, end);
}
