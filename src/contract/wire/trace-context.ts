import type { Random } from '../../base/random.ts';

/** W3C trace context, in the form of its two headers: https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string;
}

// An unknown later version may append fields. Version 00 has 55 characters and no more, and ff is forbidden.
const traceparentPattern =
  /^(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[!-~]*)?$/;
const tracestatePattern = /^[\t -~]*$/;

/** Where the ids and the flags of a traceparent begin. */
const [traceIdAt, parentIdAt, flagsAt] = [3, 36, 53];
const traceIdDigits = 32;

/** A traceparent of version 00, not sampled. Each new trace writes its ids into it and takes a copy. */
const draft = Buffer.from(`00-${'0'.repeat(traceIdDigits)}-${'0'.repeat(16)}-00`);
const digits = Buffer.from('0123456789abcdef');
/** By character code. */
const digitValues = new Int8Array(128).fill(-1);
for (const [value, code] of digits.entries()) digitValues[code] = value;

/**
 * The trace id of a traceparent. Undefined if it is absent or invalid.
 * @example traceIdOf('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01') // '0af7651916cd43dd8448eb211c80319c'
 */
export function traceIdOf(traceparent: string): string | undefined {
  return isValid(traceparent) ? traceparent.slice(traceIdAt, traceIdAt + traceIdDigits) : undefined;
}

/** The context, without an invalid tracestate. Undefined without a valid traceparent. */
export function validTrace({ traceparent, tracestate }: TraceContext): TraceContext | undefined {
  if (!isValid(traceparent)) return undefined;
  return { traceparent, tracestate: tracestatePattern.test(tracestate) ? tracestate : '' };
}

/**
 * The trace of a message: its own, or a new one, not sampled, if it has no valid traceparent. As the specification requires, a restarted
 * trace drops the tracestate.
 */
export function traceContextOf(given: TraceContext, random: Random): TraceContext {
  return validTrace(given) ?? { traceparent: newTraceparent(random), tracestate: '' };
}

function isValid(traceparent: string): boolean {
  return isVersion00(traceparent) || (traceparent !== '' && traceparentPattern.test(traceparent));
}

/** Nearly all are of this version, and every message has one: this takes a quarter of the pattern's time. */
function isVersion00(traceparent: string): boolean {
  return (
    traceparent.length === draft.length &&
    traceparent.startsWith('00-') &&
    traceparent[parentIdAt - 1] === '-' &&
    traceparent[flagsAt - 1] === '-' &&
    digitsIn(traceparent, traceIdAt, parentIdAt - 1) > 0 &&
    digitsIn(traceparent, parentIdAt, flagsAt - 1) > 0 &&
    digitsIn(traceparent, flagsAt, draft.length) >= 0
  );
}

/** The bits of all digits in a part of the text, joined by OR: 0 if all digits are 0. Negative if there is another character. */
function digitsIn(text: string, start: number, end: number): number {
  let bits = 0;
  for (let index = start; index < end; index += 1) bits |= digitValues[text.charCodeAt(index)] ?? -1;
  return bits;
}

function newTraceparent(random: Random): string {
  writeId(random, traceIdAt, 4);
  writeId(random, parentIdAt, 2);
  return draft.toString('latin1');
}

/** Eight digits per word. The last word is never zero, since an id of only zeros is invalid. */
function writeId(random: Random, start: number, words: number): void {
  for (let word = 1; word <= words; word += 1) {
    const drawn = word < words ? Math.floor(random.next() * 2 ** 32) : 1 + Math.floor(random.next() * 0xffffffff);
    writeWord(drawn, start + (word - 1) * 8);
  }
}

function writeWord(word: number, start: number): void {
  for (let index = 0; index < 8; index += 1) draft[start + index] = digits[(word >>> (28 - 4 * index)) & 15] ?? 0;
}
