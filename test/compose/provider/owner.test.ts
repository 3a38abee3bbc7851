import { expect, onTestFinished, test } from 'vitest';
import { docker } from '../engine/compose-project.ts';
import { sidecarImage } from '../engine/images.ts';

/**
 * Why the owner of the network is neither sidecar nor plugin: a server in place of the sidecar is restarted under a client
 * in place of the plugin.
 */
const answer = 'require("node:net").createServer((socket) => socket.end("here")).listen(9191, "127.0.0.1")';
const ask = `const deadline = Date.now() + Number(process.argv[1]);
const attempt = () => {
  const socket = require("node:net").connect(9191, "127.0.0.1");
  socket.on("data", () => process.exit(0));
  socket.on("error", () => (Date.now() > deadline ? process.exit(1) : setTimeout(attempt, 50)));
};
attempt();`;

async function run(name: string, network: string, entrypoint: string, ...command: string[]): Promise<string> {
  const { stdout, stderr } = await docker(
    ...['run', '--detach', '--name', name, '--network', network, '--no-healthcheck'],
    ...['--entrypoint', entrypoint, sidecarImage, ...command],
  );
  onTestFinished(async () => void (await docker('rm', '--force', name)));
  expect(stderr).toBe('');
  return stdout.trim();
}

/** Whether the server answers the client, within so many milliseconds. */
async function answers(client: string, withinMs: number): Promise<boolean> {
  return (await docker('exec', client, 'node', '-e', ask, String(withinMs))).exitCode === 0;
}

test('a plugin that shares the network of its sidecar loses it when the sidecar restarts', async () => {
  const server = await run('owner-is-sidecar', 'bridge', 'node', '-e', answer);
  const client = await run('joins-sidecar', `container:${server}`, 'sleep', 'infinity');
  expect(await answers(client, 10_000)).toBe(true);
  await docker('restart', '--time', '0', server);
  // The server is there again, only not for the client, which stays in the network of before.
  expect(await answers(server, 10_000)).toBe(true);
  expect(await answers(client, 1_000)).toBe(false);
});

test('a plugin and a sidecar that share the network of a third keep it, and the plugin finds the sidecar again', async () => {
  const owner = await run('owner-sleeps', 'bridge', 'sleep', 'infinity');
  const server = await run('joins-owner', `container:${owner}`, 'node', '-e', answer);
  const client = await run('joins-owner-too', `container:${owner}`, 'sleep', 'infinity');
  expect(await answers(client, 10_000)).toBe(true);
  await docker('restart', '--time', '0', server);
  expect(await answers(client, 10_000)).toBe(true);
});
