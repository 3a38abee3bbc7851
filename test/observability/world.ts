import { type ExecFileSyncOptions, execFileSync, spawnSync } from 'node:child_process';

/** Installs Prometheus and promtool where they are missing. */
export function setup(): void {
  if (spawnSync('promtool', ['--version']).error === undefined) return;
  const quietly: ExecFileSyncOptions = { stdio: ['ignore', 'ignore', 'inherit'] };
  execFileSync('apt-get', ['update', '-q'], quietly);
  execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'prometheus'], quietly);
}
