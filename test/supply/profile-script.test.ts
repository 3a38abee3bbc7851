import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { launcherScript } from '../../src/local/launcher-script.ts';
import { answerSeconds, holdSeconds, profileScript } from '../../src/supply/profile-script.ts';

const options = { sidecarFor: ['web', 'worker'], pluginAddress: '127.0.0.1:9191', healthAddress: ':9192' };
const ownCommand = 'exec "$DEPS_DIR/0/bin/meridian-sidecar" run';
const vcap = (type: string): Record<string, string> => ({
  VCAP_APPLICATION: `{"application_name":"\\"process_type\\":\\"task\\"", "process_type" : "${type}"}`,
});

let appDir: string;
/** Where nobody listens. */
const silentPort = '1';
let answeringPort: string;
let answer: { status: number; state: string };
/** Hears each question to the health server, before it is answered. */
let asked: () => void;
const closing: (() => void)[] = [];

beforeEach(async () => {
  appDir = path.join(mkdtempSync(path.join(tmpdir(), 'meridian-profile-')), 'app');
  mkdirSync(path.join(appDir, '.profile.d'), { recursive: true });
  answer = { status: 200, state: 'READY' };
  // Stands for the health server: what a real sidecar answers is proved where a real one runs.
  asked = () => undefined;
  const server = createServer((_request, response) => {
    asked();
    response.writeHead(answer.status).end(`${answer.state}\n`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  answeringPort = String((server.address() as AddressInfo).port);
  closing.push(() => server.close());
  write('m.sh', patient(profileScript(options)));
});

afterEach(() => {
  for (const close of closing.splice(0)) close();
  rmSync(path.dirname(appDir), { recursive: true });
});

/** Profile scripts are sourced in the order of their names. */
function write(name: string, text: string): void {
  writeFileSync(path.join(appDir, '.profile.d', name), text);
}

/** The script with more time for an answer, since the test's own process gives it. */
const patient = (script: string): string => script.replace(` -t ${answerSeconds} `, ' -t 20 ');

/** The script with another bound, so that no test waits 45 s. */
const impatient = (seconds: number): string =>
  patient(profileScript(options))
    .replaceAll(`${holdSeconds} `, `${seconds} `)
    .replace(`>= ${holdSeconds}`, `>= ${seconds}`);

interface Start {
  readonly program?: string;
  readonly command?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

function start({
  program = '/tmp/lifecycle/launcher',
  command = 'echo started',
  environment = {},
}: Start): ChildProcess {
  const env = { PATH: '/usr/bin:/bin', ...environment };
  return spawn('/bin/bash', ['-c', launcherScript(), program, appDir, command], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(how: Start): Promise<{ stdout: string; stderr: string; status: number | null }> {
  const child = start(how);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  return { stdout, stderr, status };
}

describe('the addresses', () => {
  const show = 'echo "$SIDECAR_ADDR $MERIDIAN_SIDECAR_ADDRESS"';

  test.each<[string, Record<string, string>, string]>([
    ['both get the default', {}, '127.0.0.1:9191 127.0.0.1:9191'],
    ['an address that is set is kept', { SIDECAR_ADDR: '127.0.0.1:7000' }, '127.0.0.1:7000 127.0.0.1:7000'],
    ['the other name too', { MERIDIAN_SIDECAR_ADDRESS: '127.0.0.1:1' }, '127.0.0.1:9191 127.0.0.1:1'],
  ])('%s, under the strict options that another script left behind', async (_fact, environment, shown) => {
    write('a.sh', 'set -euo pipefail\n');
    const script = path.join(appDir, '.profile.d/m.sh');
    write('z.sh', `. ${script}\n`);
    expect(await run({ command: show, environment })).toEqual({ stdout: `${shown}\n`, stderr: '', status: 0 });
  });

  test('are those of the configuration file when it names them', async () => {
    write('m.sh', profileScript({ ...options, pluginAddress: '127.0.0.1:7001' }));
    expect((await run({ command: show })).stdout).toBe('127.0.0.1:7001 127.0.0.1:7001\n');
  });

  test('leave nothing else behind', async () => {
    write('a.sh', 'before=$(compgen -A variable; compgen -A function)\n');
    const news = `diff <(echo "$before") <(compgen -A variable; compgen -A function) | grep '^>'`;
    write('z.sh', `${news} | grep -v -e before -e BASH -e PIPESTATUS || :\n`);
    expect((await run({})).stdout).toBe('> MERIDIAN_SIDECAR_ADDRESS\n> SIDECAR_ADDR\nstarted\n');
  });
});

describe('SIDECAR_HOLD_APP', () => {
  const held = { SIDECAR_HOLD_APP: 'true', ...vcap('web') };
  const atPort = (port: string): Record<string, string> => ({ ...held, SIDECAR_HEALTH_ADDR: `127.0.0.1:${port}` });

  // Nobody answers at the silent port: whoever waits there says so in the end, and whoever does not says nothing.
  test.each<[string, Start, boolean]>([
    ['web', { environment: held }, true],
    ['worker', { environment: { ...held, ...vcap('worker') } }, true],
    ['a process of another type', { environment: { ...held, ...vcap('clock') } }, false],
    ['a type that contains the name of one', { environment: { ...held, ...vcap('webs') } }, false],
    ['a task, which has no type', { environment: { ...held, VCAP_APPLICATION: '{"application_name":"oms"}' } }, false],
    ['no VCAP_APPLICATION', { environment: { SIDECAR_HOLD_APP: 'true' } }, false],
    ['the shell of cf ssh', { program: '/tmp/lifecycle/shell', environment: held }, false],
    ['a bash that a person started', { program: 'bash', environment: held }, false],
    [
      "another buildpack's sidecar, which looks like the app",
      { command: 'echo started # agent', environment: held },
      true,
    ],
    ['an app that waits itself', { command: 'true meridian-sidecar wait; echo started', environment: held }, true],
    [
      'an app in a folder of that name',
      { command: 'cd /; : ./meridian-sidecar run; echo started', environment: held },
      true,
    ],
    ['an app with a file of that name', { command: 'echo started # > meridian-sidecar.log', environment: held }, true],
    ['an app of that name', { command: ': my-meridian-sidecar-run; echo started', environment: held }, true],
    ['the variable unset', { environment: vcap('web') }, false],
    ['the variable false', { environment: { ...held, SIDECAR_HOLD_APP: 'false' } }, false],
  ])('%s', async (_what, how, isHeld) => {
    write('a.sh', 'set -euo pipefail\n');
    write('m.sh', impatient(0));
    const environment = { ...how.environment, SIDECAR_HEALTH_ADDR: `127.0.0.1:${silentPort}` };
    const line = `meridian-sidecar: the sidecar is silent at 127.0.0.1:${silentPort} after 0 s; the app starts without it\n`;
    expect(await run({ ...how, environment })).toEqual({ stdout: 'started\n', stderr: isHeld ? line : '', status: 0 });
  });

  test.each([
    ownCommand,
    '"$DEPS_DIR/0/bin/meridian-sidecar" run',
    'exec /home/vcap/deps/0/bin/meridian-sidecar run ',
    'meridian-sidecar run',
  ])("the sidecar's own command %j does not wait for itself", async (command) => {
    // The sidecar of the droplet is a script that says how it was called.
    const depsDir = path.join(path.dirname(appDir), 'deps');
    mkdirSync(path.join(depsDir, '0/bin'), { recursive: true });
    const program = path.join(depsDir, '0/bin/meridian-sidecar');
    writeFileSync(program, '#!/bin/bash -p\necho sidecar "$@"\n', { mode: 0o755 });
    write('m.sh', impatient(0));
    const environment = { ...held, DEPS_DIR: depsDir, PATH: `${path.dirname(program)}:/usr/bin:/bin` };
    expect(await run({ command: command.replace('/home/vcap/deps', depsDir), environment })).toEqual({
      stdout: 'sidecar run\n',
      stderr: '',
      status: 0,
    });
  });

  test('waits without a program that the variables of the app could break', async () => {
    answer = { status: 503, state: 'REGISTERING' };
    let questions = 0;
    asked = () => {
      questions += 1;
      if (questions === 2) answer = { status: 200, state: 'READY' };
    };
    const { stdout, stderr } = await run({ environment: { ...atPort(answeringPort), PATH: '/proc/none' } });
    expect(stdout).toMatch(/the sidecar is READY/);
    expect(stderr).not.toContain('sleep');
  });

  test.each([
    ['127.0.0.1:N', '127.0.0.1:'],
    [':N', ':'],
    ['0.0.0.0:N', '0.0.0.0:'],
    ['localhost:N', 'localhost:'],
  ])('finds the health server at %s', async (_form, before) => {
    const environment = { ...held, SIDECAR_HEALTH_ADDR: `${before}${answeringPort}` };
    expect((await run({ environment })).stdout).toMatch(
      /^meridian-sidecar: the sidecar is READY after \d s; the app starts\nstarted\n$/,
    );
  });

  test.each([':$PORT', `127.0.0.1:\${PORT}`])('expands %s as the sidecar does', async (address) => {
    const environment = { ...held, SIDECAR_HEALTH_ADDR: address, PORT: answeringPort };
    expect((await run({ environment })).stdout).toContain('the sidecar is READY');
  });

  test('takes the address of the configuration file when the variable is unset', async () => {
    write('m.sh', patient(profileScript({ ...options, healthAddress: ':$PORT' })));
    expect((await run({ environment: { ...held, PORT: answeringPort } })).stdout).toContain('the sidecar is READY');
  });

  test('waits while the sidecar is registering, and waits once however often it is sourced', async () => {
    answer = { status: 503, state: 'REGISTERING' };
    write('z.sh', `. ${path.join(appDir, '.profile.d/m.sh')}\n`);
    const child = start({ environment: atPort(answeringPort) });
    let stdout = '';
    child.stdout?.on('data', (chunk) => (stdout += chunk));
    let questions = 0;
    asked = () => {
      questions += 1;
      if (questions < 3) return;
      expect(stdout).toBe('');
      answer = { status: 200, state: 'READY' };
    };
    await once(child, 'close');
    expect(stdout).toMatch(/^meridian-sidecar: the sidecar is READY after \d s; the app starts\nstarted\n$/);
    expect(questions).toBe(3);
  });

  test('gives up in time with the state in one line, and the app starts', async () => {
    answer = { status: 503, state: 'RECOVERING' };
    write('m.sh', impatient(1));
    const { stdout, stderr } = await run({ environment: atPort(answeringPort) });
    expect(stdout).toBe('started\n');
    expect(stderr).toMatch(
      /^meridian-sidecar: the sidecar is RECOVERING at \S+ after 1 s; the app starts without it\n$/,
    );
  });

  test.each(['', 'nonsense', ':', ':99999', 'no.such.host.invalid:1', '/etc:passwd'])(
    'survives the address %j',
    async (address) => {
      write('a.sh', 'set -euo pipefail\n');
      write('m.sh', impatient(0).replace("':9192'", `':${silentPort}'`));
      // Where no resolver answers, the one name here would take longer than the test.
      const environment = { ...held, SIDECAR_HEALTH_ADDR: address, RES_OPTIONS: 'timeout:1 attempts:1' };
      expect(await run({ environment })).toMatchObject({
        stdout: 'started\n',
        stderr: expect.stringMatching(/^meridian-sidecar: the sidecar is silent at \S+ after 0 s; .*\n$/),
        status: 0,
      });
    },
  );

  test('ends at once when the container stops', async () => {
    answer = { status: 503, state: 'REGISTERING' };
    const child = start({ environment: atPort(answeringPort) });
    asked = () => child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([null, 'SIGTERM']);
  });
});
