import { UserFacingError } from '../../../base/user-facing-error.ts';
import { type Environment, readVariable } from '../environment.ts';
import { exitCodes } from '../exit-codes.ts';
import type { FileValue } from './config-file.ts';
import { contextOf, type Setting, type SettingContext } from './setting.ts';
import type { Parsed, Unit } from './setting-value.ts';

/** The sources of a setting: a variable, then a key of the configuration file. */
export type SettingName = Pick<Setting, 'variable' | 'key' | 'secret'>;

/** The result of reading one setting, for reports that show all of them. */
export interface Reading {
  /** The variable. Without one, the key. */
  readonly name: string;
  /** The checked value or the default. Undefined if it is unset or wrong. */
  readonly value: unknown;
  /** For a number. Undefined: it is a count. */
  readonly unit: Unit | undefined;
  /** The variable, the file with its line, or the service. Undefined: the default. */
  readonly origin: string | undefined;
  /** The value cannot be used. The error is on the list. */
  readonly isWrong: boolean;
}

export interface SettingSources {
  readonly environment: Environment;
  /** Only for messages. */
  readonly filePath?: string;
  /** Of the configuration file, by dotted key. */
  readonly fileValues?: ReadonlyMap<string, FileValue>;
  readonly context?: Partial<SettingContext>;
}

/** Looks settings up in order of precedence and collects every error, so that one pass finds them all. */
export class SettingReader {
  readonly errors: UserFacingError[] = [];
  readonly #readings = new Map<string, Reading>();
  readonly #environment: Environment;
  readonly #filePath: string;
  readonly #fileValues: ReadonlyMap<string, FileValue>;
  readonly #context: SettingContext;

  constructor(sources: SettingSources) {
    this.#environment = sources.environment;
    this.#filePath = sources.filePath ?? '';
    this.#fileValues = sources.fileValues ?? new Map();
    this.#context = contextOf(sources.environment, sources.context);
  }

