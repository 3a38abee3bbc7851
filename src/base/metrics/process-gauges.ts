import type { MetricRegistry } from './metric-registry.ts';
import type { ProcessUsage } from './process-usage.ts';

/** Adds gauges of the memory, processor and event loop. */
export function addProcessGauges(registry: MetricRegistry, usage: () => ProcessUsage): void {
  let latest: ProcessUsage | undefined;
  // One reading serves one scrape, since it restarts the measurement of the delay. This gauge is read first.
  registry.gauge('process_heap_bytes', 'Heap of V8 in use', () => {
    latest = usage();
    return latest.heapBytes;
  });
  registry.gauge('process_resident_memory_bytes', 'Memory that the process holds', () => latest?.residentBytes ?? 0);
  registry.gauge(
    'event_loop_delay_seconds',
    'The longest that the event loop was late since the last scrape',
    () => latest?.eventLoopDelaySecondsMax ?? 0,
  );
  registry.countedElsewhere(
    'process_cpu_seconds_total',
    'CPU time that the process has used',
    () => latest?.cpuSeconds ?? 0,
  );
}
