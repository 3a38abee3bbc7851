import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endAll, Program } from '../../sidecar/processes.ts';

const dist = path.resolve(import.meta.dirname, '../../../dist');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quotes-'));
  copyFileSync(path.join(dist, 'meridian-plugin/meridian-plugin.mjs'), path.join(folder, 'meridian-plugin.mjs'));
});
afterEach(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes the plugin's program: what it does once it is connected. */
function writePlugin(text: string): void {
  writeFileSync(
    path.join(folder, 'plugin.mjs'),
    `import { connect } from './meridian-plugin.mjs';
     const plugin = await connect();
     ${text}`,
  );
}

/** Runs in the folder, with a free port for the sidecar. */
function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Program {
  const command = [path.join(dist, 'cli.mjs'), 'run', ...args];
  const script = 'cd "$1" && shift && exec "$@"';
  const env = { PATH: process.env.PATH ?? '', SIDECAR_ADDR: '127.0.0.1:0', ...environment };
  return new Program(['-c', script, 'bash', folder, process.execPath, ...command], env, '/bin/bash');
}

const plugin = ['--', process.execPath, 'plugin.mjs'];
const inMemory = ['--dev-bus', ...plugin];

describe('in a folder that holds nothing but a plugin', () => {
  test('it talks over a bus and a sidecar of its own, and its exit code is that of the run', async () => {
    writePlugin(`
      const heard = Promise.withResolvers();
      await plugin.subscribe('demo.*', { name: 'all' }, ({ payload }) => heard.resolve(Buffer.from(payload)));
      await plugin.publish('demo.ticks', Buffer.from('tick'));
      console.log(\`heard \${await heard.promise} as \${process.env.INSTANCE_ID} of \${process.env.POOL_TYPE}\`);
      await plugin.stop('done');
      process.exit(3);`);
    const program = run(inMemory);
    expect(await program.exited).toBe(3);
    const id = `${path.basename(folder)}-0`;
    expect(program.stdout).toBe(`plugin  | heard tick as ${id} of SignalPool\n`);
    expect(program.stderr).toMatch(/^run {5}\| bus: 127\.0\.0\.1:\d+, open to everybody on this machine$/m);
    expect(program.stderr).toMatch(
      new RegExp(`^run     \\| sidecar: ${id} \\(SignalPool\\) at 127\\.0\\.0\\.1:\\d+$`, 'm'),
    );
  });

  test('a signal stops it gracefully, and a second one at once', async () => {
    writePlugin(`
      plugin.onStop(() => console.log('drained'));
      console.log('up');
      await plugin.stopped;
      process.exit(7);`);
    const graceful = run(inMemory);
    await graceful.seen(/up/);
    graceful.signal('SIGTERM');
    expect(await graceful.exited).toBe(7);
    expect(graceful.stdout).toContain('plugin  | drained');

    writePlugin(`process.on('SIGTERM', () => console.log('told')); console.log('up'); setInterval(() => {}, 1e6);`);
    const stubborn = run(inMemory);
    await stubborn.seen(/up/);
    stubborn.signal('SIGINT');
    await stubborn.seen(/told/);
    stubborn.signal('SIGINT');
    expect(await stubborn.exited).toBe(137);
  });

  test('bus and sidecar end when the run itself is killed', async () => {
    writePlugin(`console.log('up'); await plugin.stopped;`);
    const program = run(['--verbose', ...inMemory]);
    const [, pid = ''] = await program.seen(/sidecar starts .* pid=(\d+)/);
    const [, bus = ''] = await program.seen(/bus: (\S+),/);
    await program.seen(/up/);
    program.signal('SIGKILL');
    await expect.poll(() => isRunning(Number(pid))).toBe(false);
    await expect.poll(() => isListening(bus)).toBe(false);
  });

  test('with --watch it starts again when a file changes, and keeps state and position', async () => {
    const text = (version: string): string => `
      const state = await plugin.loadState();
      console.log('${version} has', state ? Buffer.from(state).toString() : 'nothing');
      await plugin.saveState(Buffer.from('what ${version} saved'));
      await plugin.subscribe('demo.*', { name: 'all' }, ({ payload }) => console.log('${version} heard', Buffer.from(payload).toString()));
      await plugin.publish('demo.ticks', Buffer.from('from ${version}'));
      await plugin.stopped;`;
    writePlugin(text('v1'));
    const program = run(['--dev-bus', '--watch', ...plugin]);
    await program.seen(/v1 heard from v1/);
    writePlugin(text('v2'));
    await program.seen(/run {5}\| plugin\.mjs changed; the plugin starts again/);
    await program.seen(/v2 heard from v2/);
    expect(program.stdout).toContain('v2 has what v1 saved');
    expect(program.stdout).not.toContain('v2 heard from v1');
    writePlugin(`process.exit(5);`);
    await program.seen(/the plugin ended with code 5; it starts again when a file changes/);
    writePlugin(text('v3'));
    await program.seen(/v3 heard from v3/);
    expect(program.stdout).toContain('v3 has what v2 saved');
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
  });

  test('--watch says so when a folder has more files than it looks at', async () => {
    writePlugin(`await plugin.stop('done'); console.log('done');`);
    mkdirSync(path.join(folder, 'data'));
    for (let index = 0; index < 5_000; index += 1) writeFileSync(path.join(folder, `data/${index}`), '');
    const program = run(['--dev-bus', '--watch', ...plugin]);
    await program.seen(/run {5}\| --watch looks at 5000 files, and this folder has more/);
    await program.seen(/done/);
    program.signal('SIGTERM');
    await program.exited;
  });

  test('--bus-store FILE keeps what was stored for the next run', async () => {
    writePlugin(`
      const state = await plugin.loadState();
      console.log('has', state ? Buffer.from(state).toString() : 'nothing');
      await plugin.saveState(Buffer.from('saved'));
      await plugin.stop('done');
      process.exit(0);`);
    for (const has of ['has nothing', 'has saved']) {
      const program = run(['--dev-bus', '--bus-store', 'bus.sqlite', ...plugin]);
      expect(await program.exited).toBe(0);
      expect(program.stdout).toContain(has);
    }
  });

  test('a policy is used, and what it does not allow is refused', async () => {
    writeFileSync(
      path.join(folder, 'policy.yml'),
      `deployment: mine\nrules:\n  - { principals: ['*'], instances: ['*'], pools: [SignalPool], publish: [demo.ticks] }\n`,
    );
    writePlugin(`
      for (const topic of ['demo.ticks', 'demo.others']) console.log((await plugin.publish(topic, Buffer.from('1'))).outcome);
      await plugin.stop('done');
      process.exit(0);`);
    const allowed = run(['--dev-bus', '--policy', 'policy.yml', ...plugin]);
    expect(await allowed.exited).toBe(0);
    expect(allowed.stdout).toBe('plugin  | accepted\nplugin  | refused\n');
    const other = run(['--dev-bus', '--policy', 'policy.yml', ...plugin], { POOL_TYPE: 'OMSPool' });
    expect(await other.exited).toBe(77);
    expect(other.stderr).toMatch(
      /^run {5}\| the sidecar ended with code 77, and nothing works without it; see its lines above$/m,
    );
  });

  test('several that start at the same moment come up, each on ports of its own', async () => {
    writePlugin(`
      const { outcome } = await plugin.publish('demo.ticks', Buffer.from('tick'));
      console.log(outcome, process.env.SIDECAR_ADDR);
      await plugin.stopped;
      process.exit(0);`);
    const programs = Array.from({ length: 8 }, (_, index) => run(inMemory, { INSTANCE_ID: `quotes-${index}` }));
    for (const program of programs) await program.seen(/accepted/);
    for (const program of programs) program.signal('SIGTERM');
    for (const program of programs) expect(await program.exited, program.output).toBe(0);
    const said = programs.map(({ stdout }) => /^plugin {2}\| accepted (127\.0\.0\.1:[1-9]\d*)\n$/.exec(stdout)?.[1]);
    expect(new Set(said).size).toBe(8);
    expect(said).not.toContain(undefined);
    const buses = programs.map(({ stderr }) => /bus: (\S+),/.exec(stderr)?.[1]);
    expect(new Set(buses).size).toBe(8);
  });

  test('what the author sets for the log of the sidecar holds', async () => {
    writePlugin(`await plugin.stop('done'); process.exit(0);`);
    const quiet = run(inMemory);
    expect(await quiet.exited).toBe(0);
    expect(quiet.output).not.toMatch(/^(?:sidecar|bus) +\|/m);
    const json = run(['--verbose', ...inMemory], { SIDECAR_LOG_FORMAT: 'json' });
    expect(await json.exited).toBe(0);
    expect(json.output).toMatch(/^sidecar \| \{.*"message":"plugin port listens"/m);
    expect(json.output).toMatch(/^bus {5}\| INFO {2}bus listens/m);
    const odd = run(inMemory, { SIDECAR_LOG_LEVEL: 'loud' });
    expect(await odd.exited).toBe(78);
    expect(odd.output).toContain('loud');
  });

  test('colours only where they are asked for', async () => {
    writePlugin(`await plugin.stop('done'); process.exit(0);`);
    const plain = run(inMemory);
    expect(await plain.exited).toBe(0);
    expect(plain.output).not.toContain('\u001B');
    const coloured = run(inMemory, { FORCE_COLOR: '1' });
    expect(await coloured.exited).toBe(0);
    expect(coloured.stderr).toContain('\u001B[33mrun    \u001B[39m | ');
  });
});

describe('bad input', () => {
  test.each<[string, readonly string[], number, string]>([
    ['a command that is not there', ['--dev-bus', '--', 'no-such-program'], 127, 'run/command/not-found'],
    ['a command that is no program', ['--dev-bus', '--', './plugin.mjs'], 126, 'run/command/not-executable'],
    ['--policy without a bus', ['--policy', 'policy.yml', ...plugin], 64, 'run/bus/missing'],
    ['--bus-store without a bus', ['--bus-store', 'bus.sqlite', ...plugin], 64, 'run/bus/missing'],
    ['options without a command', ['--watch'], 64, 'these options need a command'],
    ['a policy that is not there', ['--dev-bus', '--policy', 'none.yml', ...plugin], 78, 'bus/policy/unreadable'],
  ])('%s is refused with its exit code', async (_, args, code, text) => {
    writePlugin('');
    chmodSync(path.join(folder, 'plugin.mjs'), 0o644);
    const program = run(args);
    expect([await program.exited, program.output]).toEqual([code, expect.stringContaining(text)]);
  });

  test('an address that cannot be read is left to the sidecar, which says what it expects', async () => {
    const program = run(inMemory, { SIDECAR_ADDR: '127.0.0.1:99999' });
    expect(await program.exited).toBe(78);
    expect(program.output).toContain('config/addr/malformed');
  });

  test('a command without -- is run all the same', async () => {
    writePlugin(`await plugin.stop('done'); process.exit(0);`);
    const program = run(['--dev-bus', process.execPath, 'plugin.mjs']);
    expect(await program.exited).toBe(0);
  });

  test('credentials for another bus do not reach the bus that it starts', async () => {
    writePlugin(`await plugin.stop('done'); process.exit(0);`);
    const program = run(inMemory, { SIDECAR_BUS_CA: '/proc/nowhere/ca.pem', SIDECAR_BUS_TOKEN: 'secret' });
    expect(await program.exited).toBe(0);
  });

  test('a port that is taken is named, with what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const program = run(inMemory, { SIDECAR_ADDR: `127.0.0.1:${port}` });
    expect(await program.exited).toBe(71);
    expect(program.stderr).toMatch(new RegExp(`another program listens on 127\\.0\\.0\\.1:${port} already`));
    server.close();
  });
});

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function isListening(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
