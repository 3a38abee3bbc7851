import type { SettingReader } from './setting-reader.ts';
import { accepted, flag, type Parser, rejected } from './setting-value.ts';

/** What a person decides about the sidecar for the time of staging. */
export interface StagingSettings {
  readonly memoryMb: number;
  /** The process types that get a sidecar, each once; empty when what is set cannot be used. */
  readonly sidecarFor: readonly string[];
  readonly holdsApp: boolean;
}

/** Carries every load of `npm run bench:memory` with its outbox of 8 MiB full; docs/operators.md has the measurement. */
export const defaultMemoryMb = 128;
/** The smallest that survives those loads. With 64 the kernel takes back pages of the runtime that it needs all the time. */
export const leastMemoryMb = 96;

/** Reads the settings; what is wrong with them is on the reader's list of faults. */
export function readStagingSettings(reader: SettingReader): StagingSettings {
  const types = { variable: 'SIDECAR_FOR' } as const;
  return {
    memoryMb: reader.read({ variable: 'SIDECAR_MEMORY' }, megabytes, defaultMemoryMb),
    sidecarFor: reader.read(types, processTypes, reader.raw(types) === undefined ? ['web'] : []),
    holdsApp: reader.read({ variable: 'SIDECAR_HOLD_APP' }, flag, false),
  };
}

/** A sidecar's memory in whole megabytes. */
export const megabytes: Parser<number> = (raw) =>
  typeof raw === 'string' && /^\d{1,6}$/.test(raw) && Number(raw) >= leastMemoryMb
    ? accepted(Number(raw))
    : rejected('not-megabytes', `a whole number of megabytes without a unit, at least ${leastMemoryMb}, such as 128`);

const processTypes: Parser<readonly string[]> = (raw) => {
  const names = String(raw)
    .split(',')
    .map((name) => name.trim());
  return names.every((name) => /^[A-Za-z0-9_-]{1,255}$/.test(name))
    ? accepted([...new Set(names)])
    : rejected('malformed', 'comma-separated process types of `A-Z a-z 0-9 _ -`, such as `web,worker`');
};
