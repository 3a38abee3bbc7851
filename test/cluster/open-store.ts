import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import type { JetStreamStore } from '../../src/bus/store/jetstream/jetstream-store.ts';
import { type JetStreamStoreOptions, openJetStreamStore } from '../../src/bus/store/jetstream/open-jetstream-store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import type { NatsServers } from './nats-server.ts';

let deployments = 0;

/** A deployment that no other test uses. */
export function newDeployment(): string {
  deployments += 1;
  return `test-${deployments}`;
}

/** A store on these servers, with a virtual clock unless another is given. */
export function openStore(
  { addresses }: NatsServers,
  options: Partial<JetStreamStoreOptions> = {},
): Promise<JetStreamStore> {
  return openJetStreamStore({
    nats: { servers: addresses },
    deployment: newDeployment(),
    replicas: addresses.length,
    scheduler: new VirtualScheduler(1),
    retryScheduler: realScheduler,
    ...options,
  });
}
