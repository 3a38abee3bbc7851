import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { launch } from '../../src/local/launch.ts';
import { temporaryDir, writeTree } from './fixture-tree.ts';

interface DropletOptions {
  readonly web: string;
  readonly sidecar?: string;
  readonly tree?: Readonly<Record<string, string>>;
}

interface Launched {
  readonly dir: string;
  readonly lines: string[];
  readonly exitCode: Promise<number>;
  readonly stop: () => void;
  /** Resolves when a line that ends so was printed. */
  readonly printed: (ending: string) => Promise<void>;
}

async function start({ web, sidecar, tree }: DropletOptions, killDelayMs = 10_000): Promise<Launched> {
  const dir = await temporaryDir();
  const sidecars =
    sidecar === undefined ? [] : [{ name: 'agent', process_types: ['web'], command: sidecar, memory: 64 }];
  await writeTree(dir, {
    'result.json': JSON.stringify({ process_types: { web }, sidecars }),
    'droplet/app/manifest.yml': 'applications: [{name: oms, memory: 256M, env: {FROM_MANIFEST: yes, BOTH: manifest}}]',
    ...tree,
  });
  const stop = new AbortController();
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const exitCode = launch({
    stagedDir: dir,
    processType: 'web',
    env: { BOTH: 'flag' },
    scheduler: realScheduler,
    killDelayMs,
    stop: stop.signal,
    onLine(line, logSource) {
      lines.push(`[${logSource}] ${line}`);
      for (const check of waiting) check();
    },
  });
  const printed = (ending: string): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!lines.some((line) => line.endsWith(ending))) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { dir, lines, exitCode, stop: () => stop.abort(), printed };
}

const untilTerminated = (name: string): string =>
  `trap 'echo ${name} terminated; exit 0' TERM; echo ${name} started; >started; while :; do sleep 0.05; done`;
/** Ends once the other process of the instance can be told to. */
const onceOtherStarted = 'until [ -e started ]; do sleep 0.05; done';

test('process and sidecar source the same scripts, the final buildpack’s before the app’s own', async () => {
  const { exitCode, lines } = await start({
    web: `echo "$TRAIL"; ${onceOtherStarted}`,
    sidecar: 'echo "$TRAIL"; >started; sleep 30 & wait',
    tree: {
      'droplet/profile.d/0_a.sh': 'export TRAIL=staged',
      'droplet/app/.profile.d/b.sh': 'export TRAIL="$TRAIL,profile.d"',
      'droplet/app/.profile': 'export TRAIL="$TRAIL,profile"',
    },
  });
  expect(await exitCode).toBe(0);
  expect(lines).toContain('[APP/PROC/WEB/0] staged,profile.d,profile');
  expect(lines).toContain('[APP/PROC/WEB/SIDECAR/AGENT/0] staged,profile.d,profile');
});

test('a profile script sees the launcher’s arguments', async () => {
  const { exitCode, lines, dir } = await start({
    web: 'true',
    tree: { 'droplet/app/.profile': 'echo "$0 $1 $2"' },
  });
  await exitCode;
  expect(lines).toContain(`[APP/PROC/WEB/0] /launcher ${path.join(dir, 'droplet/app')} true`);
});

test('each process has its own memory limit, the shared port and the droplet’s directories', async () => {
  const show = 'echo "$MEMORY_LIMIT $PORT $HOME $DEPS_DIR $TMPDIR $FROM_MANIFEST $BOTH $CF_INSTANCE_INDEX $PWD"';
  const { exitCode, lines, dir, printed, stop } = await start({
    web: `${show}; sleep 30`,
    sidecar: `${show}; sleep 30`,
  });
  const droplet = path.join(dir, 'droplet');
  const rest = `8080 ${droplet}/app ${droplet}/deps ${droplet}/tmp true flag 0 ${droplet}/app`;
  await Promise.all([printed(`192m ${rest}`), printed(`64m ${rest}`)]);
  stop();
  await exitCode;
  expect(lines).toContain(`[APP/PROC/WEB/0] 192m ${rest}`);
  expect(lines).toContain(`[APP/PROC/WEB/SIDECAR/AGENT/0] 64m ${rest}`);
});

test('VCAP_APPLICATION tells the process type, the port and the index', async () => {
  const { exitCode, lines } = await start({ web: 'echo "$VCAP_APPLICATION"' });
  await exitCode;
  const told = JSON.parse(lines[0]?.replace('[APP/PROC/WEB/0] ', '') ?? '');
  expect(told).toMatchObject({
    application_name: 'oms',
    process_type: 'web',
    port: 8080,
    instance_index: 0,
    host: '0.0.0.0',
  });
});

test.each([
  [
    'the process, with exit code 0,',
    `${onceOtherStarted}; exit 0`,
    untilTerminated('sidecar'),
    0,
    'sidecar terminated',
  ],
  ['the sidecar, with exit code 7,', untilTerminated('web'), `${onceOtherStarted}; exit 7`, 7, 'web terminated'],
])('when %s ends, the other is told to stop', async (_which, web, sidecar, code, ending) => {
  const { exitCode, lines } = await start({ web, sidecar });
  expect(await exitCode).toBe(code);
  expect(lines.some((line) => line.endsWith(ending))).toBe(true);
});

test('a stop reaches all at once', async () => {
  const { exitCode, lines, printed, stop } = await start({
    web: untilTerminated('web'),
    sidecar: untilTerminated('sidecar'),
  });
  await Promise.all([printed('web started'), printed('sidecar started')]);
  stop();
  expect(await exitCode).toBe(0);
  expect(lines).toContain('[APP/PROC/WEB/0] web terminated');
  expect(lines).toContain('[APP/PROC/WEB/SIDECAR/AGENT/0] sidecar terminated');
});

test('what ignores SIGTERM is killed with its whole process group', async () => {
  const stubborn = `trap '' TERM; sleep 1000 & echo $! >child; echo started; wait; wait; sleep 1000`;
  const { exitCode, dir, printed, stop } = await start({ web: stubborn }, 100);
  await printed('started');
  stop();
  expect(await exitCode).toBe(137);
  const child = Number(await readFile(path.join(dir, 'droplet/app/child'), 'utf8'));
  await expect.poll(() => isRunning(child)).toBe(false);
});

async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/\) Z /.test(stat);
}

test('a directory without a droplet says how to make one', async () => {
  const dir = await temporaryDir();
  const options = {
    stagedDir: dir,
    processType: 'web',
    env: {},
    scheduler: realScheduler,
    killDelayMs: 1,
    onLine() {},
  };
  await expect(launch({ ...options, stop: new AbortController().signal })).rejects.toMatchObject({
    id: 'launch/droplet/missing',
    exitCode: 64,
  });
});

test('sidecars that need all of the app’s memory are refused, as the platform does', async () => {
  const tree = { 'droplet/app/manifest.yml': 'applications: [{name: oms, memory: 64M}]' };
  const { exitCode } = await start({ web: 'true', sidecar: 'true', tree });
  await expect(exitCode).rejects.toMatchObject({ id: 'launch/memory/too-small', exitCode: 78 });
});
