import { createHash } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { connectPlugin } from './plugins.ts';
import { endAll, type Program, policyText, spawnSidecar, startBus, startSidecar, writeTemporary } from './processes.ts';

afterEach(endAll);

type Line = Readonly<Record<string, string>>;

function linesOf(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ point = '' }) => ['publish', 'route', 'deliver'].includes(point));
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const token = 'a-token-nobody-may-read';
const payload = Buffer.from('nobody may read this');

async function end(...programs: readonly Program[]): Promise<void> {
  for (const program of programs) {
    program.signal('SIGTERM');
    await program.exited;
  }
}

/** A bus and two sidecars with their plugins; each of the three writes an audit log. */
async function auditedScene() {
  const [busLog = '', dgmLog = '', omsLog = ''] = ['bus', 'dgm', 'oms'].map((name) =>
    writeTemporary(`${name}.log`, ''),
  );
  const hash = createHash('sha256').update(token).digest('hex');
  const policy = writeTemporary('policy.yml', `${policyText}tokens: {${hash}: ci}\n`);
  const bus = await startBus('127.0.0.1:0', 'memory', '--audit', busLog, '--policy', policy);
  const dgm = await startSidecar(bus.address, {
    INSTANCE_ID: 'dgm-1',
    POOL_TYPE: 'DGMPool',
    SIDECAR_AUDIT_LOG: dgmLog,
    SIDECAR_BUS_TOKEN: token,
    SIDECAR_LOG_LEVEL: 'debug',
  });
  const oms = await startSidecar(bus.address, { SIDECAR_AUDIT_LOG: omsLog });
  const [publisher, receiver] = await Promise.all([connectPlugin(dgm.address), connectPlugin(oms.address)]);
  const programs = [oms.program, dgm.program, bus.program];
  return { publisher, receiver, programs, logs: { busLog, dgmLog, omsLog }, endAllOfIt: () => end(...programs) };
}

const facts = ({ point, kind, outcome, receiver }: Line): unknown[] => [point, kind, outcome, receiver];

async function publishAndTake(publisher: Plugin, receiver: Plugin): Promise<void> {
  const taken = Promise.withResolvers<string>();
  await receiver.subscribe('platform.data.*', { name: 'data' }, (message) => taken.resolve(message.traceparent));
  await publisher.publish('platform.data.ticks', payload, { traceparent, tracestate: 'vendor=opaque' });
  expect(await taken.promise).toBe(traceparent);
}

