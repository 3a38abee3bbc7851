import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Declared, type Member, readDeclarations } from './declarations.ts';
import { markdownTable } from './markdown-table.ts';

const declarations = path.resolve(import.meta.dirname, '../../../dist/meridian-plugin');

/** Everything that the client's package declares, as the build wrote it. */
export function clientDeclarations(): Declared[] {
  return readDeclarations(readFileSync(path.join(declarations, 'meridian-plugin.d.mts'), 'utf8'));
}

/** Everything that the package's test kit declares. */
export function testingDeclarations(): Declared[] {
  return readDeclarations(readFileSync(path.join(declarations, 'testing.d.mts'), 'utf8'));
}

/** docs/plugin-api.md, whole: every name that the client exports, with all its members. */
export function pluginApiPage(): string {
  const exported = clientDeclarations().filter((each) => each.isExported);
  const sections: readonly (readonly [string, (each: Declared) => boolean])[] = [
    ['Connect', ({ name }) => name === 'connect'],
    ['The plugin', ({ name }) => name === 'Plugin'],
    ['Options', ({ name }) => name.endsWith('Options')],
    ['Outcomes', ({ name }) => name.endsWith('Outcome')],
    ['Errors', ({ name }) => name.endsWith('Error') || name === 'StatusCode'],
  ];
  const named = sections.map(([title, holds]) => [title, exported.filter(holds)] as const);
  const others = exported.filter((each) => !sections.some(([, holds]) => holds(each)));
  return `# API of the Node client

<!-- Made by \`npm run gen:docs\` from the declarations of src/plugin; do not edit it by hand. -->

Everything that \`meridian-plugin\` exports. [plugin-guide.md](plugin-guide.md) explains how to use it, and has programs that run.
An argument of another type and an unknown option are refused with a TypeError that names it; nothing is sent then.

${[...named, ['Messages and the rest', others] as const].map(([title, all]) => `## ${title}\n\n${all.map(described).join('\n\n')}`).join('\n\n')}

${testingSection()}
`;
}

function testingSection(): string {
  const first = ['startPlatform', 'TestPlatform', 'TestInstance'];
  const exported = testingDeclarations().filter((each) => each.isExported);
  const named = first.flatMap((name) => exported.filter((each) => each.name === name));
  const others = exported.filter(({ name }) => !first.includes(name));
  return `## The test kit

Everything that \`meridian-plugin/testing\` exports. [Test your plugin](plugin-guide.md#test-your-plugin) has tests that run. A platform also has
\`[Symbol.asyncDispose]\`, which is its \`stop\`, for \`await using\`.

${[...named, ...others].map(described).join('\n\n')}`;
}

function described(each: Declared): string {
  const head = `### ${each.name}`;
  if (each.kind === 'class' && !each.text.includes(' extends '))
    return [head, each.doc, ...each.members.map(call)].join('\n\n');
  if (each.members.length === 0) return [head, fence(each.text), each.doc].join('\n\n');
  // An error's `name` is the heading already.
  const members = each.members.filter(({ type }) => !type.includes(' = '));
  const base = / extends (\w+)/.exec(each.text)?.[1];
  const doc =
    base === undefined
      ? each.doc
      : `${each.doc} It is ${base === 'Error' ? 'an' : 'a'} ${base}${members.length > 0 ? ' with these, too:' : '.'}`;
  const rows = members.map((member) => [`\`${member.name}\``, `\`${member.type}\``, member.doc]);
  return [head, doc, ...(rows.length > 0 ? [markdownTable(['member', 'type', 'meaning'], rows)] : [])].join('\n\n');
}

function call({ name, text, doc }: Member): string {
  return `#### ${name}\n\n${fence(text)}\n\n${doc}`;
}

function fence(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\``;
}
