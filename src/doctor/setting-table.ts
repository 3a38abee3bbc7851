import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/time/duration.ts';
import type { BusApiAddress, ListenAddress } from '../contract/config/addresses.ts';
import { Secret } from '../contract/config/bus/secret.ts';
import { type Environment, readVariable } from '../contract/config/environment.ts';
import type { RequestedGrant } from '../contract/config/requested-grants.ts';
import { defaultText, type SettingReadBy } from '../contract/config/settings/setting.ts';
import type { Reading } from '../contract/config/settings/setting-reader.ts';
import type { Unit } from '../contract/config/settings/setting-value.ts';
import { variableSettings } from '../contract/config/settings.ts';

/** One row of the table of settings; it never contains a secret. */
export interface ShownSetting {
  readonly name: string;
  /** For a person: `30s`, `set, not shown`, `not set`, `cannot be used`. */
  readonly value: string;
  /** Such as `environment`, `sidecar.yml, line 3`, `service "bus" of VCAP_SERVICES` or `default`. */
  readonly source: string;
}

export interface TableSources {
  readonly environment: Environment;
  readonly readings: readonly Reading[];
  /** The programs whose variables are shown. */
  readonly readers: readonly SettingReadBy[];
  /** The source of a variable, such as `environment`. */
  readonly sourceOf: (variable: string) => string;
}

/** Every setting: those that were read, and the variables of other programs, as written. */
export function settingTable({ environment, readings, readers, sourceOf }: TableSources): ShownSetting[] {
  const read = readings.map((reading) => ({
    name: reading.name,
    value: shownReading(reading),
    source: shownSource(reading, sourceOf),
  }));
  const others = [...variableSettings]
    .filter(([name, { readBy = onlyRun }]) => !readings.some((each) => each.name === name) && overlap(readBy, readers))
    .map(([name, variable]) => {
      const value = readVariable(environment, name);
      if (value !== undefined)
        return { name, value: variable.secret ? notShown : shortened(value), source: sourceOf(name) };
      return { name, value: defaultText(variable) || notSet, source: 'default' };
    });
  return [...read, ...others];
}

const onlyRun: readonly SettingReadBy[] = ['run'];
const notShown = 'set, not shown';
const notSet = 'not set';
const longestShown = 160;

function overlap(some: readonly SettingReadBy[], others: readonly SettingReadBy[]): boolean {
  return some.some((each) => others.includes(each));
}

function shownSource({ name, origin }: Reading, sourceOf: (variable: string) => string): string {
  if (origin === undefined) return 'default';
  return origin === name ? sourceOf(name) : origin;
}

function shownReading({ value, unit, isWrong }: Reading): string {
  if (isWrong) return 'cannot be used';
  if (typeof value === 'number' && unit !== undefined) return formatUnit[unit](value);
  return shortened(shownValue(value));
}

const formatUnit: Readonly<Record<Unit, (value: number) => string>> = {
  ms: formatDuration,
  bytes: formatBytes,
  percent: (value) => `${value}%`,
};

function shownValue(value: unknown): string {
  if (value === undefined) return notSet;
  if (value instanceof Secret) return notShown;
  if (Array.isArray(value)) return value.map(shownItem).join(', ') || 'none';
  if (typeof value !== 'object' || value === null) return String(value);
  if ('text' in value) return notShown;
  if ('file' in value) return String(value.file);
  return shownAddress(value as BusApiAddress | ListenAddress);
}

function shownItem(item: string | RequestedGrant): string {
  return typeof item === 'string' ? item : `${item.action} ${item.topic}`;
}

function shownAddress(value: BusApiAddress | ListenAddress): string {
  if (!('address' in value)) return `${value.host ?? ''}:${value.port}`;
  return value.scheme === undefined ? value.address : `${value.scheme}://${value.address}`;
}

/** On one line, since a value may contain control characters for a terminal. */
function shortened(text: string): string {
  const line = text.replaceAll(/\p{Cc}/gu, ' ');
  return line.length > longestShown ? `${line.slice(0, longestShown)}…` : line;
}
