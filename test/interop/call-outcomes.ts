import { createHash } from 'node:crypto';
import type { Result } from './peer-process.ts';

export const kib = 1_024;
export const mib = 1_024 * kib;

/** A status message that has to be percent-encoded, with what a naive encoder would break. */
export const awkwardMessage = 'Thema „größe“: 100 %41 voll 💥\n, Ende';

/** 8 KiB of printable text, of which Huffman's code shortens some and lengthens some. */
export const largeValue = Array.from({ length: 8 * kib }, (_, index) =>
  String.fromCharCode(0x21 + ((index * 7) % 94)),
).join('');

export const manyPairs = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-pair-${index}`, `value ${index}`]));

/** Bytes that repeat with a period that no frame has. */
export const patterned = (byteLength: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: byteLength }, (_, index) => index % 251));

export const base64 = (message: string | Uint8Array): string => Buffer.from(message).toString('base64');

/** Messages in base64 as a failed comparison can show them: a long one by its hash. */
export const shown = (messages: readonly string[]): string[] =>
  messages.map((message) =>
    message.length < 100 ? message : `sha256 ${createHash('sha256').update(message).digest('hex')}`,
  );

export interface Outcome extends Result {
  readonly messages: readonly string[];
}

export const outcome = (result: Result): Outcome => ({ ...result, messages: shown(result.received ?? []) });

/** Messages of a result as text. */
export const texts = ({ received }: Pick<Result, 'received'>): string[] =>
  received.map((message) => Buffer.from(message, 'base64').toString());

export const json = (value: object): string => base64(JSON.stringify(value));
