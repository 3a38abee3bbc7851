import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, type Program, runCli, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';

afterEach(endAll);

interface Verdict {
  readonly code: number | NodeJS.Signals | null;
  readonly text: string;
}

async function verify(...args: readonly string[]): Promise<Verdict> {
  const program = runCli('audit', 'verify', ...args);
  return { code: await program.exited, text: program.output };
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');

async function end(program: Program): Promise<void> {
  program.signal('SIGTERM');
  await program.exited;
}

/** A bus and two sidecars, each with an audit log; ten messages went from one plugin to the other. */
async function auditedRun(duringIt: (bus: Program, log: string) => void = () => {}) {
  const directory = path.dirname(writeTemporary('logs', ''));
  const [busLog, dgmLog, omsLog] = ['bus', 'dgm', 'oms'].map((name) => path.join(directory, `${name}.log`)) as [
    string,
    string,
    string,
  ];
  const bus = await startBus('127.0.0.1:0', 'memory', '--audit', busLog);
  const environment = { INSTANCE_ID: 'dgm-1', POOL_TYPE: 'DGMPool', SIDECAR_AUDIT_LOG: dgmLog };
  const dgm = await startSidecar(bus.address, environment);
  const oms = await startSidecar(bus.address, { SIDECAR_AUDIT_LOG: omsLog });
  const [publisher, receiver] = await Promise.all([connectPlugin(dgm.address), connectPlugin(oms.address)]);
  let taken = 0;
  const all = Promise.withResolvers<void>();
  await receiver.subscribe('platform.data.*', { name: 'data' }, () => {
    taken += 1;
    if (taken === 10) all.resolve();
  });
  for (let number = 1; number <= 10; number += 1) {
    await publisher.publish('platform.data.ticks', Buffer.from(`${number}`));
    if (number === 5) duringIt(bus.program, busLog);
  }
  await all.promise;
  for (const { program } of [oms, dgm, bus]) await end(program);
  return { busLog, dgmLog, omsLog, all: [busLog, dgmLog, omsLog] as const };
}

test('the logs of a run are whole, and each message is at its three points', async () => {
  const { all } = await auditedRun();
  const { code, text } = await verify(...all);
  expect(text).toMatch(
    /Messages: 10 published, 10 stored, 10 routed, 10 delivered\.\nNothing was changed, cut or added/,
  );
  expect(text).toMatch(/^bus +[0-9a-f]{16} +22 +0 +closed$/m);
  expect(code).toBe(0);
  const { code: jsonCode, text: json } = await verify(...all, '--json');
  expect(jsonCode).toBe(0);
  expect(JSON.parse(json)).toMatchObject({ messages: { published: 10, delivered: 10 }, findings: [], more: 0 });
});

describe('of what somebody did to a log', () => {
  test.each<[string, (lines: string[]) => string[], RegExp]>([
    [
      'an outcome that was changed',
      (lines) => lines.with(3, lines[3]?.replace('"stored"', '"refused"') ?? ''),
      /^changed: .*bus\.log:[45]: /m,
    ],
    [
      'a line that was cut',
      (lines) => lines.toSpliced(3, 1),
      /^cut: .*bus\.log:4: 1 line of run [0-9a-f]+ before this one is missing/m,
    ],
    ['the end that was cut', (lines) => lines.slice(0, -2), /^unfinished: .*bus\.log:20: /m],
    ['the beginning that was cut', (lines) => lines.slice(2), /^cut: .*bus\.log:1: .*begins with line 2/m],
    ['a line that was added', (lines) => lines.toSpliced(3, 0, lines[3] ?? ''), /^added: .*bus\.log:5: /m],
    [
      'a line of nobody',
      (lines) => lines.toSpliced(3, 0, '{"point":"route"}'),
      /^added: .*bus\.log:4: this line belongs to no chain/m,
    ],
  ])('%s is told with its place', async (_, edit, finding) => {
    const { busLog } = await auditedRun();
    writeFileSync(busLog, `${edit(linesOf(busLog)).join('\n')}\n`);
    const { code, text } = await verify(busLog);
    expect(text).toMatch(finding);
    expect(code).toBe(65);
  });

  test('a message that a point does not have is told, where the log of that point is there', async () => {
    const { busLog, dgmLog, omsLog } = await auditedRun();
    const lines = linesOf(omsLog);
    writeFileSync(omsLog, `${lines.toSpliced(4, 1).join('\n')}\n`);
    const { code, text } = await verify(busLog, dgmLog, omsLog);
    expect(text).toMatch(
      /^missing: message \S+ of trace [0-9a-f]{32}: the bus sent it to oms-1, which delivered nothing$/m,
    );
    expect(code).toBe(65);
    expect(await verify(busLog, dgmLog)).toMatchObject({ code: 0 });
  });
});

test('a log that was rotated is one chain with what follows, and alone it says what is missing', async () => {
  const { busLog, all } = await auditedRun((bus, log) => {
    renameSync(log, `${log}.1`);
    bus.signal('SIGHUP');
  });
  expect(await verify(...all, `${busLog}.1`)).toMatchObject({ code: 0 });
  const { code, text } = await verify(busLog);
  expect(text).toMatch(
    /^cut: .*bus\.log:1: run [0-9a-f]+ begins with line \d+: the lines before are in none of these files$/m,
  );
  expect(code).toBe(65);
});

test('a process that starts again on its file binds what stands there already', async () => {
  const file = path.join(path.dirname(writeTemporary('logs', '')), 'bus.log');
  for (const _ of [1, 2]) await end((await startBus('127.0.0.1:0', 'memory', '--audit', file)).program);
  expect(await verify(file)).toMatchObject({ code: 0 });
  writeFileSync(file, `${linesOf(file).slice(2).join('\n')}\n`);
  expect((await verify(file)).text).toMatch(
    /^cut: .*bus\.log:1: run [0-9a-f]+ began behind a line that is in none of these files$/m,
  );
});

describe('bad input', () => {
  test('a file that is not there is an error, and not a finding', async () => {
    const { code, text } = await verify('/proc/nowhere/exist.log');
    expect(text).toMatch(/\/proc\/nowhere\/exist\.log cannot be read: .*\[audit\/verify\/unreadable\]/s);
    expect(code).toBe(64);
  });

  test('a file without a chain is told as one', async () => {
    const { code, text } = await verify(writeTemporary('old.log', '{"point":"route"}\n'));
    expect(text).toContain('audit/verify/no-chain');
    expect(code).toBe(65);
  });

  test.each(['', 'x', '0123456789abcdef:1', '0123456789abcdef:-1:abc'])('--head %j is refused', async (head) => {
    const { code, text } = await verify('a', '--head', head);
    expect(text).toContain('It must be RUN:SEQ:CHAIN');
    expect(code).toBe(64);
  });
});
