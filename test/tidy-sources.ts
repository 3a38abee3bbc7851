import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly file: string;
  readonly text: string;
  /** The text without its comments, so that prose may name what code may not use. */
  readonly code: string;
}

/** The TypeScript and JavaScript files below a folder of the repository, without generated and bundled ones. */
export function sourcesIn(folder: string): SourceFile[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|mjs|js)$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter((file) => !/\/(?:gen|vendor|node_modules)\//.test(file))
    .sort()
    .map((file) => {
      const text = readFileSync(path.join(root, file), 'utf8');
      return { file, text, code: text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '') };
    });
}
