import { messageOf } from '../base/user-facing-error.ts';
import { checkMetadata } from './metadata.ts';
import type { CallContext, Peer } from './rpc.ts';
import { type Fault, type Metadata, RpcError, type StatusCode } from './status.ts';

/** How a served call ended, as the caller learns it. */
export interface Outcome {
  readonly code: StatusCode;
  readonly message: string;
  readonly trailers: Metadata;
}

/**
 * Proxies and clients limit headers, some to 8 KiB in all. A status message over that loses the whole status.
 * The limit counts the percent-encoded form that gRPC sends: twelve bytes for an emoji.
 */
const statusMessageBytesMax = 2_048;

/** What a transport knows about a call. Each is read only if the handler asks. */
export interface CallFacts {
  /** Sends the response headers. Absent for a network without headers. */
  readonly sendHeaders?: () => void;
  readonly metadata: Metadata;
  readonly peer: Peer;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

const noTrailers: Metadata = {};

/** A call in service: what its handler sees, and how it ends. */
export class ServedCall implements CallContext {
  readonly #facts: CallFacts;
  #trailers: Metadata = noTrailers;

  constructor(facts: CallFacts) {
    this.#facts = facts;
  }

  get metadata(): Metadata {
    return this.#facts.metadata;
  }

  get peer(): Peer {
    return this.#facts.peer;
  }

  get timeoutMs(): number | undefined {
    return this.#facts.timeoutMs;
  }

  get signal(): AbortSignal {
    return this.#facts.signal;
  }

  accept(): void {
    this.#facts.sendHeaders?.();
  }

  setTrailer(key: string, value: string): void {
    checkMetadata({ [key]: value });
    this.#trailers = { ...this.#trailers, [key]: value };
  }

  succeeded(): Outcome {
    return { code: 'OK', message: 'OK', trailers: this.#trailers };
  }

  failed(error: unknown): Outcome {
    return failureOutcome(RpcError.from(error), this.#trailers);
  }
}

/** How an error is reported to the caller. It never throws, whatever a handler put into the error. */
export function failureOutcome(failure: Fault & { trailers?: Metadata }, trailers: Metadata = {}): Outcome {
  const message = beginningOf(failure.message.toWellFormed());
  try {
    return { code: failure.code, message, trailers: { ...trailers, ...checkMetadata(failure.trailers ?? {}) } };
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
