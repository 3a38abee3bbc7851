/** A member of an interface or class. */
export interface Member {
  readonly name: string;
  /** Of an optional member with a question mark behind it. */
  readonly type: string;
  readonly text: string;
  /** Its comment as Markdown, on one line. */
  readonly doc: string;
}

export interface Declared extends Omit<Member, 'type'> {
  readonly kind: string;
  readonly isExported: boolean;
  /** Of an interface or a class; those that only the class itself may use are left out. */
  readonly members: readonly Member[];
}

/** Reads declarations in the compiler's own form: four spaces for each level, and one statement for each line or block. */
export function readDeclarations(text: string): Declared[] {
  return statementsIn(text, '').flatMap(({ code, doc }) => {
    const [, kind, name] = /^(?:export )?(?:declare )?(interface|type|class|function|const) (\w+)/.exec(code) ?? [];
    if (kind === undefined || name === undefined) return [];
    const hasMembers = kind === 'interface' || kind === 'class';
    const members = hasMembers ? statementsIn(code.slice(code.indexOf('\n') + 1), '    ').flatMap(memberOf) : [];
    const shown = withoutComments(code.replace(/^export (?:declare )?/, ''));
    return [{ name, kind, text: shown, doc, isExported: code.startsWith('export '), members }];
  });
}

function memberOf({ code, doc }: { readonly code: string; readonly doc: string }): Member[] {
  if (/^(?:#private|private|constructor|\[|\})/.test(code)) return [];
  const [, name, optional, rest = ''] = /^(?:readonly |get )?(\w+)(\?)?(.*);$/s.exec(withoutComments(code)) ?? [];
  if (name === undefined) throw new Error(`a member of a form that is not known: ${code}`);
  const type = rest.replace(/^(?:\(\))?: /, '').replaceAll(/\s+/g, ' ');
  return [
    {
      name,
      type: `${type}${optional ?? ''}`,
      text: withoutComments(code.replace(/^get (\w+)\(\)/, 'readonly $1')),
      doc,
    },
  ];
}

/** The statements at one depth, each with its comment. */
function statementsIn(text: string, indent: string): { code: string; doc: string }[] {
  const found: { code: string; doc: string }[] = [];
  let comment = '';
  let code = '';
  const start = new RegExp(`^${indent}\\S`);
  for (const line of text.split('\n')) {
    const isComment =
      code === '' && (comment !== '' && !comment.endsWith('*/') ? true : line.startsWith(`${indent}/**`));
    if (isComment) comment = line.startsWith(`${indent}/**`) ? line : `${comment}\n${line}`;
    if (isComment || (code === '' && !start.test(line))) continue;
    code += `${code === '' ? '' : '\n'}${line.startsWith(indent) ? line.slice(indent.length) : line}`;
    if (!start.test(line) || !/(?:;|\})$/.test(line)) continue;
    found.push({ code, doc: docOf(comment) });
    code = '';
    comment = '';
  }
  return found;
}

function docOf(comment: string): string {
  const words = comment
    .replaceAll(/^\s*(?:\/\*\*|\*\/|\*)|\*\/$/gm, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return words
    .replace(/\s*@throws (.*)$/, (_, errors: string) => ` Throws ${errors}${/[.]$/.test(errors) ? '' : '.'}`)
    .trim();
}

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*\/\*\*.*?\*\/\n/gms, '');
}
