import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The memory, processor time and delay of the process. */
export interface ProcessUsage {
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  /** The longest delay of the event loop since the last reading. */
  readonly eventLoopDelaySecondsMax: number;
}

/** How often the event loop is looked at. Each look wakes an idle process, and a delay may be shown as so much shorter. */
const lookEveryMs = 50;

/** Reads the usage of this process; measuring the event loop begins with this call. */
export function processUsageReader(): () => ProcessUsage {
  const delay = monitorEventLoopDelay({ resolution: lookEveryMs });
  delay.enable();
  return () => {
    const { heapUsed, rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    // What is measured is the time from one look to the next; without a look it is 0.
    const eventLoopDelaySecondsMax = Math.max(0, delay.max / 1e9 - lookEveryMs / 1e3);
    delay.reset();
    return {
      heapBytes: heapUsed,
      residentBytes: rss,
      cpuSeconds: (user + system) / 1e6,
      eventLoopDelaySecondsMax,
    };
  };
}
