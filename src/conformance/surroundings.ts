import { randomBelow } from '../base/random.ts';
import { MemoryStore } from '../bus/store/in-memory/memory-store.ts';
import type { Store } from '../bus/store/store.ts';
import { limits } from '../contract/wire/limits.ts';
import type { SidecarOptions } from '../sidecar/sidecar-parts.ts';
import type { StartPlugin } from './running-plugin.ts';

/** The plugin's surroundings, the same for the whole run. */
export interface Surroundings {
  readonly network: SidecarOptions['network'];
  readonly scheduler: SidecarOptions['scheduler'];
  readonly startPlugin: StartPlugin;
  readonly instanceId: string;
  readonly poolType: string;
  /** Makes an empty store. Absent: one in memory. */
  readonly openStore?: () => Promise<OpenedStore>;
}

export interface OpenedStore {
  readonly store: Store;
  close(): Promise<void>;
}

/** Below the ports that Linux, macOS and Windows assign by themselves, which begin at 32768 and 49152. */
const unassignedPorts = { first: 20_000, count: 12_000 };

export function inMemory({ scheduler }: Surroundings): OpenedStore {
  return { store: new MemoryStore({ scheduler }), close: async () => {} };
}

/** The port that was given out last. Plugins that are judged at the same time then never share one. */
let lastPort: number | undefined;

/** A loopback address that was free a moment ago, and that no system assigns to a program which asks for any. */
export async function freeAddress({ network, scheduler }: Surroundings): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    lastPort = ((lastPort ?? randomBelow(scheduler.random, unassignedPorts.count)) + 1) % unassignedPorts.count;
    const address = `127.0.0.1:${unassignedPorts.first + lastPort}`;
    try {
      (await network.listen(address, { routes: [], maxMessageBytes: limits.messageBytes })).close();
      return address;
    } catch (error) {
      if (attempt === 20) throw error;
    }
  }
}
