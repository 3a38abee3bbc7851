import { Buffer } from 'node:buffer';
import type { Codec, Method, MethodKind } from '../../../src/transport/rpc.ts';

const bytes: Codec<Uint8Array> = {
  encode: (value) => value,
  decode: (value) => Buffer.from(value),
};

function method<Kind extends MethodKind>(name: string, kind: Kind): Method<Uint8Array, Uint8Array, Kind> {
  return { path: `/interop.Peer/${name}`, kind, request: bytes, response: bytes };
}

/** The service of every peer. Messages are bytes; peer.proto says what they mean, for tools that need to know. */
export const methods = {
  echo: method('Echo', 'unary'),
  /** What the server knows of the call, as JSON. */
  describe: method('Describe', 'unary'),
  /** Ends with the status and the trailers that the request asks for. */
  end: method('End', 'unary'),
  /** Waits until the peer is told to open. */
  gate: method('Gate', 'unary'),
  /** As many messages of as many bytes as the request asks for. */
  count: method('Count', 'server_streaming'),
  /** Counts messages and bytes until the client half-closes. */
  collect: method('Collect', 'bidi_streaming'),
  /** Echoes each message until the client half-closes. */
  chat: method('Chat', 'bidi_streaming'),
  /** Echoes one message and ends the call, whether the client has half-closed or not. */
  farewell: method('Farewell', 'bidi_streaming'),
  /** Sends one message and waits for the call to be lost. */
  hang: method('Hang', 'bidi_streaming'),
  nothing: method('Nothing', 'unary'),
} as const;

export interface EndRequest {
  readonly code: number;
  readonly message: string;
  readonly trailers: Readonly<Record<string, string>>;
}

export interface CountRequest {
  readonly count: number;
  readonly bytes: number;
}

export interface Description {
  readonly metadata: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly principal?: string;
  /** How many connections called our server so far. */
  readonly connections?: number;
}

export const fromJson = <T>(message: Uint8Array): T => JSON.parse(Buffer.from(message).toString()) as T;
export const toJson = (value: object): Buffer => Buffer.from(JSON.stringify(value));
