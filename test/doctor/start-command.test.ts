import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Scripts, signalLoss } from '../../src/doctor/start-command/signal-loss.ts';
import { endAll, runCli } from '../sidecar/processes.ts';

/** Says when it runs and when it gets SIGTERM; nobody who stays behind does so for long. */
const program = `
  process.on('SIGTERM', () => { console.log('got SIGTERM'); process.exit(0); });
  setTimeout(() => process.exit(1), 60_000);
  console.log('up ' + process.pid);
`;
const scripts = {
  start: 'node p.js',
  replaced: 'exec node p.js',
  prepared: 'true && exec node p.js',
} satisfies Scripts;

const isDash = realpathSync('/bin/sh').endsWith('dash');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'meridian-start-'));
  writeFileSync(path.join(folder, 'p.js'), program);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'x', scripts }));
});
afterEach(endAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the command as the platform's launcher does, signals its process alone, and tells whether the program heard of it. */
async function hearsOfSigterm(command: string): Promise<boolean> {
  const child = spawn('bash', ['-c', 'exec bash -c "$1"', '-', command], {
    cwd: folder,
    detached: true,
    env: { PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}`, HOME: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const ended = once(child, 'exit');
  const closed = once(child.stdout, 'close');
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (output.includes('up ')) break;
  }
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.kill('SIGTERM');
  await ended;
  const [, pid = ''] = /up (\d+)/.exec(output) ?? [];
  // The program, if nobody told it: it holds the pipe.
  if (!output.includes('got SIGTERM') && isAlive(Number(pid))) process.kill(Number(pid), 'SIGKILL');
  await closed;
  return output.includes('got SIGTERM');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const passedOn = [
  'node p.js',
  'exec node p.js',
  'A=1 node p.js',
  'exec node p.js 2>&1',
  'true && exec node p.js',
  'cd . ; exec node p.js',
  'env A=1 node p.js',
  'nice node p.js',
  'bash -c "exec node p.js"',
  `sh -c 'true; exec node p.js'`,
  'npm run replaced',
  'npm run -s prepared',
];

const swallowed = [
  'npm start',
  'npm run start',
  'exec npm start',
  'npm exec node p.js',
  'npx node p.js',
  'node p.js; echo done',
  'node p.js && true',
  'node p.js || true',
  'node p.js | cat',
  'node p.js & wait',
  '(node p.js)',
  'if true; then node p.js; fi',
  'sh -c "node p.js; true"',
  `bash -c 'node p.js; exit 0'`,
];

describe('doctor says of a start command whether SIGTERM reaches the program', () => {
  test.each(passedOn)('of `%s`, which passes it on', async (command) => {
    expect(signalLoss(command, scripts)).toBeUndefined();
    expect(await hearsOfSigterm(command)).toBe(true);
  });

  test.each(swallowed)('of `%s`, which does not', async (command) => {
    expect(signalLoss(command, scripts)).toEqual(expect.any(String));
    // Where sh is bash, npm's scripts are replaced by their program; on the stacks of Cloud Foundry, it is dash.
    if (isDash || !/\bnp[mx]\b/.test(command)) expect(await hearsOfSigterm(command)).toBe(false);
  });

  test.each([
    ...['yarn start', 'yarn', 'pnpm start', 'pnpm run start', '/usr/bin/env npm start', 'A=1 npm start'],
    ...['bundle exec npm start', 'node p.js > log', `bash -lc 'npm start'`, 'sh -c "a; b"'],
  ])('of `%s`, which does not, by what is known of it', (command) => {
    expect(signalLoss(command, scripts)).toEqual(expect.any(String));
  });

  test.each([
    ...['bundle exec puma', 'poetry run python plugin.py', 'pipenv run python plugin.py', 'python plugin.py'],
    ...['java -jar plugin.jar', './start.sh', `node -e "a; b | c"`, 'node plugin.js --text "x && y"', ''],
  ])('of `%s`, which passes it on, by what is known of it', (command) => {
    expect(signalLoss(command, scripts)).toBeUndefined();
  });
});

describe('meridian-sidecar doctor', () => {
  interface App {
    readonly command?: string;
    readonly procfile?: string;
    readonly packageJson?: string;
    readonly final?: string;
  }

  const npmStart = JSON.stringify({ scripts: { start: 'node plugin.js' } });
  let count = 0;

  async function warningsOf({ command, procfile, packageJson, final = 'nodejs_buildpack' }: App) {
    count += 1;
    const app = path.join(folder, `app-${count}`);
    mkdirSync(app);
    const commandLine = command === undefined ? '' : `\n    command: ${JSON.stringify(command)}`;
    writeFileSync(
      path.join(app, 'manifest.yml'),
      `applications:\n  - name: oms\n    buildpacks: [meridian-sidecar, ${final}]${commandLine}\n    env: {POOL_TYPE: OMSPool}\n`,
    );
    if (procfile !== undefined) writeFileSync(path.join(app, 'Procfile'), procfile);
    if (packageJson !== undefined) writeFileSync(path.join(app, 'package.json'), packageJson);
    const doctor = runCli('doctor', app);
    expect(await doctor.exited, doctor.output).toBe(0);
    return [...doctor.stdout.matchAll(/The start command of \w+, `(.*?)`, does not pass SIGTERM/g)].map(
      ([, text]) => text,
    );
  }

  test.each<[what: string, app: App, warned: string[]]>([
    ['a Procfile', { procfile: 'web: npm start' }, ['npm start']],
    ['a command of manifest.yml, which wins', { command: 'yarn start', procfile: 'web: node p.js' }, ['yarn start']],
    ['the default of nodejs_buildpack', { packageJson: npmStart }, ['npm start']],
    ['a Procfile that is better than the default', { procfile: 'web: node plugin.js', packageJson: npmStart }, []],
    ['a start script that another buildpack does not run', { packageJson: npmStart, final: 'python_buildpack' }, []],
    ['a command that resets to the Procfile', { command: 'null', procfile: 'web: node plugin.js' }, []],
    ['a script that says exec', { packageJson: JSON.stringify({ scripts: { start: 'exec node plugin.js' } }) }, []],
    ['a package.json that is none', { packageJson: '{"scripts": 7' }, []],
  ])('judges %s', async (_, app, warned) => {
    expect(await warningsOf(app)).toEqual(warned);
  });

  test.each(['fixtures/node-plugin', 'fixtures/python-plugin'])('finds nothing of the kind in %s', async (fixture) => {
    const doctor = runCli('doctor', path.resolve(import.meta.dirname, '../..', fixture));
    await doctor.exited;
    expect(doctor.output).not.toContain('swallows-sigterm');
  });
});
