import { afterEach, describe, expect, test } from 'vitest';
import { createLog } from '../../src/base/log/log.ts';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { Plugin } from '../../src/plugin/plugin.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, type RunningSidecar, startSidecar } from '../sidecar/processes.ts';
import { statusOf, V1Client } from '../sidecar/v1-client.ts';
import {
  automatic,
  editPolicy,
  type GrantsBus,
  grants,
  startGrantsBus,
  tokens,
  withoutOms,
} from './bus-grants-fixtures.ts';

let client: V1Client | undefined;
afterEach(async () => {
  client?.close();
  client = undefined;
  await endAll();
});

interface Streams {
  readonly plugin: Plugin;
  /** What the plugin's client logged, as when a stream of it ended. */
  readonly logged: string[];
  /** How the v1 stream ended. */
  readonly v1Ended: ReturnType<typeof statusOf>;
}

/** A plugin with a Consume and a Serve stream and, as the same instance, a v1 client with a Subscribe stream. */
async function openStreams({ address }: RunningSidecar): Promise<Streams> {
  const logged: string[] = [];
  const log = createLog({
    level: 'error',
    format: 'text',
    write: (line) => logged.push(line),
    wallTimeNs: () => realScheduler.wallTimeNs(),
  });
  const plugin = await Plugin.connect({
    ...{ network: grpcNetwork, scheduler: realScheduler, log, address },
    ...{ schemaVersion: '1.0.0', waitTimeoutMs: 10_000 },
  });
  await plugin.subscribe('platform.oms.fills', { name: 'fills' }, () => {});
  await plugin.serve('platform.oms.ask', () => ({ payload: Buffer.from('!') }));
  client = new V1Client(address);
  const subscription = await client.subscribed('platform.oms.*');
  return { plugin, logged, v1Ended: statusOf(subscription.next()) };
}

async function expectEnded({ logged, v1Ended }: Streams, cause: string, nearest: string): Promise<void> {
  const ended = (pattern: string) => `the subscribe grant for ${pattern} is gone: ${cause}; ${nearest}`;
  expect(await v1Ended).toEqual({ code: 'PERMISSION_DENIED', details: ended('platform.oms.*') });
  await expect.poll(() => logged.length).toBe(2);
  expect(logged.toSorted()).toEqual([
    expect.stringContaining(`serving ended: ${ended('platform.oms.ask')}`),
    expect.stringContaining(`subscription ended: ${ended('platform.oms.fills')}`),
  ]);
}

/** The publish is accepted from some moment on: the sidecar hears of a policy within a second or so. */
async function acceptedSoon(plugin: Plugin, topic: string): Promise<void> {
  await expect.poll(async () => (await plugin.publish(topic, Buffer.from('x'))).outcome).toBe('accepted');
}

