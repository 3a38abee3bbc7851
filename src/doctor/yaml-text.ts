import { parse } from 'yaml';

export type Mapping = Readonly<Record<string, unknown>>;

/**
 * Reads YAML that a person wrote for another program. `onFault` is called with the reason when it is invalid, without an
 * excerpt of the text.
 */
export function readYaml(
  text: string,
  onFault: (reason: string) => void,
  parseText: (text: string) => unknown = parseYaml,
): unknown {
  try {
    return parseText(text);
  } catch (error) {
    // After the first line follows an excerpt of the file, which may contain secrets.
    const [reason = ''] = (error instanceof Error ? error.message : '').split('\n');
    onFault(reason.replace(/:$/, ''));
    return undefined;
  }
}

const parseYaml = (text: string): unknown => parse(text, { merge: true, logLevel: 'error' });

/** The value if it is a mapping, else an empty one. */
export function asMapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}
