import type { Random } from '../../base/random.ts';

/** W3C trace context, in the form of its two headers: https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string;
}

// An unknown later version may append fields. Version 00 has none, and ff is forbidden.
const traceparentPattern = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?$/;
const tracestatePattern = /^[\t -~]*$/;

/**
 * The trace id of a traceparent. Undefined if it is absent or invalid.
 * @example traceIdOf('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01') // '0af7651916cd43dd8448eb211c80319c'
 */
export function traceIdOf(traceparent: string): string | undefined {
  const [, version, traceId, more] = traceparentPattern.exec(traceparent) ?? [];
  return version === '00' && more !== undefined ? undefined : traceId;
}

/** The context, without an invalid tracestate. Undefined without a valid traceparent. */
export function validTrace({ traceparent, tracestate }: TraceContext): TraceContext | undefined {
  if (traceIdOf(traceparent) === undefined) return undefined;
  return { traceparent, tracestate: tracestatePattern.test(tracestate) ? tracestate : '' };
}

/**
 * The trace of a message: its own, or a new one, not sampled, if it has no valid traceparent. As the specification requires, a restarted
 * trace drops the tracestate.
 */
export function traceContextOf(given: TraceContext, random: Random): TraceContext {
  return validTrace(given) ?? { traceparent: `00-${randomHex(random, 4)}-${randomHex(random, 2)}-00`, tracestate: '' };
}

/** Eight digits per word. The last word is never zero, since an id of only zeros is invalid. */
function randomHex(random: Random, words: number): string {
  const wordAt = (index: number): number =>
    index === words - 1 ? 1 + Math.floor(random.next() * 0xffffffff) : Math.floor(random.next() * 2 ** 32);
  return Array.from({ length: words }, (_none, index) => wordAt(index).toString(16).padStart(8, '0')).join('');
}
