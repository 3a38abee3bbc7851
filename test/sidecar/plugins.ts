import { silentLog } from '../../src/base/log/log.ts';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { Plugin } from '../../src/plugin/plugin.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';

/** Our own plugin client in the test's process, without its signal handlers. */
export function connectPlugin(address: string): Promise<Plugin> {
  return Plugin.connect({
    network: grpcNetwork,
    scheduler: realScheduler,
    log: silentLog,
    address,
    schemaVersion: '1.0.0',
    waitTimeoutMs: 10_000,
  });
}