  /** The checked value. The default if it is unset or wrong; a wrong value's error is on the list. */
  read<V>(setting: Setting<V>): V {
    const raw = this.raw(setting);
    const fallback = this.#default(setting);
    this.#note(setting, { value: fallback, origin: undefined, isWrong: false, unit: setting.parse.unit });
    const parsed = raw === undefined ? setting.whenUnset?.(this.#context) : setting.parse(raw, this.#context);
    return (parsed === undefined ? fallback : this.check(setting, raw, parsed, setting.whenWrong ?? fallback)) as V;
  }

  /** Every setting that was looked up, in that order, with its latest result. */
  get readings(): readonly Reading[] {
    return [...this.#readings.values()];
  }

  /** Records a value from elsewhere, such as a bound service. Undefined: the value from there is wrong. */
  noteFrom(origin: string, name: SettingName, value: unknown): void {
    this.#note(name, { value, origin, isWrong: value === undefined });
  }

  /** The unchecked value of a setting. */
  raw(name: SettingName): unknown {
    const fromEnvironment = name.variable && readVariable(this.#environment, name.variable);
    return fromEnvironment ?? this.inFile(name);
  }

  /** The configuration file's value, even if the environment has one. */
  inFile(name: SettingName): unknown {
    return name.key === undefined ? undefined : this.#fileValues.get(name.key)?.value;
  }

  isInEnvironment(name: SettingName): boolean {
    return name.variable !== undefined && readVariable(this.#environment, name.variable) !== undefined;
  }

  /** The source of a setting's value, such as `POOL_TYPE` or `sidecar.yml, line 3`. Undefined if it is unset. */
  originOf(name: SettingName): string | undefined {
    if (this.raw(name) === undefined) return undefined;
    const line = this.#fileLine(name);
    return line === undefined ? name.variable : `${this.#filePath}, line ${line}`;
  }

  /** Unpacks a parser's result. If the parser rejected the raw value, adds the error to the list. */
  check<T, F>(name: SettingName, raw: unknown, parsed: Parsed<T>, fallback: F): T | F {
    const origin = this.originOf(name);
    this.#note(name, { value: parsed.ok ? parsed.value : undefined, origin, isWrong: !parsed.ok });
    if (parsed.ok) return parsed.value;
    this.errors.push(this.#fault(name, raw, parsed));
    return fallback;
  }

  #default({ default: preset, onCloudFoundry, parse, whenUnset }: Setting): unknown {
    if (whenUnset) return undefined;
    const written = this.#context.platform?.onCloudFoundry ? (onCloudFoundry ?? preset) : preset;
    const parsed = written === undefined ? undefined : parse(written, this.#context);
    return parsed?.ok ? parsed.value : undefined;
  }

  #note(name: SettingName, found: Omit<Reading, 'name' | 'unit'> & { readonly unit?: Unit | undefined }): void {
    const key = name.variable ?? name.key ?? '';
    this.#readings.set(key, { unit: this.#readings.get(key)?.unit, ...found, name: key });
  }

  #fault(name: SettingName, raw: unknown, rejection: Parsed<unknown> & { ok: false }): UserFacingError {
    const detail = rejection.detail === undefined ? '' : `: ${rejection.detail}`;
    const state = `${raw === undefined ? 'is not set' : this.#shown(name, raw)}${detail}`;
    return settingFault({
      subject: subjectOf(name),
      fault: rejection.fault,
      found: `${this.#source(name)} ${state}`,
      expected: `It must be ${rejection.expected}.`,
      next: `${raw === undefined ? 'Set' : 'Correct'} ${this.#place(name)} and try again.`,
    });
  }

  #shown(name: SettingName, raw: unknown): string {
    if (name.secret) return 'cannot be used as it is (its value is not shown)';
    if (name.variable === 'SIDECAR_BUS_API_URL') return `is ${quote(withoutCredentials(raw))}`;
    return `is ${quote(raw)}`;
  }

  #source(name: SettingName): string {
    const line = this.#fileLine(name);
    if (line !== undefined) return `${this.#filePath}, line ${line}: \`${name.key}\``;
    return name.variable ?? `\`${name.key}\``;
  }

  #place(name: SettingName): string {
    const line = this.#fileLine(name);
    return line === undefined ? (name.variable ?? `\`${name.key}\``) : `line ${line}`;
  }

  /** The line of a setting's value. Undefined if the value comes from the environment or is unset. */
  #fileLine(name: SettingName): number | undefined {
    if (this.isInEnvironment(name)) return undefined;
    return name.key === undefined ? undefined : this.#fileValues.get(name.key)?.line;
  }
}

export interface SettingFault {
  /** Middle part of the error id, such as `pool-type`. */
  readonly subject: string;
  readonly fault: string;
  readonly found: string;
  readonly expected: string;
  readonly next: string;
}

/** A configuration error: exit code 78 and the id `config/<subject>/<fault>`. */
export function settingFault(fault: SettingFault): UserFacingError {
  return new UserFacingError({
    id: `config/${fault.subject}/${fault.fault}`,
    found: fault.found,
    expected: fault.expected,
    next: [fault.next],
    exitCode: exitCodes.configuration,
  });
}

/** @example subjectOf({ variable: 'POOL_TYPE' }) // 'pool-type' */
function subjectOf(name: SettingName): string {
  const written = name.variable?.replace(/^SIDECAR_/, '') ?? name.key ?? '';
  return written.toLowerCase().replaceAll(/[_.]/g, '-');
}

/** Credentials come before an `@` or in a query. */
function withoutCredentials(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw;
  return raw.replace(/^([a-z]+:\/\/)?.*@/i, '$1(credentials)@').replace(/[?#].*$/, '?…');
}

const longestShown = 120;

function quote(raw: unknown): string {
  const shown = typeof raw === 'symbol' ? 'a YAML alias' : (JSON.stringify(raw) ?? String(raw));
  return shown.length > longestShown ? `${shown.slice(0, longestShown)}…` : shown;
}
