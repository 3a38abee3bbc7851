import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readPage } from '../docs/examples.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, Program, runCli, spawnSidecar, startSidecar, writeTemporary } from '../sidecar/processes.ts';
import { createAuthority } from '../transport/certificates.ts';
import { type GrantsBus, manualSubscribe, startGrantsBus, tokens } from './bus-grants-fixtures.ts';

afterEach(endAll);

const page = readPage('runbook.md');
const cli = path.resolve(import.meta.dirname, '../../dist/cli.mjs');

/** The commands that a part of the page prints. */
function commandsIn(part: string): string[] {
  return [...part.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, code = '']) => code.trimEnd().split('\n'));
}

/** Those of one section. */
function commandsOf(heading: string): string[] {
  const [, rest = ''] = page.split(`### ${heading}\n`);
  return commandsIn(rest.split(/^##/m)[0] ?? '');
}

interface Ended {
  readonly code: unknown;
  readonly output: string;
}

/** Types a command of the runbook as an administrator does. */
async function typed(bus: Pick<GrantsBus, 'address'>, line: string, environment = {}): Promise<Ended> {
  const shell = line.replace(/^meridian-sidecar /, `'${process.execPath}' '${cli}' `);
  const admin = { SIDECAR_BUS_API_URL: bus.address, SIDECAR_BUS_TOKEN: tokens.ops };
  const program = new Program(
    ['-c', `exec ${shell}`],
    { PATH: '/usr/bin:/bin', ...admin, ...environment },
    '/bin/bash',
  );
  if (line.includes('bus tail')) {
    await program.seen(/\n/);
    program.signal('SIGINT');
  }
  return { code: await program.exited, output: program.output };
}

const policy = manualSubscribe.replace(
  'publish: [platform.oms.**]',
  'publish: [platform.oms.**], subscribe: [platform.oms.**]',
);

/** A plugin that publishes and never finishes a message. */
async function stuckPlugin(bus: GrantsBus) {
  const grants = ['publish', 'subscribe'].map((action) => ({ topic: 'platform.oms.*', action }));
  const sidecar = await startSidecar(bus.address, { REQUESTED_GRANTS: JSON.stringify(grants) });
  const plugin = await connectPlugin(sidecar.address);
  await plugin.subscribe('platform.oms.*', { name: 'fills' }, () => new Promise<never>(() => {}));
  await plugin.publish('platform.oms.fills', Buffer.alloc(1_000));
  return { sidecar, plugin };
}

describe('with the runbook alone a stranger finds and mends', () => {
  test('a stuck subscriber that is gone for good', async () => {
    const bus = await startGrantsBus(policy);
    const { sidecar } = await stuckPlugin(bus);
    const [instances = '', tail = '', drop = ''] = commandsOf('MeridianSubscriberStuck');
    expect((await typed(bus, 'meridian-sidecar bus status')).output).toMatch(/^oms-1 +fills +1 +yes$/m);
    expect((await typed(bus, instances)).output).toMatch(/^oms-1 +active .*open/m);
    expect((await typed(bus, tail)).output).toContain('platform.oms.fills');
    expect(await typed(bus, drop)).toMatchObject({ code: 64, output: expect.stringContaining('in-use') });
    sidecar.program.signal('SIGKILL');
    await expect
      .poll(async () => (await typed(bus, drop)).output, { timeout: 20_000, interval: 500 })
      .toBe('dropped fills of oms-1\n');
    expect((await typed(bus, 'meridian-sidecar bus status')).output).not.toContain('fills');
  });

  test('a full store', async () => {
    const bus = await startGrantsBus(policy, undefined, ['--store-bytes', '64KiB', '--keep-messages', '1']);
    const { plugin, sidecar } = await stuckPlugin(bus);
    const publish = async () => await plugin.publish('platform.oms.fills', Buffer.alloc(8_000));
    await expect.poll(publish).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('full') });
    const [status = '', topics = '', drop = ''] = commandsOf('MeridianStoreNearlyFull');
    expect((await typed(bus, status)).output).toMatch(/of 64 KiB \((?:8|9|10)\d? %\)/);
    expect((await typed(bus, topics)).output).toContain('platform.oms.fills');
    sidecar.program.signal('SIGKILL');
    await expect.poll(async () => (await typed(bus, drop)).code, { timeout: 20_000, interval: 500 }).toBe(0);
    const again = await connectPlugin(
      (await startSidecar(bus.address, { REQUESTED_GRANTS: '[{"topic":"platform.oms.*","action":"publish"}]' }))
        .address,
    );
    await expect
      .poll(async () => (await again.publish('platform.oms.fills', Buffer.alloc(8_000))).outcome, { timeout: 10_000 })
      .toBe('accepted');
  });

  test('a grant that nobody decided', async () => {
    const bus = await startGrantsBus(policy);
    const sidecar = spawnSidecar(bus.address, {
      REQUESTED_GRANTS: '[{"topic":"platform.data.*","action":"subscribe"}]',
    });
    await sidecar.seen(/waiting for an approval/);
    const [list = '', approve = ''] = commandsOf('MeridianGrantUndecided');
    expect((await typed(bus, list)).output).toMatch(/oms-1 +subscribe +platform\.data\.\*/);
    expect((await typed(bus, approve)).code).toBe(0);
    await sidecar.seen(/startup 8\/8/);
  });

  test('a certificate that has expired', async () => {
    const authority = createAuthority('runbook', 'ecdsa');
    const { certificate, key } = authority.issue('bus', { ip: [127, 0, 0, 1] }, { to: new Date(Date.now() - 60_000) });
    const files = { certificate: writeTemporary('bus.pem', certificate), key: writeTemporary('bus.key', key) };
    const tls = ['--tls-certificate', files.certificate, '--tls-key', files.key];
    const bus = runCli('bus', '--store', 'memory', '--listen', '127.0.0.1:0', ...tls);
    const [, address = ''] = await bus.seen(/bus listens address=(\S+)/);
    const ca = writeTemporary('ca.pem', authority.ca);
    const environment = { POOL_TYPE: 'OMSPool', INSTANCE_ID: 'oms-1', SIDECAR_BUS_CA: ca };
    const [, doctor = ''] = commandsOf('MeridianSidecarCutOff');
    const told = await typed({ address }, doctor, environment);
    expect(told).toMatchObject({ code: 69, output: expect.stringMatching(/expired|ended/) });
  });

  test('two sidecars with one instance id', async () => {
    const bus = await startGrantsBus(policy);
    const older = await stuckPlugin(bus);
    const newer = await startSidecar(bus.address, {
      REQUESTED_GRANTS: '[{"topic":"platform.oms.*","action":"publish"}]',
    });
    await older.sidecar.program.seen(/a newer sidecar of this instance took over/);
    const [instances = ''] = commandsOf('MeridianSidecarSuperseded');
    expect((await typed(bus, instances)).output).toMatch(/^oms-1 +active/m);
    newer.program.signal('SIGTERM');
    expect(await newer.program.exited).toBe(0);
    await older.sidecar.program.seen(/to=(?:READY|RUNNING)[\s\S]*to=STANDBY[\s\S]*to=(?:READY|RUNNING|DEGRADED)/);
  });
});

test('every other command of the runbook works', async () => {
  const bus = await startGrantsBus(policy);
  const { sidecar } = await stuckPlugin(bus);
  const all = [...new Set(commandsIn(page))];
  const inContainer = {
    SIDECAR_STATUS_ADDR: sidecar.healthUrl.replace('http://', ''),
    ...{ POOL_TYPE: 'OMSPool', INSTANCE_ID: 'oms-1', SIDECAR_ADDR: sidecar.address },
  };
  // The others are played above, where they have something to do.
  for (const line of all.filter((each) => !/drop|approve|check/.test(each))) {
    const { code, output } = await typed(bus, line, /doctor|sidecar status/.test(line) ? inContainer : {});
    expect([line, code, output]).toEqual([line, 0, output]);
  }
  const copy = path.join(path.dirname(bus.store), 'copy.sqlite');
  expect(await runCli('bus', 'backup', copy, '--store', bus.store).exited).toBe(0);
  const [check = ''] = commandsOf('74');
  expect((await typed(bus, check.replace('bus.sqlite', copy))).code).toBe(0);
});
