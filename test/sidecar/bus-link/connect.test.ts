import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log/log.ts';
import { sleep } from '../../../src/base/time/scheduler.ts';
import { BusClient } from '../../../src/sidecar/bus-link/bus-client.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';
import type { Network } from '../../../src/transport/rpc.ts';
import { RpcError } from '../../../src/transport/status.ts';

const scheduler = new VirtualScheduler(1);

/** Refuses at first for a reason, and then leaves every attempt without an answer until its time is over. */
function networkOf(reasons: string[]): Network {
  return {
    listen: () => Promise.reject(new Error('nobody listens')),
    async connect(_address, { timeoutMs }) {
      const reason = reasons.shift();
      if (reason !== undefined) throw new RpcError('UNAVAILABLE', reason);
      await sleep(scheduler, timeoutMs);
      throw new RpcError('UNAVAILABLE', `no answer within ${timeoutMs} ms`);
    },
  };
}

function connect(reasons: string[], timeoutMs: number): Promise<void> {
  const registration = { instanceId: 'one', poolType: 'OMSPool', requestedGrants: [], tags: [], image: '' };
  const link = new BusClient({
    network: networkOf(reasons),
    scheduler,
    log: silentLog,
    addresses: ['bus:8443'],
    readCredential: async () => ({}),
    registration: { ...registration, version: '', startedAtNs: 0n },
    renewEveryMs: 3_000,
    reconnect: { firstDelayMs: 100, maxDelayMs: 100 },
  });
  return scheduler.run(link.connect(timeoutMs));
}

test('the failure tells why, not that the last attempt was cut short', async () => {
  await expect(connect(['its certificate expired'], 1_000)).rejects.toThrow(
    'bus:8443 did not answer in 2 attempts: its certificate expired',
  );
});

test('an only attempt that was cut short is all there is to tell', async () => {
  await expect(connect([], 1_000)).rejects.toThrow('bus:8443 did not answer in 1 attempts: no answer within 1000 ms');
});
