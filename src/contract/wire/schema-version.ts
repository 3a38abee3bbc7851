/** The major version of the plugin contract that this sidecar speaks. */
export const contractMajor = 1;

/**
 * Reads the schema version that a plugin registers with as full semver; undefined when it is none.
 * Missing parts are zero, and an empty text is the contract's own version, since v1 clients may leave it out.
 * @example parseSchemaVersion('1.2') // { major: 1, text: '1.2.0' }
 */
export function parseSchemaVersion(text: string): { readonly major: number; readonly text: string } | undefined {
  if (text === '') return { major: contractMajor, text: `${contractMajor}.0.0` };
  const match = /^v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) return undefined;
  const [major, minor, patch] = [match[1], match[2] ?? '0', match[3] ?? '0'].map(Number);
  return { major: major ?? 0, text: `${major}.${minor}.${patch}` };
}
