import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openDirectory } from './staging-area.ts';

/** What every stack has and supply may use; in particular no Node, no unzip and no strip. */
const tools = ['bash', 'tar', 'gzip', 'curl'];
const coreutils = ['cat', 'chmod', 'cp', 'dirname', 'mkdir', 'mv', 'readlink', 'rm', 'sha256sum', 'uname'];

export interface StackTools {
  /** A PATH with nothing else on it. */
  readonly path: string;
  /** Adds a tool that only some stacks have, if this machine has it. */
  add(tool: string): void;
  /** How long supply has waited so far, in seconds, one number for each wait: its `sleep` writes down and does not wait. */
  waits(): number[];
}

/** Makes a directory of the stack's tools. */
export function makeStackTools(): StackTools {
  const directory = openDirectory('tools');
  const add = (tool: string): boolean => {
    const place = ['/usr/bin', '/bin'].map((dir) => path.join(dir, tool)).find(existsSync);
    if (place !== undefined) symlinkSync(place, path.join(directory, tool));
    return place !== undefined;
  };
  const missing = [...tools, ...coreutils].filter((tool) => !add(tool));
  if (missing.length > 0) throw new Error(`not on this machine: ${missing.join(', ')}`);
  const waited = path.join(directory, 'waited');
  writeFileSync(waited, '');
  chmodSync(waited, 0o666);
  const sleep = path.join(directory, 'sleep');
  writeFileSync(sleep, `#!/bin/bash\necho "$1" >>${waited}\n`);
  chmodSync(sleep, 0o755);
  return {
    path: directory,
    add: (tool) => void add(tool),
    waits: () => readFileSync(waited, 'utf8').split('\n').filter(Boolean).map(Number),
  };
}
