import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { conformanceTests } from '../../src/conformance/conformance-tests.ts';
import { idsOf, judgeCommand, judgeOf, seenIn } from '../conformance/judge-plugin.ts';
import { type NatsServers, startServers } from './nats-server.ts';
import { openStore } from './open-store.ts';
import { serverFile } from './tools.ts';

const root = path.resolve(import.meta.dirname, '../..');
const demo = path.join(root, 'fixtures/demo/main.ts');
const run = promisify(execFile);

let servers: NatsServers;
beforeAll(async () => {
  servers = await startServers(1);
});
afterAll(() => servers.stop());
const judgeMember = judgeOf('bad-plugin.ts');

async function openNats() {
  const store = await openStore(servers, { scheduler: realScheduler });
  return { store, close: () => store.close() };
}

test('the node plugin passes every conformance test on a bus whose store is on NATS', async () => {
  const grants = (['publish', 'subscribe'] as const).map((action) => ({ action, pattern: 'demo.*' }));
  const results = await judgeCommand([process.execPath, path.join(root, 'fixtures/node-plugin/plugin.js')], {
    grants,
    stepTimeoutMs: 10_000,
    openStore: openNats,
  });
  const ofNode = conformanceTests.map(({ id }) => id).filter((id) => id !== 'group-handover');
  expect(idsOf(results, 'passed'), seenIn(results)).toEqual(ofNode.sort());
});

test('a plugin in a group passes every conformance test on such a bus', async () => {
  const results = await judgeMember([], { stepTimeoutMs: 10_000, openStore: openNats });
  expect(idsOf(results, 'passed'), seenIn(results)).toEqual(conformanceTests.map(({ id }) => id).sort());
});

test('the demo works on a NATS server that it starts itself', async () => {
  const PATH = `${path.dirname(serverFile)}:${process.env['PATH']}`;
  const options = { cwd: root, env: { ...process.env, PATH } };
  const { stdout } = await run(process.execPath, [demo, '--store', 'nats'], options);
  expect(stdout).toMatch(/keeps everything on NATS JetStream[\s\S]*All of it worked/);
});

test('the demo works on NATS servers that run', async () => {
  const url = `nats://${servers.addresses.join(',')}`;
  const { stdout } = await run(process.execPath, [demo, '--store', url], { cwd: root });
  expect(stdout).toMatch(new RegExp(`store=${url}[\\s\\S]*All of it worked`));
});

test.each([
  ['without a server in PATH', 'nats', /put nats-server 2\.12 or newer into PATH/],
  ['with another store', 'postgres', /--store is postgres; it must be memory, nats or nats:/],
  ['with a server that is away', 'nats://127.0.0.1:1', /bus\/store\/nats-unreachable/],
])('the demo says what is missing %s', async (_, store, expected) => {
  const options = { cwd: root, env: { ...process.env, PATH: path.dirname(process.execPath) } };
  const failed: unknown = await run(process.execPath, [demo, '--store', store], options).catch((error) => error);
  expect(failed).toMatchObject({ code: 1 });
  const { stdout, stderr } = failed as { stdout: string; stderr: string };
  expect(`${stdout}${stderr}`).toMatch(expected);
});
