import type { Lifetime } from '../../contract/config/bus/client-certificate.ts';

const noticeMs = 14 * 24 * 3_600_000;

/** Whether a certificate expires soon: in the last tenth of its life, and within two weeks. */
export function endsSoon({ fromMs, toMs }: Lifetime, nowMs: number): boolean {
  return toMs - nowMs < Math.min(noticeMs, (toMs - fromMs) / 10);
}

export function shownTime(ms: number): string {
  return new Date(ms).toISOString();
}
