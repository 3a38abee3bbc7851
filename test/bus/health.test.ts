import { type Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterEach, describe, expect, test } from 'vitest';
import { endAll, startBus } from '../sidecar/processes.ts';
import { authority, startSecuredBus } from '../sidecar/secured-bus.ts';

const definition = loadPackageDefinition(
  loadSync('src/contract/wire/proto/grpc/health/v1/health.proto', { enums: String }),
);
const { Health } = (definition as unknown as { grpc: { health: { v1: { Health: ServiceClientConstructor } } } }).grpc
  .health.v1;

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await endAll();
});

type Answer = { readonly status?: string; readonly code?: number; readonly details?: string };

/** grpc-js, which is not ours, as a load balancer: without any credential. */
function prober(address: string, secure = credentials.createInsecure()) {
  // Without this, clients of one address share a connection.
  const client = new Health(address, secure, { 'grpc.use_local_subchannel_pool': 1 });
  clients.push(client);
  return {
    check: (service = ''): Promise<Answer> =>
      new Promise((resolve) =>
        client['check']?.({ service }, (error: Answer | null, reply: Answer) => resolve(error ?? reply)),
      ),
    watch: (service = '') => client['watch']?.({ service }) as unknown as AsyncIterable<Answer>,
  };
}

describe('whoever asks a bus for its health', () => {
  test('is told SERVING for the whole of it and for its service, and no more', async () => {
    const { address } = await startBus();
    const { check } = prober(address);
    expect(await check()).toEqual({ status: 'SERVING' });
    expect(await check('meridian.bus.v1.BusService')).toEqual({ status: 'SERVING' });
    expect(await check('meridian.bus.v1.Other')).toMatchObject({
      code: 5,
      details: 'there is no service "meridian.bus.v1.Other" here',
    });
  });

  test('needs no credential, where every other call does', async () => {
    const { address } = await startSecuredBus();
    const { check } = prober(address, credentials.createSsl(Buffer.from(authority.ca)));
    expect(await check()).toEqual({ status: 'SERVING' });
    expect(await check()).toEqual({ status: 'SERVING' });
  });

  test('is told NOT_SERVING once the bus stops, and then its watch ends', async () => {
    const { address, program } = await startBus();
    const seen: (string | undefined)[] = [];
    for await (const { status } of prober(address).watch()) {
      seen.push(status);
      if (seen.length === 1) program.signal('SIGTERM');
    }
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    expect(await program.exited).toBe(0);
  });

  test('proves nothing by it: of connections that only ask, the oldest end', async () => {
    const { address } = await startBus();
    const probers = Array.from({ length: 70 }, () => prober(address));
    const first = probers[0]?.watch()[Symbol.asyncIterator]();
    expect((await first?.next())?.value).toEqual({ status: 'SERVING' });
    const ended = first?.next().then(
      () => 'ended',
      () => 'ended',
    );
    for (const each of probers.slice(1)) expect(await each.check()).toEqual({ status: 'SERVING' });
    expect(await ended).toBe('ended');
  });
});
