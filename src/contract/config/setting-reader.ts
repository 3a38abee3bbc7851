import { UserFacingError } from '../../base/user-facing-error.ts';
import type { FileValue } from './config-file.ts';
import { type Environment, type EnvironmentVariableName, environmentVariables, readVariable } from './environment.ts';
import { exitCodes } from './exit-codes.ts';
import { type Parsed, type Parser, type Unit, unitOf } from './setting-value.ts';

/** Where a setting may come from: a variable, and behind it a key of the configuration file. */
export interface SettingName {
  readonly variable?: EnvironmentVariableName;
  readonly key?: string;
}

/** What became of one setting, for whoever shows all of them. */
export interface Reading {
  /** The variable, or the key where there is none. */
  readonly name: string;
  /** As checked, or the default; undefined when it is set nowhere or is wrong. */
  readonly value: unknown;
  /** Of a number; undefined: it counts something. */
  readonly unit: Unit | undefined;
  /** The variable, the file with its line, or the service that it comes from; undefined: it is the default. */
  readonly origin: string | undefined;
  /** It is set to something that cannot be used; the fault is on the list. */
  readonly isWrong: boolean;
}

/** Looks settings up in their order of precedence and gathers every fault, so that one pass finds them all. */
export class SettingReader {
  readonly faults: UserFacingError[] = [];
  readonly #readings = new Map<string, Reading>();
  readonly #environment: Environment;
  readonly #filePath: string;
  readonly #fileValues: ReadonlyMap<string, FileValue>;

  constructor(environment: Environment, filePath: string, fileValues: ReadonlyMap<string, FileValue>) {
    this.#environment = environment;
    this.#filePath = filePath;
    this.#fileValues = fileValues;
  }

  /** The checked value, or the fallback when it is set nowhere or is wrong; the fault is then on the list. */
  read<T, F>(name: SettingName, parse: Parser<T>, fallback: F): T | F {
    const raw = this.raw(name);
    const unit = unitOf(parse);
    this.#note(name, { value: fallback, origin: undefined, isWrong: false, unit });
    return raw === undefined ? fallback : this.check(name, raw, parse(raw), fallback);
  }

  /** Every setting that was looked up, in that order, each as it was found last. */
  get readings(): readonly Reading[] {
    return [...this.#readings.values()];
  }

  /** Takes down what a setting got from elsewhere, such as a bound service; undefined: from there it is wrong. */
  noteFrom(origin: string, name: SettingName, value: unknown): void {
    this.#note(name, { value, origin, isWrong: value === undefined });
  }

  /** What is written for a setting, unchecked. */
  raw(name: SettingName): unknown {
    const fromEnvironment = name.variable && readVariable(this.#environment, name.variable);
    return fromEnvironment ?? (name.key === undefined ? undefined : this.#fileValues.get(name.key)?.value);
  }

  isInEnvironment(name: SettingName): boolean {
    return name.variable !== undefined && readVariable(this.#environment, name.variable) !== undefined;
  }

  /** Where a setting's value comes from, such as `POOL_TYPE` or `sidecar.yml, line 3`; undefined when it is set nowhere. */
  originOf(name: SettingName): string | undefined {
    if (this.raw(name) === undefined) return undefined;
    const line = this.#fileLine(name);
    return line === undefined ? name.variable : `${this.#filePath}, line ${line}`;
  }

  /** Unpacks what a parser made of a raw value, with the fault on the list when it rejected it. */
  check<T, F>(name: SettingName, raw: unknown, parsed: Parsed<T>, fallback: F): T | F {
    const origin = this.originOf(name);
    this.#note(name, { value: parsed.ok ? parsed.value : undefined, origin, isWrong: !parsed.ok });
    if (parsed.ok) return parsed.value;
    this.faults.push(this.#fault(name, raw, parsed));
    return fallback;
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
    const secret = name.variable !== undefined && 'secret' in environmentVariables[name.variable];
    if (secret) return 'cannot be used as it is (its value is not shown)';
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

  /** The line that a setting's value comes from; undefined when it comes from the environment or from nowhere. */
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

/** A fault of configuration: exit code 78 and the id `config/<subject>/<fault>`. */
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

/** Credentials stand before an `@` or in a query. */
function withoutCredentials(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw;
  return raw.replace(/^([a-z]+:\/\/)?.*@/i, '$1(credentials)@').replace(/[?#].*$/, '?…');
}

const longestShown = 120;

function quote(raw: unknown): string {
  const shown = typeof raw === 'symbol' ? 'a YAML alias' : (JSON.stringify(raw) ?? String(raw));
  return shown.length > longestShown ? `${shown.slice(0, longestShown)}…` : shown;
}
