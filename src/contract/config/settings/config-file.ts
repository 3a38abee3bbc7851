import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { closestName } from '../../../base/closest-name.ts';
import { UserFacingError } from '../../../base/user-facing-error.ts';
import { exitCodes } from '../exit-codes.ts';

/** A YAML file's text. The path is only for messages. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

export interface FileValue {
  readonly value: unknown;
  readonly line: number;
}

export interface FileValues {
  /** By dotted key, such as `timeouts.connect`. */
  readonly values: ReadonlyMap<string, FileValue>;
  readonly errors: readonly UserFacingError[];
}

/**
 * Reads a configuration file into its values by dotted key. Unknown keys, repeated keys and sections that are not mappings are errors. Null
 * counts as absent.
 */
export function readConfigFile(file: ConfigFile, knownKeys: readonly string[]): FileValues {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines });
  const broken = document.errors[0];
  if (broken) return { values: new Map(), errors: [notYaml(file, broken.message)] };
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return { values: new Map(), errors: [] };
  if (!isMap(root)) return { values: new Map(), errors: [notMapping(file, 'The file', 1)] };
  const walk: Walk = {
    file,
    knownKeys,
    lineOf: (node) => lines.linePos(node.range?.[0] ?? 0).line,
    values: new Map(),
    errors: [],
  };
  walkMapping(walk, root, '');
  return walk;
}

interface Walk {
  readonly file: ConfigFile;
  readonly knownKeys: readonly string[];
  readonly lineOf: (node: Node) => number;
  readonly values: Map<string, FileValue>;
  readonly errors: UserFacingError[];
}

function walkMapping(walk: Walk, mapping: YAMLMap, prefix: string): void {
  for (const pair of mapping.items) {
    const keyNode = pair.key as Node;
    const key = `${prefix}${isScalar(keyNode) ? String(keyNode.value) : String(keyNode)}`;
    const line = walk.lineOf(keyNode);
    const node = pair.value as Node | null;
    if (walk.knownKeys.includes(key)) {
      const value: unknown = node === null ? null : toPlain(node);
      if (value !== null) walk.values.set(key, { value, line });
    } else if (!walk.knownKeys.some((known) => known.startsWith(`${key}.`))) {
      walk.errors.push(unknownKey(walk, key, line));
    } else if (isMap(node)) {
      walkMapping(walk, node, `${key}.`);
    } else if (node !== null && !(isScalar(node) && node.value === null)) {
      walk.errors.push(notMapping(walk.file, `\`${key}\``, line));
    }
  }
}

/** An alias has no value of its own, so the parsers get something that no setting accepts. */
function toPlain(node: Node): unknown {
  return isAlias(node) ? Symbol('alias') : (node.toJSON() as unknown);
}

function unknownKey(walk: Walk, key: string, line: number): UserFacingError {
  const nearest = closestName(key, walk.knownKeys);
  return new UserFacingError({
    id: 'config/file/unknown-key',
    found: `${walk.file.path}, line ${line}: the key \`${key}\` is not known`,
    next: [nearest === undefined ? `Remove \`${key}\`.` : `Did you mean \`${nearest}\`?`],
    exitCode: exitCodes.configuration,
  });
}

function notMapping(file: ConfigFile, what: string, line: number): UserFacingError {
  return new UserFacingError({
    id: 'config/file/not-a-mapping',
    found: `${file.path}, line ${line}: ${what} is not a mapping`,
    expected: 'It must hold `key: value` lines.',
    next: ['Correct it and start again.'],
    exitCode: exitCodes.configuration,
  });
}

function notYaml(file: ConfigFile, message: string): UserFacingError {
  // The parser's message continues with an excerpt of the file, which may contain secrets.
  const [firstLine = ''] = message.split('\n');
  return new UserFacingError({
    id: 'config/file/not-yaml',
    found: `${file.path} is not YAML: ${firstLine.replace(/:$/, '')}`,
    next: ['Correct it and start again.'],
    exitCode: exitCodes.configuration,
  });
}
