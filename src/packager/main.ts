import path from 'node:path';
import { formatBytes } from '../base/bytes.ts';
import { exitCodeOf, renderError } from '../base/user-facing-error.ts';
import { bundle } from './bundle.ts';
import { prepareRuntime } from './runtime.ts';

const root = path.resolve(import.meta.dirname, '../..');

try {
  for (const { outputs } of Object.values(await bundle({ root }))) {
    for (const [file, { bytes }] of Object.entries(outputs)) console.log(`${file}  ${formatBytes(bytes)}`);
  }
  // npm carries the runtime for Linux x64 alone; elsewhere the bundles are enough to develop with.
  if (process.platform === 'linux' && process.arch === 'x64') await prepareRuntime({ root });
} catch (error) {
  console.error(renderError(error));
  process.exitCode = exitCodeOf(error);
}
