import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { type CallOptions, Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/contract/wire/limits.ts';
import {
  busMethods,
  healthMethods,
  pluginMethods,
  reflectionMethods,
  sidecarMethods,
} from '../../src/contract/wire/methods.ts';
import { endAll, type RunningProgram, startBus, startSidecar } from './processes.ts';
import { statusOf, V1Client } from './v1-client.ts';

type Port = 'plugin' | 'bus';

const programs: Partial<Record<Port, RunningProgram>> = {};
let client: V1Client;

beforeAll(async () => {
  programs.bus = await startBus();
  programs.plugin = await startSidecar(programs.bus.address);
  client = new V1Client(programs.plugin.address);
});
// Whose Lifecycle stream ends is gone, for whatever reason it ended.
beforeEach(async () => {
  await client.register();
});
afterAll(async () => {
  client.close();
  await endAll();
});

const addressOf = (port: Port): string => programs[port]?.address ?? '';

/** A message to the bus and back: both processes live, and the sidecar still has its session. */
async function stillWorks(): Promise<void> {
  const subscription = await client.subscribed('platform.oms.alive');
  expect(await client.publish('platform.oms.alive', 'alive')).toMatchObject({ accepted: true });
  expect(await subscription.texts(1)).toEqual(['alive']);
  await subscription.cancel();
}

/** Sends bytes as the messages of one call and returns its status. */
function send(
  port: Port,
  path: string,
  messages: readonly Buffer[],
  options: CallOptions = {},
): Promise<{ code: string; details: string }> {
  const raw = new Client(addressOf(port), credentials.createInsecure());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const call = raw.makeBidiStreamRequest(path, asIs, asIs, options);
  call.on('data', () => {});
  return new Promise((resolve) => {
    call.on('error', ({ code, details }: ServiceError) => resolve({ code: status[code] ?? '', details }));
    call.on('end', () => resolve({ code: 'OK', details: '' }));
    for (const message of messages) call.write(message);
    call.end();
  }).finally(() => raw.close()) as Promise<{ code: string; details: string }>;
}

const pluginPaths = [sidecarMethods, pluginMethods, healthMethods, reflectionMethods].flatMap((methods) =>
  Object.values(methods).map(({ path }) => path),
);
const paths: readonly (readonly [Port, string])[] = [
  ...pluginPaths.map((path) => ['plugin', path] as const),
  ...Object.values(busMethods).map(({ path }) => ['bus', path] as const),
];

/** A field of 100 bytes of which only one came. */
const truncated = Buffer.from([0x0a, 100, 0x61]);

describe('a message that is cut short', () => {
  test.each(paths)('fails its call at the %s port, %s, and nothing else', async (port, path) => {
    expect(await send(port, path, [truncated])).toEqual({
      code: 'INTERNAL',
      details: `a message of ${path} with 3 bytes could not be decoded`,
    });
  });

  test('leaves everybody else at work', stillWorks);
});

describe('a message over the limit of the transport', () => {
  test.each(paths)('exhausts it at the %s port, %s', async (port, path) => {
    const { code, details } = await send(port, path, [Buffer.alloc(limits.messageBytes + 1)]);
    expect(code).toBe('RESOURCE_EXHAUSTED');
    expect(details).toContain(String(limits.messageBytes));
  });

  test('leaves everybody else at work', stillWorks);
});

test('fields that nobody knows are passed over', async () => {
  const unknown = Buffer.from([0xfa, 0x7f, 3, 1, 2, 3]);
  expect(
    await send('plugin', sidecarMethods.heartbeat.path, [Buffer.concat([Buffer.from([0x08, 1]), unknown])]),
  ).toEqual({ code: 'OK', details: '' });
});

test.each<[Port]>([['plugin'], ['bus']])('a method that the %s port does not have is unimplemented', async (port) => {
  expect(await send(port, '/meridian.v1.SidecarService/Nothing', [Buffer.alloc(0)])).toMatchObject({
    code: 'UNIMPLEMENTED',
  });
});

test('whatever bytes come as messages, each call ends with a status and both processes go on', async () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each));
  const notLeave = paths.filter(([, path]) => path !== sidecarMethods.leave.path);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...notLeave),
      fc.array(bytes, { minLength: 1, maxLength: 4 }),
      async ([port, path], messages) => {
        // What stands until its caller ends it, as a watch does, ends by the deadline.
        const { code, details } = await send(port, path, messages, { deadline: Date.now() + 1_000 });
        expect(Object.keys(status)).toContain(code);
        expect(details).not.toMatch(/\n\s+at /);
      },
    ),
    { numRuns: 150, interruptAfterTimeLimit: 15_000 },
  );
  await client.register();
  await stillWorks();
});

describe('what is no gRPC at all', () => {
  const ports: [Port][] = [['plugin'], ['bus']];

  test.each(ports)('an HTTP/1 request ends without an answer at the %s port', async (port) => {
    const outcome = new Promise((resolve) => {
      const asked = httpRequest(`http://${addressOf(port)}/healthz`, (response) => resolve(response.statusCode));
      asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      asked.end();
    });
    expect(['ECONNRESET', 'HPE_INVALID_CONSTANT', 403]).toContain(await outcome);
    await stillWorks();
  });

  test.each(ports)('noise on the socket costs that connection alone at the %s port', async (port) => {
    const [host, number] = addressOf(port).split(':');
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    for (const noise of ['\0\0\0', 'noise'.repeat(1_000), `${preface}${'\xff'.repeat(64)}`, preface]) {
      const socket = connectSocket(Number(number), host);
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.end(Buffer.from(noise, 'latin1'));
      socket.resume();
      await once(socket, 'close');
    }
    await stillWorks();
  });
});

test('a plugin that is told of its mistake is not unregistered by it', async () => {
  expect(await statusOf(client.call('platform.oms.x', '', { timeout_ms: -1 }))).toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  expect(await client.heartbeat()).toEqual({});
});
