import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { CallOutcome } from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { endAll, startBus } from '../sidecar/processes.ts';
import { callAll, putAll } from './many-calls.ts';
import { RawSession } from './raw-session.ts';

const topic = 'platform.ask.price';
const payload = new Uint8Array(500_000);
const { ANSWERED, HANDLER_ERROR, NO_HANDLER, TIMEOUT } = CallOutcome;

afterEach(endAll);

/** Serves the topic and reads nothing. */
async function unreadResponder(address: string, instanceId: string): Promise<RawSession> {
  const responder = await RawSession.open(address, instanceId, 'DGMPool');
  responder.send({ case: 'serve', value: { serverId: 1, pattern: topic } });
  await responder.next('serving');
  return responder;
}

function residentMiB(pid: number): number {
  const [, kibibytes = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) / 1024;
}

describe('a responder that does not read', () => {
  test('is put no more requests than fit into its stream and its queue, and then does not count as a handler', async () => {
    const { address, program } = await startBus(undefined, 'memory', '--lease', '1h');
    const responder = await unreadResponder(address, 'dgm-1');
    const caller = await RawSession.open(address, 'oms-2', 'OMSPool');
    const beforeMiB = residentMiB(program.pid);
    putAll(caller, { count: 50, topic, payload, timeoutMs: 60_000 }, 1);
    const first = await caller.next('callResult');
    expect(first).toMatchObject({
      outcome: NO_HANDLER,
      detail: expect.stringMatching(/more than 1 MiB of requests unread, which is the limit/),
    });
    for (let round = 1; round <= 6; round += 1) {
      const results = await callAll(caller, { count: 100, topic, payload, timeoutMs: 1 }, 1_000 * round);
      expect(results.filter(({ outcome }) => outcome !== NO_HANDLER)).toEqual([]);
    }
    // 600 requests of 500 kB would be 286 MiB.
    expect(residentMiB(program.pid) - beforeMiB).toBeLessThan(150);
    for (const each of [responder, caller]) each.close();
  });

  test('leaves what it has no room for to the next', async () => {
    const { address } = await startBus(undefined, 'memory', '--lease', '1h');
    const responder = await unreadResponder(address, 'dgm-1');
    const other = await unreadResponder(address, 'dgm-2');
    const answering = (async () => {
      for (;;) {
        const { requestId } = await other.next('request');
        other.send({ case: 'answer', value: { requestId, ok: true } });
      }
    })();
    answering.catch(() => {});
    const caller = await RawSession.open(address, 'oms-2', 'OMSPool');
    let answered = 0;
    for (let round = 1; round <= 40; round += 1) {
      const [result] = await callAll(caller, { count: 1, topic, payload, timeoutMs: 200 }, round);
      if (result?.outcome === ANSWERED) answered += 1;
    }
    expect(answered).toBeGreaterThan(15);
    for (const each of [responder, other, caller]) each.close();
  });

  test('gets of the requests whose time is over only those that had been sent', async () => {
    const { address } = await startBus(undefined, 'memory', '--lease', '1h');
    const responder = await unreadResponder(address, 'dgm-1');
    const caller = await RawSession.open(address, 'oms-2', 'OMSPool');
    const results = await callAll(caller, { count: 100, topic, payload, timeoutMs: 50 }, 1);
    const timeouts = results.filter(({ outcome }) => outcome === TIMEOUT).length;
    const call = callAll(caller, { count: 1, topic, payload: Uint8Array.of(1), timeoutMs: 60_000 }, 100);
    let read = 0;
    for (;;) {
      const { requestId, envelope } = await responder.next('request');
      read += 1;
      if (envelope?.payload.length === 1) {
        responder.send({ case: 'answer', value: { requestId, ok: true } });
        break;
      }
    }
    expect(await call).toMatchObject([{ outcome: ANSWERED }]);
    // The last is the one that was in time.
    expect(read - 1).toBeLessThan(timeouts);
    for (const each of [responder, caller]) each.close();
  });
});

test('a caller that does not read loses the payloads of its answers, and is told so', async () => {
  const { address, program } = await startBus(undefined, 'memory', '--lease', '1h');
  const responder = await unreadResponder(address, 'dgm-1');
  const caller = await RawSession.open(address, 'oms-2', 'OMSPool');
  // All of them would be 190 MiB.
  const count = 400;
  putAll(caller, { count, topic, payload: new Uint8Array(), timeoutMs: 60_000 }, 1);
  const beforeMiB = residentMiB(program.pid);
  for (let index = 0; index < count; index += 1) {
    const { requestId } = await responder.next('request');
    responder.send({ case: 'answer', value: { requestId, ok: true, payload } });
  }
  responder.send({ case: 'heartbeat', value: { sequence: 1n } });
  await responder.next('leaseRenewed');
  expect(residentMiB(program.pid) - beforeMiB).toBeLessThan(110);
  const outcomes = [];
  for (let index = 0; index < count; index += 1) outcomes.push(await caller.next('callResult'));
  expect(outcomes.filter(({ outcome }) => outcome === ANSWERED).length).toBeGreaterThan(5);
  expect(outcomes.find(({ outcome }) => outcome === HANDLER_ERROR)?.detail).toMatch(
    /does not read: .* wait for it, and at 4 MiB/,
  );
  for (const each of [responder, caller]) each.close();
});
