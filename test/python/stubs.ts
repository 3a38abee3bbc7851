import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pythonFile } from './virtual-environment.ts';

/** The plugin's folder; the stubs lie in it as the package `meridian`. */
export const pluginDir = path.resolve(import.meta.dirname, '../../fixtures/python-plugin');
/** The folder of the plugin that uses the package. */
export const packagePluginDir = path.resolve(import.meta.dirname, '../../fixtures/python-package-plugin');
/** The folder of the package `meridian_plugin`. */
export const packageDir = path.resolve(import.meta.dirname, '../../src/plugin/python');

const protoDir = path.resolve(import.meta.dirname, '../../src/contract/wire/proto');
const messageFiles = ['meridian/v1/envelope.proto', 'meridian/v1/sidecar.proto', 'meridian/sidecar/v1/plugin.proto'];
/** Those with a service, for which there is a client to generate. */
const serviceFiles = messageFiles.slice(1);
const wire = 'meridian_plugin/_wire';
const note = '# Made by `npm run gen:python` from the proto files; do not edit it by hand.';

/** Generates the stubs of both services of the plugin's port from the proto files, as the package `meridian` in a folder. */
export function generateStubs(outDir: string): void {
  const protoc = ['-m', 'grpc_tools.protoc', '-I', protoDir];
  execFileSync(pythonFile, [...protoc, `--python_out=${outDir}`, `--pyi_out=${outDir}`, ...messageFiles]);
  execFileSync(pythonFile, [...protoc, `--grpc_python_out=${outDir}`, ...serviceFiles]);
}

/**
 * Generates the messages of the package `meridian_plugin` below a folder: their descriptors, which the package adds to a pool of
 * its own, and their types. So they do not clash with other definitions of `meridian.v1` in one process.
 */
export function generatePackageStubs(outDir: string): void {
  const work = mkdtempSync(path.join(tmpdir(), 'meridian-protos-'));
  try {
    mkdirSync(path.join(work, wire), { recursive: true });
    mkdirSync(path.join(outDir, wire), { recursive: true });
    const moved = messageFiles.map((file) => `${wire}/${path.basename(file)}`);
    for (const [index, file] of messageFiles.entries()) {
      const text = readFileSync(path.join(protoDir, file), 'utf8').replaceAll(/^import ".*\//gm, `import "${wire}/`);
      writeFileSync(path.join(work, moved[index] ?? ''), text);
    }
    const set = path.join(work, 'descriptors.binpb');
    const options = ['-I', work, `--pyi_out=${outDir}`, `--descriptor_set_out=${set}`];
    execFileSync(pythonFile, ['-m', 'grpc_tools.protoc', ...options, ...moved]);
    const lines =
      readFileSync(set)
        .toString('base64')
        .match(/.{1,76}/g) ?? [];
    writeFileSync(
      path.join(outDir, wire, 'descriptors.py'),
      `${note}\n\nDESCRIPTOR_SET = """\n${lines.join('\n')}\n"""\n`,
    );
    for (const file of moved) {
      const code = `${note}\n\nfrom meridian_plugin._wire.pool import names_in\n\nglobals().update(names_in("${file}"))\n`;
      writeFileSync(path.join(outDir, file.replace('.proto', '_pb2.py')), code);
      const types = path.join(outDir, file.replace('.proto', '_pb2.pyi'));
      // protoc leaves the parameters of the mappings out, which the strict mode of mypy refuses.
      writeFileSync(types, readFileSync(types, 'utf8').replaceAll('_Mapping]', '_Mapping[str, object]]'));
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** docs/plugin-api-python.md, whole, as the sources of the package say. */
export function apiPage(): string {
  return execFileSync(pythonFile, [path.join(import.meta.dirname, 'api_page.py'), packageDir], { encoding: 'utf8' });
}