describe('the audit logs of two sidecars and a bus', () => {
  test('join publish, route and deliver of a message by its trace id', async () => {
    const { publisher, receiver, logs, endAllOfIt } = await auditedScene();
    await publishAndTake(publisher, receiver);
    await endAllOfIt();
    const lines = [logs.dgmLog, logs.busLog, logs.omsLog].flatMap(linesOf);
    const ofTrace = lines.filter((line) => line.trace_id === traceId);
    // The bus may route a message before it answers its publisher.
    expect(ofTrace.map(facts)).toHaveLength(4);
    expect(ofTrace.map(facts)).toEqual(
      expect.arrayContaining([
        ['deliver', 'message', 'delivered', 'oms-1'],
        ['publish', 'message', 'accepted', undefined],
        ['route', 'message', 'routed', 'oms-1'],
        ['route', 'message', 'stored', undefined],
      ]),
    );
    expect(new Set(ofTrace.map((line) => line.message_id)).size).toBe(1);
    for (const line of ofTrace) {
      expect(line).toMatchObject({ publisher: 'dgm-1', topic: 'platform.data.ticks' });
      expect(Date.parse(line.time ?? '')).toBeGreaterThan(Date.parse('2020-01-01'));
    }
  });

  test('join a call by the trace id that the sidecar gave it', async () => {
    const { publisher, receiver, logs, endAllOfIt } = await auditedScene();
    await publisher.serve('platform.ask.*', () => ({ payload: Buffer.from('42'), payloadType: 'number' }));
    const answer = await receiver.request('platform.ask.price', payload);
    expect(answer).toMatchObject({ outcome: 'answered' });
    await endAllOfIt();
    const [first, ...others] = [logs.omsLog, logs.busLog, logs.dgmLog].flatMap(linesOf);
    expect(first?.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect([first, ...others].map((line) => line && facts(line))).toEqual([
      ['publish', 'call', 'answered', undefined],
      ['route', 'call', 'routed', 'dgm-1'],
      ['route', 'call', 'answered', undefined],
      ['deliver', 'call', 'delivered', 'dgm-1'],
    ]);
    expect(others.every((line) => line.trace_id === first?.trace_id)).toBe(true);
  });

  test('tell what was refused, and nothing that is secret', async () => {
    const { publisher, receiver, programs, logs, endAllOfIt } = await auditedScene();
    await publisher.publish('platform.secret.plans', payload, { traceparent });
    await publishAndTake(publisher, receiver);
    await endAllOfIt();
    const [refused] = linesOf(logs.dgmLog);
    expect(refused).toMatchObject({
      point: 'publish',
      outcome: 'refused',
      topic: 'platform.secret.plans',
      trace_id: traceId,
    });
    const everything = [
      ...Object.values(logs).map((file) => readFileSync(file, 'utf8')),
      ...programs.map((each) => each.output),
    ];
    for (const text of everything) expect(text).not.toMatch(/nobody.may.read/);
    // The log of the sidecar names the trace of the one message that a line concerns.
    expect(programs[1]?.stdout).toContain(`trace_id=${traceId}`);
  });
});

describe('an audit log', () => {
  test('that cannot be opened ends the sidecar with 78', async () => {
    const program = spawnSidecar('127.0.0.1:1', { SIDECAR_AUDIT_LOG: '/proc/nowhere/audit.log' });
    expect(await program.exited).toBe(78);
    expect(program.stderr).toMatch(
      /^SIDECAR_AUDIT_LOG names \/proc\/nowhere\/audit\.log, which cannot be opened: ENOENT/,
    );
  });

  test('that cannot be opened ends the bus with 78', async () => {
    await expect(startBus('127.0.0.1:0', 'memory', '--audit', '/proc/nowhere/audit.log')).rejects.toThrow(
      '--audit names',
    );
  });

  test('on a full disk is logged with the number of lines lost, and stops nothing', async () => {
    const bus = await startBus();
    const { address, program } = await startSidecar(bus.address, { SIDECAR_AUDIT_LOG: '/dev/full' });
    const plugin = await connectPlugin(address);
    for (let index = 0; index < 3; index += 1) {
      expect(await plugin.publish('platform.oms.orders', payload)).toMatchObject({ outcome: 'accepted' });
    }
    await end(program);
    expect(program.stdout).toContain('WARN  the audit log cannot be written, and lines are lost file=/dev/full');
    expect(program.stdout).toMatch(/WARN {2}the audit log has lost lines file=\/dev\/full lines=5$/m);
  });

  test('goes to a new file after SIGHUP', async () => {
    const file = writeTemporary('audit.log', '');
    const bus = await startBus();
    const { address, program } = await startSidecar(bus.address, { SIDECAR_AUDIT_LOG: file });
    const plugin = await connectPlugin(address);
    await plugin.publish('platform.oms.before', payload);
    renameSync(file, `${file}.1`);
    program.signal('SIGHUP');
    await program.seen(/SIGHUP: the next audit line opens the file again/);
    await plugin.publish('platform.oms.after', payload);
    await end(program);
    expect(linesOf(`${file}.1`).map(({ topic }) => topic)).toEqual(['platform.oms.before']);
    expect(linesOf(file).map(({ topic }) => topic)).toEqual(['platform.oms.after']);
  });

  test('on stdout stands between the lines of the log', async () => {
    const bus = await startBus();
    const environment = { SIDECAR_AUDIT_LOG: '-', SIDECAR_LOG_FORMAT: 'json' };
    const program = spawnSidecar(bus.address, environment);
    await program.seen(/startup 8\/8/);
    const [, address = ''] = await program.seen(/"plugin port listens","address":"([^"]+)"/);
    const plugin = await connectPlugin(address);
    await plugin.publish('platform.oms.orders', payload);
    await end(program);
    const lines = program.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const points = lines.flatMap(({ point }) => point ?? []);
    expect(points).toEqual(['open', 'publish', 'close']);
    expect(lines.filter(({ point }) => !point).every(({ time, level, message }) => time && level && message)).toBe(
      true,
    );
  });
});

describe('logs as JSON', () => {
  const objects = (text: string): Line[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);

  test.each([
    ['a fault of the configuration', { POOL_TYPE: '', INSTANCE_ID: 'not an id' }, 78, ['config/pool-type/missing']],
    ['a bus that does not answer', { SIDECAR_CONNECT_TIMEOUT: '50ms' }, 69, ['sidecar/startup/bus-unreachable']],
  ] as const)('stay JSON when %s ends the sidecar', async (_what, environment, exitCode, ids) => {
    const program = spawnSidecar('127.0.0.1:1', { SIDECAR_LOG_FORMAT: 'json', ...environment });
    expect(await program.exited).toBe(exitCode);
    if (program.stdout) objects(program.stdout);
    const errors = objects(program.stderr);
    expect(errors.map(({ level }) => level)).not.toContain('info');
    expect(errors.map(({ id }) => id)).toEqual(expect.arrayContaining([...ids]));
  });

  test('stay JSON when the bus cannot start', async () => {
    const started = startBus('127.0.0.1:0', 'memory', '--log-format', 'json', '--metrics', 'nonsense');
    await expect(started).rejects.toThrow('"id":"bus/metrics/address"');
  });
});
