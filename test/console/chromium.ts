import { execFileSync } from 'node:child_process';

/** Installs Debian's Chromium where a machine has none. The tests drive it, and download no other browser. */
export function setup(): void {
  try {
    execFileSync('sh', ['-c', 'command -v chromium'], { stdio: 'ignore' });
  } catch {
    process.stdout.write('console: installing chromium …\n');
    execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'] });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
}
