import { parse } from 'yaml';

/**
 * The process types of a Procfile. The platform reads it as YAML and fails if it is invalid; this function then reads its lines
 * as they are.
 */
export function typesInProcfile(text: string): readonly string[] {
  const types = Object.keys(asMapping(text));
  return types.length > 0
    ? types
    : text.split('\n').flatMap((line) => /^\s*([A-Za-z0-9_-]+)\s*:/.exec(line)?.[1] ?? []);
}

/** The start commands of a Procfile, by process type, of the lines that have one. */
export function commandsInProcfile(text: string): Readonly<Record<string, string>> {
  const entries = Object.entries(asMapping(text)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(
    entries.length > 0
      ? entries
      : [...text.matchAll(/^\s*([A-Za-z0-9_-]+)\s*:[ \t]*(\S.*)$/gm)].map(([, type = '', command = '']) => [
          type,
          command,
        ]),
  );
}

/** The mapping of a file in YAML 1.1, as the platform reads it; empty for anything else, which others check. */
export function asMapping(text = ''): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parse(text, { version: '1.1', logLevel: 'silent' });
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
