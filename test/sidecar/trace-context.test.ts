import { afterEach, expect, test } from 'vitest';
import { traceIdOf } from '../../src/contract/wire/trace-context.ts';
import { connectPlugin } from './plugins.ts';
import { endAll, startBus, startSidecar } from './processes.ts';

afterEach(endAll);

const given = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=1,b=2' };

interface Traced {
  readonly traceparent: string;
  readonly tracestate: string;
}

test('messages and requests carry the trace of their plugin, or one that their sidecar began', async () => {
  const bus = await startBus();
  const oms = await startSidecar(bus.address);
  const dgm = await startSidecar(bus.address, { INSTANCE_ID: 'dgm-1', POOL_TYPE: 'DGMPool' });
  const [asking, publishing] = await Promise.all([connectPlugin(oms.address), connectPlugin(dgm.address)]);
  const seen: Traced[] = [];
  const all = Promise.withResolvers<void>();
  await asking.subscribe('platform.data.*', { name: 'data' }, (message) => {
    seen.push(message);
    if (seen.length === 3) all.resolve();
  });
  await publishing.publish('platform.data.ticks', Buffer.from('1'), given);
  await publishing.publish('platform.data.ticks', Buffer.from('2'));
  await publishing.publish('platform.data.ticks', Buffer.from('3'), { ...given, traceparent: '00-broken' });
  await all.promise;
  await publishing.serve('platform.ask.*', (request) => {
    seen.push(request);
    return { payload: Buffer.from('42') };
  });
  await asking.request('platform.ask.price', Buffer.from('?'), given);
  await asking.request('platform.ask.price', Buffer.from('?'), { tracestate: 'a=1' });

  const [message, begun, restarted, request, begunRequest] = seen;
  expect(message).toMatchObject(given);
  expect(request).toMatchObject(given);
  const made = [begun, restarted, begunRequest];
  expect(made.map((each) => each?.tracestate)).toEqual(['', '', '']);
  const ids = made.map((each) => traceIdOf(each?.traceparent ?? ''));
  expect(ids).not.toContain(undefined);
  expect(new Set([...ids, traceIdOf(given.traceparent)]).size).toBe(4);
});
