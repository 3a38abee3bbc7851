import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type MadePackage, madePackage } from '../made-package.ts';
import { writeZip } from '../zip-file.ts';

const name = 'meridian_plugin';
const source = 'src/plugin/python';
/** Both ends are tested. grpcio of the lower end is the first whose wheels the oldest Python here can install. */
const dependencies = ['grpcio>=1.62,<2', 'protobuf>=4.25,<8'];

export interface WheelOptions {
  /** Root of the checkout. */
  readonly root: string;
  readonly version: string;
  /** Receives the wheel. */
  readonly outDir: string;
}

/**
 * Packs the Python client for `pip install FILE`; the same checkout gives the same bytes.
 * The format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
 */
export async function packWheel({ root, version, outDir }: WheelOptions): Promise<MadePackage> {
  const info = `${name}-${version}.dist-info`;
  const folder = path.join(root, source);
  const found = await readdir(path.join(folder, name), { recursive: true });
  const files = found.filter((file) => /\.pyi?$|(?:^|[/\\])py\.typed$/.test(file));
  const texts = files.map(async (file) => {
    const entry = `${name}/${file.replaceAll(path.sep, '/')}`;
    return [entry, await readFile(path.join(folder, entry), 'utf8')] as const;
  });
  const entries = new Map([
    ...(await Promise.all(texts)),
    [`${info}/METADATA`, metadata(version, await readFile(path.join(folder, 'README.md'), 'utf8'))],
    [
      `${info}/WHEEL`,
      'Wheel-Version: 1.0\nGenerator: meridian-sidecar-buildpack\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    ],
    [`${info}/entry_points.txt`, `[pytest11]\n${name} = ${name}.pytest_fixture\n`],
    [`${info}/licenses/LICENSE`, await readFile(path.join(root, 'LICENSE'), 'utf8')],
  ]);
  entries.set(`${info}/RECORD`, record(entries, `${info}/RECORD`));
  const file = path.join(outDir, `${name}-${version}-py3-none-any.whl`);
  await writeZip(
    file,
    [...entries].map(([entry, text]) => ({ path: entry, bytes: Buffer.from(text), executable: false })),
  );
  return madePackage(file);
}

/** Names each file with its hash and size, and itself without. */
function record(entries: ReadonlyMap<string, string>, own: string): string {
  const lines = [...entries].map(([entry, text]) => {
    const hash = createHash('sha256').update(text).digest('base64url');
    return `${entry},sha256=${hash},${Buffer.byteLength(text)}`;
  });
  return `${[...lines.sort(), `${own},,`].join('\n')}\n`;
}

function metadata(version: string, readme: string): string {
  const fields = [
    ['Metadata-Version', '2.4'],
    ['Name', 'meridian-plugin'],
    ['Version', version],
    [
      'Summary',
      "A client for plugins of Meridian: publish, subscribe, call and keep state by the plugin's own sidecar.",
    ],
    ['License-Expression', 'Apache-2.0'],
    ['License-File', 'LICENSE'],
    ['Requires-Python', '>=3.11'],
    ...dependencies.map((dependency) => ['Requires-Dist', dependency]),
    ['Description-Content-Type', 'text/markdown'],
  ];
  return `${fields.map(([field, value]) => `${field}: ${value}`).join('\n')}\n\n${readme}`;
}
