import { startGroupedBus } from '../memory/grouped-bus.ts';
import { startGroupedSidecar } from '../memory/grouped-sidecar.ts';
import type { Attack, Scene } from './attack.ts';
import { HonestClient } from './honest-client.ts';

/** What a sidecar has by default, and the least that the documentation gives a bus. */
const limitsMb = { sidecar: 128, bus: 256 };

/** Starts all that an attack needs; `cleanUps` gets what ends it, also when a start fails. */
export async function startScene(attack: Attack, cleanUps: (() => Promise<void>)[]): Promise<Scene> {
  const bus = await startGroupedBus({ limitMb: limitsMb.bus, policy: attack.policy, flags: attack.busFlags?.() });
  cleanUps.push(() => bus.grouped.end());
  const sidecar = await startGroupedSidecar(bus.address, {
    limitMb: limitsMb.sidecar,
    ...attack.sidecarEnvironment?.(),
  });
  cleanUps.push(() => sidecar.end());
  return { bus, sidecar, honest: new HonestClient(sidecar) };
}
