import { isUint8Array } from 'node:util/types';
import { closestName } from '../base/closest-name.ts';

/** A kind of argument: its name in errors, and a check of the value. */
export interface Kind {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

type Kinds = Readonly<Record<string, Kind>>;

const int64Max = 2n ** 63n - 1n;

export const text: Kind = {
  expected: 'a string of valid Unicode',
  holds: (value) => typeof value === 'string' && value.isWellFormed(),
};

export const bytes: Kind = {
  expected: 'a Uint8Array, such as Buffer.from("text")',
  holds: isUint8Array,
};

export const flag: Kind = {
  expected: 'true or false',
  holds: (value) => typeof value === 'boolean',
};

export const callback: Kind = {
  expected: 'a function',
  holds: (value) => typeof value === 'function',
};

export const nanoseconds: Kind = {
  expected: 'a bigint from 0 to 2n ** 63n - 1n, in nanoseconds since 1970',
  holds: (value) => typeof value === 'bigint' && value >= 0n && value <= int64Max,
};

export const logger: Kind = {
  expected: 'an object with the functions debug, info, warn and error',
  holds: (value) =>
    isObject(value) && ['debug', 'info', 'warn', 'error'].every((name) => typeof value[name] === 'function'),
};

/** A whole number within bounds. */
export function whole(min: number, max: number): Kind {
  return {
    expected: `a whole number from ${min} to ${max}`,
    holds: (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  };
}

/** An object with these members and no others. */
export function members(kinds: Kinds): Kind {
  const described = Object.entries(kinds).map(([name, { expected }]) => `\`${name}\` (${expected})`);
  return {
    expected: `an object with ${described.join(' and ')}`,
    holds: (value) =>
      isObject(value) &&
      Object.keys(value).every((name) => Object.hasOwn(kinds, name)) &&
      Object.entries(kinds).every(([name, kind]) => kind.holds(value[name])),
  };
}

/** @throws TypeError that names the call and the argument, the kind of value it got and the kind it needs. */
export function checkArgument(call: string, name: string, value: unknown, kind: Kind): void {
  if (kind.holds(value)) return;
  throw new TypeError(`${call}: ${name} is ${describe(value)}; it must be ${kind.expected}`);
}

/**
 * Checks the members of an object, such as options; undefined members count as absent.
 * @throws TypeError for a value of another kind, and for an unknown name, with the nearest known name.
 */
export function checkMembers(call: string, name: string, value: unknown, kinds: Kinds): void {
  const isPlain = isObject(value) && !Array.isArray(value) && !isUint8Array(value);
  if (!isPlain) throw new TypeError(`${call}: ${name} is ${describe(value)}; it must be an object`);
  for (const [member, given] of Object.entries(value)) {
    const kind = Object.hasOwn(kinds, member) ? kinds[member] : undefined;
    if (!kind) throw new TypeError(`${call}: there is no ${name}.${member}; ${nearest(member, Object.keys(kinds))}`);
    if (given !== undefined) checkArgument(call, `${name}.${member}`, given, kind);
  }
}

/** @throws TypeError as `checkMembers` does */
export function checkOptions(call: string, options: unknown, kinds: Kinds): void {
  checkMembers(call, 'options', options, kinds);
}

function nearest(name: string, known: readonly string[]): string {
  const letters = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const close = known.find((each) => letters(each) === letters(name)) ?? closestName(name, known);
  return close === undefined ? `there are ${known.join(', ')}` : `did you mean ${close}?`;
}

/** Names the kind of value, and never the value, which may be secret. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return `${value === null ? 'null' : 'missing'}`;
  if (typeof value === 'object') return `an object of ${Object.getPrototypeOf(value)?.constructor?.name ?? 'no class'}`;
  return typeof value === 'number' || typeof value === 'bigint' ? `the ${typeof value} ${value}` : `a ${typeof value}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
