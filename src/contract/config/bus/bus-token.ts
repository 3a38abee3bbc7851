import { accepted, type Parser, rejected } from '../settings/setting-value.ts';
import { Secret } from './secret.ts';

export const tokenShape = 'a token of visible ASCII characters without blanks';

/** A token travels in a header, so it may contain only visible ASCII. */
export function isBusToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

export const busToken: Parser<Secret> = (raw) =>
  typeof raw === 'string' && isBusToken(raw) ? accepted(new Secret(raw)) : rejected('malformed', tokenShape);
