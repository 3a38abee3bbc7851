import type { BusLogSettings } from './bus-log.ts';
import type { BusObservabilitySettings } from './bus-observability.ts';
import type { BusStoreSettings } from './bus-store.ts';
import type { BusConsoleSettings } from './console-port.ts';
import type { BusTlsPaths } from './tls-files.ts';

/** The settings of a bus that is a program of its own. */
export interface BusProgramSettings
  extends BusTlsPaths,
    BusStoreSettings,
    BusLogSettings,
    BusObservabilitySettings,
    BusConsoleSettings {
  /** Absent: everybody may do everything, and the bus listens on loopback only. */
  readonly policyFile: string | undefined;
  /** `host:port`, or `:port` for every IPv4 interface. */
  readonly listen: string;
  /** `host:port` where the other processes of a bus on NATS reach this one. Absent: where it listens. */
  readonly advertise?: string;
  readonly leaseMs: number;
  readonly drainTimeoutMs: number;
  readonly subscriptionIdleMs: number;
  readonly subscriptionIdleMaxMs: number;
}
