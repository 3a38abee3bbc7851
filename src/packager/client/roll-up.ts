import path from 'node:path';

/** One declaration at the top of a file, with its comment. */
interface Declaration {
  readonly name: string;
  readonly text: string;
}

/** The other file, and the name there. */
interface Origin {
  readonly file: string;
  readonly name: string;
}

interface DeclarationFile {
  readonly declared: ReadonlyMap<string, Declaration>;
  /** What the file imports or exports again, by its name in this file. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** In the order of the file. */
  readonly exported: readonly string[];
}

/** A module that has declarations of its own, and the entry that these are of. */
export interface OtherEntry {
  readonly entry: string;
  readonly module: string;
}

/**
 * Makes one file of declarations out of those that the compiler emits for each source: what the entry exports, in its order, and
 * behind it, without `export`, what these name. What comes from the other entry is imported from its module. Comments stay.
 * @throws Error for a name that comes from a package or is changed by `as`, and for two declarations of one name.
 */
export function rollUp(texts: ReadonlyMap<string, string>, entry: string, other?: OtherEntry): string {
  const files = new Map([...texts].map(([file, text]) => [file, parse(file, text)]));
  const exported = files.get(entry)?.exported ?? [];
  const found = new Map<string, Origin & { readonly text: string }>();
  const imported = new Set<string>();
  const include = (file: string, name: string): void => {
    if (file === other?.entry) {
      imported.add(name);
      return;
    }
    const { declared, origins } = files.get(file) ?? parse(file, '');
    const origin = origins.get(name);
    if (origin) {
      if (origin.name !== name) throw new Error(`${file} calls ${origin.name} by another name, ${name}; use its own`);
      include(origin.file, origin.name);
      return;
    }
    const declaration = declared.get(name);
    if (!declaration) throw new Error(`${file} has no declaration of ${name}, which the client's declarations need`);
    const before = found.get(name);
    if (before && before.file !== file)
      throw new Error(`${before.file} and ${file} both declare ${name}; the client's declarations are one file`);
    if (before) return;
    found.set(name, { file, name, text: declaration.text });
    for (const used of namesUsedIn(declaration.text)) if (declared.has(used) || origins.has(used)) include(file, used);
  };
  for (const name of exported) include(entry, name);
  const parts = [...found.values()].map((each) =>
    exported.includes(each.name) ? each.text : each.text.replace(/^export /m, ''),
  );
  const visible = [...found.keys()].filter((name) => exported.includes(name)).length;
  if (visible !== exported.length) throw new Error(`${entry} exports a name that its declaration does not have`);
  const names = [...imported].sort().join(', ');
  const head = names === '' ? '' : `import type { ${names} } from '${other?.module}';\n\n`;
  // Without it, everything in a file of declarations counts as exported.
  return `${head}${parts.join('\n\n')}\n\nexport {};\n`;
}

const declarationStart = /^(?:export )?(?:declare )?(?:interface|type|class|function|const) (\w+)/;

/** Reads the compiler's own form: a declaration begins at the margin, and ends there with `}` or `;`. */
function parse(file: string, text: string): DeclarationFile {
  const declared = new Map<string, Declaration>();
  const origins = new Map<string, Origin>();
  const exported: string[] = [];
  let lines: string[] = [];
  let isComment = false;
  for (const line of text.split('\n')) {
    lines.push(line);
    isComment = isComment ? !line.endsWith('*/') : line.startsWith('/**') && !line.endsWith('*/');
    if (isComment || !/^[^/\s].*(?:;|\})$|^\}$/.test(line)) continue;
    const statement = lines.join('\n').trim();
    lines = [];
    const code = withoutComments(statement).trim();
    const name = declarationStart.exec(code)?.[1];
    if (name !== undefined) declared.set(name, { name, text: statement });
    if (name !== undefined && code.startsWith('export ')) exported.push(name);
    const [, keyword, list = '', from = ''] = /^(import|export) (?:type )?\{(.*)\} from '(.+)';$/s.exec(code) ?? [];
    for (const [, original = '', alias = original] of list.matchAll(/(?:type )?(\w+)(?: as (\w+))?/g)) {
      origins.set(alias, { file: path.posix.join(path.posix.dirname(file), from), name: original });
      if (keyword === 'export') exported.push(alias);
    }
  }
  return { declared, origins, exported };
}

/** Names that may be of types. A member's own name, before `:`, `?` or `(`, is none. */
function namesUsedIn(text: string): Set<string> {
  const matches = withoutComments(text).matchAll(/(?<![.\w#'"])[A-Za-z_]\w*(?![\w'"]|\??:|\()/g);
  return new Set([...matches].map(([name]) => name));
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*.*?\*\//gs, '');
}