describe('a revoke', () => {
  test('ends the streams that rest on it, with who revoked what; an approval gives it back without a new connection', async () => {
    const bus = await startGrantsBus(automatic());
    const sidecar = await startSidecar(bus.address);
    const streams = await openStreams(sidecar);
    await grants(bus, ['revoke', 'oms-1', 'subscribe', 'platform.oms.**']);
    await expectEnded(streams, 'ops revoked subscribe platform.oms.**', 'there is no subscribe grant at all');
    await sidecar.program.seen(/the bus took back subscribe platform\.oms\.\*\* \(revoked by ops at /);
    expect(await statusOf(client?.subscribe('platform.oms.x').next() ?? Promise.resolve())).toEqual({
      code: 'PERMISSION_DENIED',
      details: expect.stringMatching(
        /^no subscribe grant for platform\.oms\.x; there is no .*; platform\.oms\.\*\* is withheld: revoked by ops at /,
      ),
    });

    const received: string[] = [];
    await grants(bus, ['approve', 'oms-1', 'subscribe', 'platform.oms.**']);
    await sidecar.program.seen(/the bus granted subscribe platform\.oms\.\*\*/);
    await streams.plugin.subscribe('platform.oms.fills', { name: 'again' }, ({ topic }) => void received.push(topic));
    expect(await streams.plugin.publish('platform.oms.fills', Buffer.from('x'))).toMatchObject({ outcome: 'accepted' });
    await expect.poll(() => received).toEqual(['platform.oms.fills']);
    await streams.plugin.stop('done');
    expect(sidecar.program.stdout).not.toContain('is lost');
  });

  test('refuses what is published from then on, with the topic and the reason', async () => {
    const bus = await startGrantsBus(automatic());
    const sidecar = await startSidecar(bus.address);
    client = new V1Client(sidecar.address);
    await client.register();
    expect(await client.publish('platform.oms.fills')).toMatchObject({ accepted: true });
    await grants(bus, ['revoke', 'oms-1', 'publish', 'platform.oms.**']);
    await sidecar.program.seen(/the bus took back publish/);
    expect(await client.publish('platform.oms.fills')).toMatchObject({
      accepted: false,
      refusal_reason: expect.stringMatching(
        /^no publish grant for platform\.oms\.fills; .* is withheld: revoked by ops at /,
      ),
    });
    expect(await client.call('platform.oms.ask')).toMatchObject({ ok: false, failure: 'CALL_FAILURE_REFUSED' });
  });
});

describe('a policy that is edited while the bus runs', () => {
  const changed = async (bus: GrantsBus, text: string): Promise<void> => {
    editPolicy(bus, text);
    await bus.program.seen(/grants changed .*cause="the policy changed"/);
  };

  test('takes grants away, and the streams that rest on them end with that reason', async () => {
    const bus = await startGrantsBus(automatic());
    const sidecar = await startSidecar(bus.address);
    const streams = await openStreams(sidecar);
    await changed(bus, automatic('', '[platform.oms.orders]'));
    await expectEnded(streams, 'the policy changed', 'the nearest is platform.oms.orders');
    expect(await streams.plugin.publish('platform.oms.fills', Buffer.from('x'))).toEqual({
      outcome: 'refused',
      reason: 'no publish grant for platform.oms.fills; the nearest is platform.oms.orders',
    });
    expect(await streams.plugin.publish('platform.oms.orders', Buffer.from('x'))).toMatchObject({
      outcome: 'accepted',
    });
    await streams.plugin.stop('done');
  });

  test('takes everything from an instance that no rule names any more, and gives it back to the same session', async () => {
    const bus = await startGrantsBus(automatic());
    const sidecar = await startSidecar(bus.address);
    const streams = await openStreams(sidecar);
    await changed(bus, withoutOms);
    await expectEnded(streams, 'the policy changed', 'there is no subscribe grant at all');
    expect(await streams.plugin.publish('platform.oms.fills', Buffer.from('x'))).toMatchObject({ outcome: 'refused' });
    editPolicy(bus, automatic());
    await acceptedSoon(streams.plugin, 'platform.oms.fills');
    await streams.plugin.stop('done');
    expect(sidecar.program.stdout).not.toContain('is lost');
  });

  test('adds grants that work at once', async () => {
    const bus = await startGrantsBus(automatic());
    const sidecar = await startSidecar(bus.address);
    const plugin = await connectPlugin(sidecar.address);
    expect(await plugin.publish('platform.risk.limits', Buffer.from('x'))).toMatchObject({ outcome: 'refused' });
    editPolicy(bus, automatic('', '[platform.oms.**, platform.risk.*]'));
    await acceptedSoon(plugin, 'platform.risk.limits');
    await plugin.stop('done');
  });

  test('stays as it was while the new one has errors, which are logged once, all of them', async () => {
    const bus = await startGrantsBus(automatic());
    const sidecar = await startSidecar(bus.address);
    const plugin = await connectPlugin(sidecar.address);
    editPolicy(bus, 'rules: [{ principals: [p], instances: [i], pools: [s], approval: maybe }]\n');
    await bus.program.seen(
      /the changed policy is not used reason=.*`deployment` is not a name.*rules\[0\]\.approval is/,
    );
    expect(await plugin.publish('platform.oms.fills', Buffer.from('x'))).toMatchObject({ outcome: 'accepted' });
    editPolicy(bus, automatic('', '[platform.oms.**, platform.risk.*]'));
    await acceptedSoon(plugin, 'platform.risk.limits');
    expect(bus.program.stdout.match(/the changed policy is not used/g)).toHaveLength(1);
    await plugin.stop('done');
  });

  test('ends the session of whose token it no longer knows, and lets that in again once it does', async () => {
    const bus = await startGrantsBus(automatic());
    const sidecar = await startSidecar(bus.address, { SIDECAR_BUS_TOKEN: tokens.dev });
    await bus.program.seen(/registered .*principal=dev/);
    editPolicy(bus, automatic().replace(': dev', ': other'));
    await sidecar.program.seen(/the session with the bus is lost .*the credential belongs to another principal/);
    await sidecar.program.seen(/connecting to the bus again/);
    editPolicy(bus, automatic().replace(/, [0-9a-f]{64}: dev/, ''));
    await sidecar.program.seen(/the policy of this bus does not know the bearer token/);
    editPolicy(bus, automatic());
    await bus.program.seen(/registered .*principal=dev.*registered .*principal=dev/s);
  });
});
