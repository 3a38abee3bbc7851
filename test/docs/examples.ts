import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** The text of a page in docs/. */
export function readPage(name: string): string {
  return readFileSync(path.join(root, 'docs', name), 'utf8');
}

export interface Example {
  readonly name: string;
  readonly source: string;
  /** What the page says that it prints. */
  readonly output: string;
}

/** The programs of a language on a page, each followed by what it prints. */
export function examplesIn(page: string, language: string): Example[] {
  const blocks = page.matchAll(
    new RegExp(`^\`\`\`${language}( \\S+)?\\n(.*?)^\`\`\`\\n\\n\`\`\`text\\n(.*?)^\`\`\``, 'gms'),
  );
  return [...blocks].map(([, name = '', source = '', output = '']) => ({ name: name.trim(), source, output }));
}

/** The cells of a table's rows, by the heading above it; code marks are left out. */
export function tableUnder(page: string, heading: string): string[][] {
  const [, section = ''] = page.split(`## ${heading}\n`);
  const [table = ''] = /^\|.*?\n\n/ms.exec(`${section}\n`) ?? [];
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}
