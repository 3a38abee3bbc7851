import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const folder = 'src/bus/console/page';

/** What the console of the bus serves to a browser, by path, as the bundle of the bus contains it. */
export async function consoleFiles(root: string): Promise<Record<string, { contentType: string; text: string }>> {
  const read = (name: string): string => readFileSync(path.join(root, folder, name), 'utf8');
  const bundled = async (name: string): Promise<string> => {
    const { outputFiles } = await build({
      ...{ absWorkingDir: root, entryPoints: [`${folder}/${name}`], bundle: true, write: false, minify: true },
      ...{ format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'warning' },
    });
    return outputFiles.map(({ text }) => text).join('');
  };
  return {
    '/': { contentType: 'text/html; charset=utf-8', text: read('index.html') },
    '/style.css': { contentType: 'text/css; charset=utf-8', text: await bundled('style.css') },
    '/app.js': { contentType: 'text/javascript; charset=utf-8', text: await bundled('app.mjs') },
    '/icon.svg': { contentType: 'image/svg+xml', text: read('icon.svg') },
  };
}
