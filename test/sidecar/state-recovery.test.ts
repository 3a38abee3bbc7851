import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log/log.ts';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { serveBus } from '../../src/bus/serve-bus.ts';
import { MemoryStore } from '../../src/bus/store/in-memory/memory-store.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { connectPlugin } from './plugins.ts';
import { endAll, startSidecar } from './processes.ts';
import { openPolicy } from './simulated-world.ts';

afterEach(endAll);

/** A store on a disk that cannot read states until it is repaired. */
class DamagedStore extends MemoryStore {
  isRepaired = false;

  override async loadState(instanceId: string) {
    if (!this.isRepaired) throw new Error('the disk cannot be read');
    return super.loadState(instanceId);
  }
}

test('a state that cannot be recovered is logged and does not stop the sidecar, whose plugin can load it later', async () => {
  const store = new DamagedStore({ scheduler: realScheduler });
  const bus = await serveBus({
    network: grpcNetwork,
    address: '127.0.0.1:0',
    store,
    policy: openPolicy,
    scheduler: realScheduler,
    log: silentLog,
  });
  try {
    const { program, address } = await startSidecar(bus.address);
    expect(program.stdout).toMatch(/WARN .*recover state.*the disk cannot be read/);
    await program.seen(/to=READY/);

    const plugin = await connectPlugin(address);
    await expect(plugin.loadState()).rejects.toThrow(/the disk cannot be read/);
    expect(await plugin.publish('demo.ticks', Buffer.from('1'))).toMatchObject({ outcome: 'accepted' });
    store.isRepaired = true;
    expect(await plugin.loadState()).toBeUndefined();
    await plugin.saveState(Buffer.from('kept'));
    expect(Buffer.from((await plugin.loadState()) ?? []).toString()).toBe('kept');
    await plugin.stop('done');
  } finally {
    bus.close();
  }
});
