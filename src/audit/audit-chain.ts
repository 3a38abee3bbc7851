import { hash } from 'node:crypto';

/** The hash of a line: SHA-256 in base64url over the hash of the line before and the line itself, up to its own hash. */
export function chainHash(before: string, text: string): string {
  return hash('sha256', `${before}\n${text}`, 'base64url');
}

/**
 * Ties each audit line to the one before it, so that a line that was changed, cut or added shows. A run is what one process wrote, over all
 * files that it opened.
 */
export class AuditChain {
  readonly run: string;
  #lines = 0;
  #last = '';

  /** `run` has 16 hexadecimal digits. */
  constructor(run: string) {
    this.run = run;
  }

  /** The hash of the newest line, and the number of lines. */
  get head(): { readonly lines: number; readonly chain: string } {
    return { lines: this.#lines, chain: this.#last };
  }

  /** The line of a record, which is a JSON object: with `run`, its number `seq` from 0, and `chain`. */
  seal(record: string): string {
    const text = `${record.slice(0, -1)},"run":"${this.run}","seq":${this.#lines}`;
    this.#last = chainHash(this.#last, text);
    this.#lines += 1;
    return `${text},"chain":"${this.#last}"}`;
  }
}

/** A line of a chain, taken apart again. */
export interface SealedLine {
  readonly record: Readonly<Record<string, unknown>>;
  readonly run: string;
  readonly seq: number;
  readonly chain: string;
  /** What the hash is taken of, beside the hash before. */
  readonly text: string;
}

const sealed = /^(\{.*,"run":"([0-9a-f]{16})","seq":(\d{1,15})),"chain":"([\w-]{43})"\}$/;

/** Undefined if the text does not have the form of such a line. */
export function unseal(line: string): SealedLine | undefined {
  const [, text, run, seq, chain] = sealed.exec(line) ?? [];
  if (text === undefined || run === undefined || chain === undefined) return undefined;
  try {
    return { record: JSON.parse(line) as SealedLine['record'], run, seq: Number(seq), chain, text };
  } catch {
    return undefined;
  }
}
