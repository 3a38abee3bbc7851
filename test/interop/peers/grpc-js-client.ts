import {
  type CallOptions,
  ChannelCredentials,
  Client,
  type ClientDuplexStream,
  Metadata,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import type { CallOrder, PeerOptions, Result } from '../peer-process.ts';
import { eachLine, repeated, tell } from './lines.ts';

type Done = Omit<Result, 'id'>;

const pass = (bytes: Buffer): Buffer => bytes;
const gzip = 2;
const unlimited = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

/** A client on grpc-js that does what lines of JSON ask. */
export function callWithGrpcJs({ address = '', tls }: PeerOptions): void {
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  const credentials = tls
    ? ChannelCredentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.certificate))
    : ChannelCredentials.createInsecure();
  const plain = new Client(address, credentials, unlimited);
  const compressing = new Client(address, credentials, {
    ...unlimited,
    'grpc.default_compression_algorithm': gzip,
  });
  eachLine((asked) => {
    if ('do' in asked) throw new Error('a client does nothing but calls');
    void call(asked.compress ? compressing : plain, asked).then((done) => tell({ ...done, id: asked.id }));
  });
}

function call(client: Client, order: CallOrder): Promise<Done> {
  if (order.kind === 'many') return many(client, order);
  return order.kind === 'unary' ? unary(client, order) : stream(client, order);
}

function settings({ metadata = {}, binary = {}, timeoutMs }: CallOrder): [Metadata, CallOptions] {
  const all = new Metadata();
  for (const [key, value] of Object.entries(metadata)) all.set(key, value);
  for (const [key, value] of Object.entries(binary)) all.set(key, Buffer.from(value, 'base64'));
  return [all, timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }];
}

function ended(status: Pick<StatusObject, 'code' | 'details' | 'metadata'>, received: readonly Buffer[]): Done {
  const trailers: Record<string, string> = {};
  for (const [key, value] of Object.entries(status.metadata.getMap())) {
    if (typeof value === 'string') trailers[key] = value;
  }
  const { code, details: message } = status;
  return { code, message, trailers, received: received.map((bytes) => bytes.toString('base64')) };
}

function unary(client: Client, order: CallOrder): Promise<Done> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const request = Buffer.from(order.send?.[0] ?? '', 'base64');
    client
      .makeUnaryRequest(
        `/interop.Peer/${order.method}`,
        pass,
        pass,
        request,
        ...settings(order),
        (_: ServiceError | null, answer?: Buffer) => {
          if (answer) received.push(answer);
        },
      )
      .on('status', (status) => setImmediate(() => resolve(ended(status, received))));
  });
}

function stream(client: Client, order: CallOrder): Promise<Done> {
  return new Promise((resolve) => {
    const { send = [], inTurn = false, staysOpen = false, cancelAfter } = order;
    const received: Buffer[] = [];
    const path = `/interop.Peer/${order.method}`;
    const open: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(path, pass, pass, ...settings(order));
    const waiting = send.map((message) => Buffer.from(message, 'base64'));
    const sendNext = (): void => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        open.write(next);
        if (inTurn) return;
      }
      if (!staysOpen) open.end();
    };
    open.on('data', (answer: Buffer) => {
      received.push(answer);
      if (received.length === cancelAfter) open.cancel();
      else if (inTurn) sendNext();
    });
    open.on('error', () => {});
    open.on('status', (status) => resolve(ended(status, received)));
    sendNext();
  });
}

async function many(client: Client, { total = 0, atOnce = 1, bytes = 0 }: CallOrder): Promise<Done> {
  const codes: Record<string, number> = {};
  let turn = 0;
  let unequal = 0;
  const worker = async (): Promise<void> => {
    while (turn < total) {
      turn += 1;
      const send = [repeated(turn, bytes).toString('base64')];
      const { code, received } = await unary(client, { kind: 'unary', method: 'Echo', send });
      codes[code] = (codes[code] ?? 0) + 1;
      if (code === 0 && received[0] !== send[0]) unequal += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { code: 0, message: '', received: [], trailers: {}, codes, unequal };
}
