/** The major version of the plugin contract that this sidecar supports. */
export const contractMajor = 1;

/**
 * Reads a plugin's schema version as full semver. Undefined if it is not a version.
 * Missing parts are zero. An empty text means the contract's own version, since v1 clients may omit it.
 * @example parseSchemaVersion('1.2') // { major: 1, text: '1.2.0' }
 */
export function parseSchemaVersion(text: string): { readonly major: number; readonly text: string } | undefined {
  if (text === '') return { major: contractMajor, text: `${contractMajor}.0.0` };
  const match = /^v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) return undefined;
  const [major, minor, patch] = [match[1], match[2] ?? '0', match[3] ?? '0'].map(Number);
  return { major: major ?? 0, text: `${major}.${minor}.${patch}` };
}
