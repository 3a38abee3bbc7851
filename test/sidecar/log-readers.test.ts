import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { sampleSum, scrape } from './metrics/exposition.ts';
import { ownFreeAddress } from './own-loopback.ts';
import { connectPlugin } from './plugins.ts';
import {
  endAll,
  Program,
  policyText,
  runCli,
  runCliWith,
  spawnSidecar,
  startBus,
  startSidecar,
  writeTemporary,
} from './processes.ts';

afterEach(endAll);

const dist = path.resolve(import.meta.dirname, '../../dist');
const topic = 'platform.oms.orders';

/** Publishes over it, which makes sidecar and bus log their ways through it. */
async function publishOver(address: string): Promise<void> {
  const plugin = await connectPlugin(address);
  expect(await plugin.publish(topic, Buffer.from('1'))).toMatchObject({ outcome: 'accepted' });
  await plugin.stop('done');
}

describe('nobody reads the logs any more', () => {
  test('sidecar and bus serve on, and stop in order when asked', async () => {
    const bus = await startBus(undefined, 'memory', '--audit', '-');
    const sidecar = await startSidecar(bus.address, { SIDECAR_LOG_LEVEL: 'debug', SIDECAR_AUDIT_LOG: '-' });
    for (const { program } of [bus, sidecar]) program.closeOutput();
    for (let times = 0; times < 3; times += 1) await publishOver(sidecar.address);
    for (const { program } of [sidecar, bus]) {
      program.signal('SIGTERM');
      expect(await program.exited).toBe(0);
    }
  });

  test('a plugin of our client lives on', async () => {
    const bus = await startBus();
    const { address } = await startSidecar(bus.address);
    const source = `
      import { connect } from '${path.resolve(import.meta.dirname, '../../src/plugin/index.ts')}';
      const plugin = await connect();
      let handled = 0;
      await plugin.subscribe('${topic}', { name: 'orders' }, () => {
        handled += 1;
        if (handled < 4) throw new Error('not yet');
        process.exit(42);
      });
      console.log('subscribed');
    `;
    const plugin = new Program([writeTemporary('plugin.mjs', source)], { SIDECAR_ADDR: address });
    await plugin.seen(/subscribed/);
    plugin.closeOutput();
    const writer = await startSidecar(bus.address, { INSTANCE_ID: 'oms-2' });
    await publishOver(writer.address);
    // It ends by itself once it has logged three failures.
    expect(await plugin.exited).toBe(42);
  });
});

describe('a full disk takes no logs', () => {
  const intoFull = (args: readonly string[], environment: Readonly<Record<string, string>>): Program =>
    new Program(
      ['-c', 'exec "$0" "$@" >/dev/full 2>/dev/full', process.execPath, ...args],
      { PATH: '/usr/bin:/bin', ...environment },
      '/bin/bash',
    );

  test('sidecar and bus serve on, and stop in order when asked', async () => {
    const [busAddress, address, health] = [await ownFreeAddress(), await ownFreeAddress(), await ownFreeAddress()];
    const policy = writeTemporary('policy.yml', policyText);
    const cli = path.join(dist, 'cli.mjs');
    const bus = intoFull([cli, 'bus', '--listen', busAddress, '--policy', policy, '--store', 'memory'], {});
    const sidecar = intoFull([path.join(dist, 'sidecar.mjs')], {
      INSTANCE_ID: 'oms-1',
      POOL_TYPE: 'OMSPool',
      SIDECAR_BUS_API_URL: busAddress,
      SIDECAR_ADDR: address,
      SIDECAR_HEALTH_ADDR: health,
      SIDECAR_AUDIT_LOG: '-',
    });
    await publishOver(address);
    // The line that opens the audit log, and that of the publish.
    expect(sampleSum(await scrape(`http://${health}`), 'meridian_sidecar_audit_lines_lost_total')).toBe(2);
    for (const program of [sidecar, bus]) {
      program.signal('SIGTERM');
      expect(await program.exited).toBe(0);
    }
  });

  test('an error of configuration still has its exit code', async () => {
    expect(await intoFull([path.join(dist, 'sidecar.mjs')], {}).exited).toBe(78);
  });
});

test('a reader that stops costs lines and no memory, and reads their number when it goes on', async () => {
  const bus = await startBus();
  const { program, address, healthUrl } = await startSidecar(bus.address, { SIDECAR_AUDIT_LOG: '-' });
  const plugin = await connectPlugin(address);
  const goOn = program.holdOutput();
  const lost = async (): Promise<number> =>
    sampleSum(await scrape(healthUrl), 'meridian_sidecar_audit_lines_lost_total') ?? 0;
  // Some 300 bytes of the audit log each, so twice what may wait for the reader.
  for (let published = 0; published < 10_000 && (await lost()) < 100; published += 500) {
    await Promise.all(Array.from({ length: 500 }, () => plugin.publish(topic, Buffer.from('1'))));
  }
  const before = await lost();
  expect(before).toBeGreaterThanOrEqual(100);
  goOn();
  const [, lines = ''] = await program.seen(/WARN {2}the audit log has lost lines file=- lines=(\d+)/);
  expect(Number(lines)).toBe(before);
});

describe('SIGHUP', () => {
  test('ends neither sidecar nor bus, and no sidecar that was started by run', async () => {
    const bus = await startBus();
    const { program: sidecar, address, healthUrl } = await startSidecar(bus.address);
    const run = runCliWith(
      {
        INSTANCE_ID: 'oms-2',
        POOL_TYPE: 'OMSPool',
        SIDECAR_BUS_API_URL: bus.address,
        SIDECAR_ADDR: '127.0.0.1:0',
        SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
      },
      'run',
    );
    await run.seen(/startup 8\/8/);
    const programs = [run, sidecar, bus.program];
    for (const program of programs) program.signal('SIGHUP');
    await publishOver(address);
    expect((await fetch(`${healthUrl}/livez`)).status).toBe(200);
    for (const program of programs) {
      program.signal('SIGTERM');
      expect(await program.exited).toBe(0);
    }
  });

  test('does not end a sidecar that is still starting', async () => {
    const sidecar = spawnSidecar(await ownFreeAddress());
    await sidecar.seen(/sidecar starts/);
    sidecar.signal('SIGHUP');
    sidecar.signal('SIGTERM');
    expect(await sidecar.exited).toBe(0);
  });
});

describe('a command', () => {
  const commands = [['--help'], ['bus', '--help'], ['doctor', '--offline', '--env', 'A=B'], ['stage', '--help']];

  test.each(commands.map((args) => [args]))('%j prints no stack when nobody reads it', async (args) => {
    const program = new Program(
      ['-c', 'set -o pipefail; "$0" "$@" | true', process.execPath, path.join(dist, 'cli.mjs'), ...args],
      { PATH: '/usr/bin:/bin' },
      '/bin/bash',
    );
    const whole = runCli(...args);
    expect(await program.exited).toBe(await whole.exited);
    expect(program.stderr).toBe(whole.stderr);
  });

  test.each(commands.map((args) => [args]))('%j says that its output could not be written', async (args) => {
    const program = new Program(
      ['-c', 'exec "$0" "$@" >/dev/full', process.execPath, path.join(dist, 'cli.mjs'), ...args],
      { PATH: '/usr/bin:/bin' },
      '/bin/bash',
    );
    expect(await program.exited).toBe(74);
    expect(program.stderr).toContain('[cli/output/unwritable]');
    expect(program.stderr).not.toContain('    at ');
  });
});
