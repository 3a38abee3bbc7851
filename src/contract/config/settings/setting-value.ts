import { parseDurationMs } from '../../../base/time/duration.ts';

/** The result for a raw value: the checked value, or what was expected. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      /** Last part of the error id, such as `not-json`. */
      readonly fault: string;
      /** Completes "It must be". */
      readonly expected: string;
      /** Added to the error if the value alone does not show the problem. */
      readonly detail?: string;
    };

/** The unit of a number. */
export type Unit = 'ms' | 'bytes' | 'percent';

/** The part of JSON Schema that describes the values which a parser may accept in a YAML file. */
export interface ValueSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly (string | boolean)[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly items?: object;
  readonly anyOf?: readonly ValueSchema[];
}

/** The properties of a parser's values. */
export interface ParserTraits {
  /** For a number. Absent: a count, or not a number. */
  readonly unit?: Unit;
  /** The type's name in Compose. Absent: `string`. */
  readonly composeType?: 'integer' | 'boolean';
  /** Absent: any text. */
  readonly schema?: ValueSchema;
}

/** Reads a raw value: a string from the environment, or any value of YAML. */
export type Parser<T> = ((raw: unknown) => Parsed<T>) & ParserTraits;

/** A parser with its traits. */
export function parserOf<T>(traits: ParserTraits, parse: (raw: unknown) => Parsed<T>): Parser<T> {
  return Object.assign(parse, traits);
}

export const accepted = <T>(value: T): Parsed<T> => ({ ok: true, value });

export function rejected(fault: string, expected: string, detail?: string): Parsed<never> {
  return { ok: false, fault, expected, ...(detail === undefined ? {} : { detail }) };
}

/** @example duration('8s') // 8000 milliseconds */
export const duration: Parser<number> = parserOf(
  { unit: 'ms', schema: textLike(/^\s*0*[1-9]\d*(ms|s|m|h)\s*$/) },
  (raw) => {
    const ms = typeof raw === 'string' ? parseDurationMs(raw) : undefined;
    return ms === undefined || ms === 0
      ? rejected('not-a-duration', 'a duration above zero such as `500ms`, `8s` or `10m`')
      : accepted(ms);
  },
);

function textLike(pattern: RegExp): ValueSchema {
  return { type: 'string', pattern: pattern.source };
}

const bytesOf: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** @example byteCount('8MiB') // 8388608 */
export const byteCount: Parser<number> = parserOf(
  { unit: 'bytes', schema: textLike(/^\s*0*[1-9]\d* ?(B|KiB|MiB|GiB)\s*$/) },
  (raw) => {
    const match = /^(\d{1,9}) ?(B|KiB|MiB|GiB)$/.exec(typeof raw === 'string' ? raw.trim() : '');
    const bytes = Number(match?.[1] ?? 0) * (bytesOf[match?.[2] ?? ''] ?? 0);
    return bytes > 0 ? accepted(bytes) : rejected('not-a-size', 'a size above zero such as `64KiB` or `8MiB`');
  },
);

/** A whole number from 1 to `maximum`, written as a number or as its digits. */
export function countUpTo(maximum: number): Parser<number> {
  return parserOf(
    {
      composeType: 'integer',
      schema: { anyOf: [{ type: 'integer', minimum: 1, maximum }, textLike(/^0*[1-9]\d{0,6}$/)] },
    },
    (raw) => {
      const value = typeof raw === 'string' && /^\d{1,7}$/.test(raw) ? Number(raw) : raw;
      return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maximum
        ? accepted(value)
        : rejected('not-a-count', `a whole number from 1 to ${maximum}`);
    },
  );
}

export const count = countUpTo(1_000_000);

/** @example percent('85%') // 85 */
export const percent: Parser<number> = parserOf({ unit: 'percent', schema: textLike(/^0*([1-9]\d?|100)%$/) }, (raw) => {
  const value = typeof raw === 'string' && /^\d{1,3}%$/.test(raw) ? Number.parseInt(raw, 10) : 0;
  return value >= 1 && value <= 100
    ? accepted(value)
    : rejected('not-a-percentage', 'a whole number from 1 to 100 with a percent sign, such as `85%`');
});

export const flag: Parser<boolean> = parserOf(
  { composeType: 'boolean', schema: { enum: [true, false, 'true', 'false'] } },
  (raw) => {
    if (raw === true || raw === 'true') return accepted(true);
    if (raw === false || raw === 'false') return accepted(false);
    return rejected('not-a-flag', '`true` or `false`');
  },
);

export const text: Parser<string> = parserOf({ schema: textLike(/\S/) }, (raw) =>
  typeof raw === 'string' && raw.trim() !== ''
    ? accepted(raw.trim())
    : rejected('not-text', 'a text that is not empty'),
);

export function oneOf<const T extends string>(choices: readonly T[]): Parser<T> {
  return parserOf({ schema: { enum: choices } }, (raw) => {
    const choice = choices.find((candidate) => candidate === raw);
    return choice === undefined
      ? rejected('unknown-value', `one of ${choices.map((name) => `\`${name}\``).join(', ')}`)
      : accepted(choice);
  });
}

const poolTypePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

export const poolType: Parser<string> = parserOf({ schema: textLike(poolTypePattern) }, (raw) =>
  typeof raw === 'string' && poolTypePattern.test(raw)
    ? accepted(raw)
    : rejected('malformed', 'a letter and then at most 63 of `A-Z a-z 0-9 _ -`, such as `OMSPool`'),
);

const textOrList = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };

/** Capability tags: comma-separated, or a list in YAML. Repeats are dropped. */
export const tags: Parser<readonly string[]> = parserOf({ schema: textOrList }, (raw) => {
  const items: readonly unknown[] = typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : [undefined];
  const names = items.map((item) => (typeof item === 'string' ? item.trim() : '')).filter((name) => name !== '');
  const everyItemIsText = items.every((item) => typeof item === 'string');
  const wrong = names.find((name) => !/^[A-Za-z0-9_.:/=-]{1,64}$/.test(name));
  return !everyItemIsText || wrong !== undefined
    ? rejected(
        'malformed',
        'comma-separated tags, each of 1 to 64 of `A-Z a-z 0-9 _ . : / = -`',
        wrong && `the tag "${wrong}"`,
      )
    : accepted([...new Set(names)]);
});
