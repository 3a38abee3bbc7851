import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The memory, processor time and delay of the process. */
export interface ProcessUsage {
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  /** The longest delay of the event loop since the last reading. */
  readonly eventLoopDelaySecondsMax: number;
}

/** Reads the usage of this process; measuring the event loop begins with this call. */
export function processUsageReader(): () => ProcessUsage {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  return () => {
    const { heapUsed, rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const eventLoopDelaySecondsMax = delay.max / 1e9;
    delay.reset();
    return {
      heapBytes: heapUsed,
      residentBytes: rss,
      cpuSeconds: (user + system) / 1e6,
      eventLoopDelaySecondsMax,
    };
  };
}
