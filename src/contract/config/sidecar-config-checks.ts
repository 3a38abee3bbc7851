import { type SettingReader, settingFault } from './settings/setting-reader.ts';
import type { SidecarSettings } from './settings/sidecar-settings.ts';

/** Adds contradictions between settings to the reader's list of errors. */
export function checkSidecarSettings(reader: SettingReader, values: SidecarSettings): void {
  checkShutdownBudget(reader, values.shutdown);
  const { callTimeoutMs, maxCallTimeoutMs, reconnect } = values;
  checkOrder(reader, ['timeouts.call', callTimeoutMs], ['timeouts.max_call', maxCallTimeoutMs]);
  checkOrder(reader, ['reconnect.first', reconnect.firstDelayMs], ['reconnect.max', reconnect.maxDelayMs]);
}

function checkShutdownBudget(reader: SettingReader, shutdown: SidecarSettings['shutdown']): void {
  const sumMs = shutdown.drainMs + shutdown.flushMs + shutdown.deregisterMs + shutdown.closeMs;
  if (sumMs <= shutdown.totalMs) return;
  reader.errors.push(
    settingFault({
      subject: 'shutdown',
      fault: 'over-budget',
      found: `The parts of \`shutdown\` take ${sumMs} ms and \`shutdown.total\` is ${shutdown.totalMs} ms`,
      expected: '`drain`, `flush`, `deregister` and `close` together must fit into `total`.',
      next: 'Shorten a part, or raise `shutdown.total`; platforms kill 10 s after the signal.',
    }),
  );
}

function checkOrder(reader: SettingReader, [low, lowMs]: [string, number], [high, highMs]: [string, number]): void {
  if (lowMs <= highMs) return;
  reader.errors.push(
    settingFault({
      subject: low.replaceAll(/[._]/g, '-'),
      fault: 'above-its-maximum',
      found: `\`${low}\` is ${lowMs} ms and \`${high}\` is ${highMs} ms`,
      expected: `\`${low}\` must be at most \`${high}\`.`,
      next: `Lower \`${low}\` or raise \`${high}\`.`,
    }),
  );
}
