import type { UnaryMethod } from '../../src/transport/rpc.ts';

const bytes = { encode: (value: Uint8Array) => value, decode: (value: Uint8Array) => value };

/** Answers what it is asked, as bytes. */
export const echoMethod: UnaryMethod<Uint8Array, Uint8Array> = {
  path: '/meridian.bench.Echo/Echo',
  kind: 'unary',
  request: bytes,
  response: bytes,
};
