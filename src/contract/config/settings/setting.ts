import type { Environment } from '../environment.ts';
import type { PlatformIdentity } from '../platform-identity.ts';
import type { Parsed, ParserTraits } from './setting-value.ts';

/** The reader of a setting: the buildpack while staging, the sidecar while running, or the plugin. */
export type SettingReadBy = 'staging' | 'run' | 'plugin';

export type ComposeCommand = 'up' | 'down' | 'stop' | 'pull';

/** Why a topic pattern is not valid, or undefined. The grammar belongs to contract/wire. */
export type CheckPattern = (pattern: string) => string | undefined;

/** What a parser may need besides the raw value. */
export interface SettingContext {
  /** Undefined if the platform's description of the process cannot be read. */
  readonly platform: PlatformIdentity | undefined;
  /** PORT of the environment. */
  readonly platformPort: string | undefined;
  readonly checkPattern: CheckPattern;
}

export type SettingParser<T> = ((raw: unknown, context: SettingContext) => Parsed<T>) & ParserTraits;

/** How a setting appears in `provider.options` of a Compose file. */
export interface ComposeOptionSpec {
  readonly name: string;
  /** Present if the option's meaning differs from the variable's. */
  readonly meaning?: string;
  readonly default?: string;
  /** The option may be a list. */
  readonly repeats?: true;
  /** The option is a file of Compose's machine. The container sees it under this path. */
  readonly mountedAt?: string;
  /** The provider's commands that take the option. Absent: `up` only. */
  readonly commands?: readonly ComposeCommand[];
}

interface SettingEntry<T> {
  /** The environment variable. */
  readonly variable?: string;
  /** The dotted key of the SIDECAR_CONFIG file. */
  readonly key?: string;
  readonly option?: ComposeOptionSpec;
  readonly meaning: string;
  /** A value that the parser accepts. */
  readonly example?: string;
  /** What applies without a value, where a default cannot be written down. */
  readonly unset?: string;
  /** Replaces a wrong value. Absent: the default does. */
  readonly whenWrong?: T;
  /** The sidecar does not start without a value. */
  readonly isRequired?: true;
  /** The default on Cloud Foundry, if it differs. */
  readonly onCloudFoundry?: string;
  /** Absent: `run` only. */
  readonly readBy?: readonly SettingReadBy[];
  /** The value is never printed. */
  readonly secret?: true;
  readonly parse: SettingParser<T>;
}

/** One setting, with all information for programs, docs and schemas. `V` is its checked value. */
export interface Setting<V = unknown> extends SettingEntry<unknown> {
  /** As a person writes it. */
  readonly default?: string;
  /** Makes the value of a setting that depends on the platform, or rejects its absence. */
  readonly whenUnset?: (context: SettingContext) => Parsed<unknown>;
  /** Exists for its type only. */
  readonly value?: V;
}

/** Declares a setting that always has a value. */
export function setting<T>(
  entry: SettingEntry<T> &
    ({ readonly default: string } | { readonly whenUnset: (context: SettingContext) => Parsed<T> }),
): Setting<T>;
/** Declares a setting that may have no value. */
export function setting<T>(entry: SettingEntry<T>): Setting<T | undefined>;
export function setting<T>(entry: SettingEntry<T>): Setting<T | undefined> {
  return entry as Setting<T | undefined>;
}

export interface SettingGroup {
  readonly [name: string]: Setting | SettingGroup;
}

/** The values of a group of settings, by the group's own names. */
export type SettingValues<G> = G extends Setting<infer V> ? V : { readonly [N in keyof G]: SettingValues<G[N]> };

/** Every setting of a group and of the groups in it, in their order. */
export function settingsIn(group: SettingGroup): Setting[] {
  return Object.values(group).flatMap((entry) => (isSetting(entry) ? [entry] : settingsIn(entry)));
}

export function isSetting(entry: Setting | SettingGroup): entry is Setting {
  return typeof entry['parse'] === 'function';
}

/** The default for a person, such as `30s` or `for ever; on Cloud Foundry 50s`. Empty: there is none. */
export function defaultText({ default: preset, unset, isRequired, onCloudFoundry }: Setting): string {
  const elsewhere = preset ?? unset ?? (isRequired && 'required');
  if (onCloudFoundry === undefined) return elsewhere ?? '';
  return `${elsewhere}; on Cloud Foundry ${onCloudFoundry}`;
}

/** The parts of the environment that a parser may need. */
export function contextOf(environment: Environment, given: Partial<SettingContext> = {}): SettingContext {
  return {
    platform: undefined,
    platformPort: environment['PORT']?.trim() || undefined,
    checkPattern: () => undefined,
    ...given,
  };
}
