import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';

/** The most characters of a payload in one line. `--json` has all of it. */
const shownCharacters = 4_096;

/** Control characters, invisible formatting such as changes of direction, line separators, and unassigned code points. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;
const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * A text that cannot control a terminal.
 * @example printable('a\u001b[2J') // 'a\\u001b[2J'
 */
export function printable(text: string): string {
  return text.replaceAll(unprintable, (character) => shortEscapes[character] ?? escaped(character));
}

/** A value as JSON in one line, in which also characters are escaped that a terminal would obey. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replaceAll(unprintable, escaped)}\n`;
}

/** In the form of JSON: one escape for each unit of UTF-16. */
function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Undefined when the payload is not UTF-8. */
export function textOf(payload: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    return undefined;
  }
}

/** A printable text, or base64 after `base64:` when the payload is not UTF-8. */
export function payloadText(payload: Uint8Array): string {
  const text = textOf(payload);
  return text === undefined ? `base64:${Buffer.from(payload).toString('base64')}` : printable(text);
}

/** A printable text of at most so many characters. One that is longer ends in `…`. */
export function shortened(text: string, charactersMax: number): string {
  const shown = printable(text);
  return shown.length > charactersMax ? `${shown.slice(0, charactersMax - 1)}…` : shown;
}

/** One line: time, topic, publisher and payload. */
export function messageLine({ meta, payload }: Envelope): string {
  const shown = payloadText(payload);
  const cut = shown.length > shownCharacters ? `${shown.slice(0, shownCharacters)}… (${payload.length} bytes)` : shown;
  const fields = [timeOf(meta?.publishedAtNs), meta?.topic ?? '', meta?.publisherInstanceId ?? ''];
  return `${[...fields.map(printable), cut].join('  ')}\n`;
}

/** One JSON object in one line, with the whole payload. */
export function messageJson({ meta, payload, payloadType }: Envelope): string {
  return jsonLine({
    publishedAt: timeOf(meta?.publishedAtNs),
    topic: meta?.topic,
    publisher: meta?.publisherInstanceId,
    messageId: meta?.messageId,
    correlationId: meta?.correlationId,
    causationId: meta?.causationId,
    dedupKey: meta?.dedupKey,
    schemaVersion: meta?.schemaVersion,
    traceparent: meta?.traceparent,
    payloadType,
    ...payloadFields(payload),
  });
}

/** `payload` as text, or `payloadBase64` when it is not UTF-8. */
export function payloadFields(payload: Uint8Array): { payload: string } | { payloadBase64: string } {
  const text = textOf(payload);
  return text === undefined ? { payloadBase64: Buffer.from(payload).toString('base64') } : { payload: text };
}

/** The latest time that a Date can have: https://tc39.es/ecma262/#sec-time-values-and-time-range */
const latestMs = 8_640_000_000_000_000n;

/** A time in nanoseconds since the Unix epoch, as ISO 8601. */
export function timeOf(ns = 0n): string {
  const ms = ns / 1_000_000n;
  return new Date(Number(ms > latestMs ? latestMs : ms < 0n ? 0n : ms)).toISOString();
}
