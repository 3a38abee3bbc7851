import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { buildDir } from './tools.ts';

/** Builds nats-server from the Go module that go.mod names; Go itself knows when there is nothing to do. */
export function setup(): void {
  mkdirSync(buildDir, { recursive: true });
  const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false'];
  execFileSync('go', ['build', ...flags, '-o', `${path.join(buildDir, 'tools')}${path.sep}`, 'tool'], {
    cwd: import.meta.dirname,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
