import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { pythonFile } from './virtual-environment.ts';

/** The plugin's folder; the stubs lie in it as the package `meridian`. */
export const pluginDir = path.resolve(import.meta.dirname, '../../fixtures/python-plugin');

const protoDir = path.resolve(import.meta.dirname, '../../src/contract/wire/proto');
const messageFiles = ['meridian/v1/envelope.proto', 'meridian/v1/sidecar.proto', 'meridian/sidecar/v1/plugin.proto'];
/** Those with a service, for which there is a client to generate. */
const serviceFiles = messageFiles.slice(1);

/** Generates the stubs of both services of the plugin's port from the proto files, as the package `meridian` in a folder. */
export function generateStubs(outDir: string): void {
  const protoc = ['-m', 'grpc_tools.protoc', '-I', protoDir];
  execFileSync(pythonFile, [...protoc, `--python_out=${outDir}`, `--pyi_out=${outDir}`, ...messageFiles]);
  execFileSync(pythonFile, [...protoc, `--grpc_python_out=${outDir}`, ...serviceFiles]);
}
