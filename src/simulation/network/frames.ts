import type { Outcome } from '../../transport/served-call.ts';
import type { Metadata } from '../../transport/status.ts';

export interface OpenFrame {
  readonly kind: 'open';
  readonly path: string;
  readonly metadata: Metadata;
  readonly timeoutMs: number | undefined;
}

interface MessageFrame {
  readonly kind: 'message';
  readonly bytes: Uint8Array;
}

/** Frames of a caller: the opening, messages, then a half-close or a reset. */
export type CallerFrame = OpenFrame | MessageFrame | { readonly kind: 'end' } | { readonly kind: 'reset' };

/** Frames of a server: messages, then the status. */
export type ServerFrame = MessageFrame | { readonly kind: 'status'; readonly outcome: Outcome };

/** A message's bytes as a socket would bring them: plugins get views of these. */
export function asReceived(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
