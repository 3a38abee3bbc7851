import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endAll, Program, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';

const cli = path.resolve('dist/cli.mjs');
const wait = (args: readonly string[], environment: Record<string, string> = {}): Program =>
  new Program([cli, 'wait', ...args], environment);

afterEach(endAll);

let server: Server;
let port: string;
let answer: { readonly status: number; readonly state: string };
/** Hears each question, before it is answered. */
let asked: () => void;

beforeEach(async () => {
  answer = { status: 200, state: 'RUNNING' };
  asked = () => undefined;
  server = createServer((_request, response) => {
    asked();
    response.writeHead(answer.status).end(`${answer.state}\n`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = String((server.address() as AddressInfo).port);
});
afterEach(async () => {
  await endAll();
  server.close();
});

test('is over once a real sidecar accepts its plugin', async () => {
  const { address } = await startBus();
  const { healthUrl } = await startSidecar(address);
  const waiting = wait(['--address', healthUrl.replace('http://', '')]);
  expect(await waiting.exited).toBe(0);
  expect(waiting.output).toMatch(/^the sidecar is READY after \d+\.\d s\n$/);
});

test('goes on while the sidecar is not ready', async () => {
  answer = { status: 503, state: 'REGISTERING' };
  let questions = 0;
  asked = () => {
    questions += 1;
    if (questions === 3) answer = { status: 200, state: 'READY' };
  };
  const waiting = wait(['--address', `127.0.0.1:${port}`]);
  expect(await waiting.exited).toBe(0);
  // More when one was answered too late.
  expect(questions).toBeGreaterThanOrEqual(3);
});

test.each<[string, (port: string) => string, string]>([
  ['the state', (at) => `127.0.0.1:${at}`, 'it is REGISTERING'],
  ['that nobody answers', () => '127.0.0.1:1', 'nobody answers'],
])('ends in time with one line that says %s', async (_what, address, fact) => {
  answer = { status: 503, state: 'REGISTERING' };
  const waiting = wait(['--timeout', '300ms', '--address', address(port)]);
  expect(await waiting.exited).toBe(75);
  expect(waiting.output).toBe(
    `the sidecar was not ready within 300ms: ${fact} at ${address(port)}; its own log says why  [wait/sidecar/not-ready]\n`,
  );
});

test.each<[string, (port: string) => Record<string, string>]>([
  ['of SIDECAR_HEALTH_ADDR', (at) => ({ SIDECAR_HEALTH_ADDR: `0.0.0.0:${at}` })],
  ["that stands for the platform's port", (at) => ({ SIDECAR_HEALTH_ADDR: ':$PORT', PORT: at })],
  [
    'of the configuration file',
    (at) => ({ SIDECAR_CONFIG: writeTemporary('sidecar.yml', `health_addr: "127.0.0.1:${at}"\n`) }),
  ],
])('finds the address %s', async (_which, environment) => {
  const waiting = wait([], environment(port));
  expect(await waiting.exited).toBe(0);
  expect(waiting.stdout).toContain('the sidecar is RUNNING');
});

test.each([
  [['--timeout', 'soon'], {}, 64, '[wait/timeout/format]'],
  [[], { SIDECAR_HEALTH_ADDR: 'nowhere' }, 78, '[config/health-addr/malformed]'],
  [[], { SIDECAR_CONFIG: '/proc/nonexistent.yml' }, 78, '[config/sidecar-config/unreadable]'],
])('wait %j under %j exits with %i', async (args, environment: Record<string, string>, code, id) => {
  const waiting = wait(args, environment);
  expect(await waiting.exited).toBe(code);
  expect(waiting.stderr).toContain(id);
});

test('ends with the shell that started it, so that it holds no container up', async () => {
  answer = { status: 503, state: 'REGISTERING' };
  const question = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const command = `${process.execPath} ${cli} wait --address 127.0.0.1:${port} & wait`;
  const shell = new Program(['-c', command], {}, '/bin/bash');
  await question;
  shell.signal('SIGKILL');
  // The output is closed only when nobody holds it any more.
  expect(await shell.exited).toBe('SIGKILL');
});
