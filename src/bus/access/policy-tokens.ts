import { anonymous } from './principal.ts';

/** The principals of bearer tokens, by the SHA-256 of the token in lower-case hex. A policy never contains a token itself. */
export type PolicyTokens = ReadonlyMap<string, string>;

/**
 * Reads the `tokens` of a policy file and calls `fault` for every error. A key that is not a hash may be a real token, written there by
 * mistake, so the message gives its place and never repeats it.
 *
 * ```yaml
 * tokens:
 * 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae: ci
 * ```
 */
export function parseTokens(raw: unknown, fault: (found: string) => void): PolicyTokens {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    fault('`tokens` is not a mapping of the SHA-256 of a token to the name of its principal');
    return new Map();
  }
  const tokens = new Map<string, string>();
  for (const [index, [key, principal]] of Object.entries(raw).entries()) {
    const hash = key.toLowerCase();
    const place = `entry ${index + 1} of \`tokens\``;
    if (!/^[0-9a-f]{64}$/.test(hash)) fault(`${place} is not under the SHA-256 of a token, 64 hexadecimal digits`);
    if (tokens.has(hash)) fault(`${place} has the same SHA-256 as an earlier one`);
    if (typeof principal !== 'string' || principal === '' || principal === anonymous) {
      fault(`${place} is not the name of a principal`);
    }
    tokens.set(hash, String(principal));
  }
  return tokens;
}
