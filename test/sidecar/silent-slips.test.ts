import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { watchForPlugin } from '../../src/sidecar/health/absent-plugin.ts';
import { SidecarLifecycle } from '../../src/sidecar/lifecycle/sidecar-state.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { endAll, policyText, runCli, runCliWith, spawnSidecar, startBus, writeTemporary } from './processes.ts';

afterEach(endAll);

const count = (text: string, pattern: RegExp): number => [...text.matchAll(new RegExp(pattern, 'g'))].length;

describe('the sidecar warns in one line', () => {
  test('of each SIDECAR_ variable that nothing reads, with the name that is nearest, and of a token that is not used', async () => {
    const bus = await startBus();
    const program = spawnSidecar(bus.address, {
      SIDECAR_LOG_LEVL: 'debug',
      SIDECAR_QQQQQQQQQQQQ: '1',
      SIDECAR_GENERATION: 'set by Compose',
      SIDECAR_BUS_TOKEN: 'one',
      SIDECAR_BUS_TOKEN_FILE: writeTemporary('token', 'two'),
    });
    // The bus of this test knows no tokens.
    expect(await program.exited).toBe(77);
    expect(program.stdout).toMatch(/WARN .*nothing reads variable=SIDECAR_LOG_LEVL didYouMean=SIDECAR_LOG_LEVEL\n/);
    expect(program.stdout).toMatch(/WARN .*nothing reads variable=SIDECAR_QQQQQQQQQQQQ\n/);
    expect(count(program.stdout, /that nothing reads/)).toBe(2);
    expect(count(program.stdout, /SIDECAR_BUS_TOKEN is used, and SIDECAR_BUS_TOKEN_FILE beside it is not/)).toBe(1);
  });

  test('of a plugin that never registered, and not of one that did', async () => {
    const lines: string[] = [];
    const note = (text: string): void => void lines.push(text);
    const log = { debug: note, info: () => {}, warn: note, error: note };
    const run = async (registers: boolean): Promise<readonly string[]> => {
      lines.length = 0;
      const scheduler = new VirtualScheduler(1);
      const lifecycle = new SidecarLifecycle(log);
      lifecycle.note({ busUp: true });
      watchForPlugin({ lifecycle, scheduler, log, address: '127.0.0.1:9191' });
      lifecycle.ready();
      if (registers) lifecycle.note({ pluginRegistered: true });
      if (registers) lifecycle.note({ pluginRegistered: false });
      await scheduler.advance(600_000);
      return [...lines];
    };
    expect(await run(false)).toEqual([expect.stringContaining('no plugin has registered since')]);
    expect(await run(true)).toEqual([]);
  });
});

test('doctor warns of two tokens', async () => {
  const doctor = runCliWith(
    {
      POOL_TYPE: 'A',
      INSTANCE_ID: 'a',
      SIDECAR_BUS_TOKEN: 'one',
      SIDECAR_BUS_TOKEN_FILE: writeTemporary('token', 'two'),
    },
    ...['doctor', '--offline'],
  );
  expect(await doctor.exited).toBe(0);
  expect(doctor.stdout).toContain('[doctor/environment/two-tokens]');
});

test('the bus warns of a policy rule that grants nothing, at the start and after a change', async () => {
  const rule = "  - { principals: [idle], instances: ['*'], pools: ['*'] }\n";
  const policy = writeTemporary('policy.yml', `${policyText}${rule}`);
  const bus = runCli('bus', '--store', 'memory', '--listen', '127.0.0.1:0', '--policy', policy);
  await bus.seen(/bus listens/);
  expect(count(bus.output, /grants nothing: .* rule="?rules\[2\]"? principals=idle/)).toBe(1);
  writeFileSync(policy, `${policyText}${rule}${rule}`);
  await bus.seen(/the policy file changed[\s\S]*rules\[3\]/);
});

describe('a command that cannot be understood ends with 64, its error and one line that leads to help', () => {
  test.each([
    ['an unknown option', ['doctor', '--ofline'], /^error: unknown option '--ofline'\n\(Did you mean --offline\?\)\n/],
    ['an unknown command', ['docter'], /^error: unknown command 'docter'\n\(Did you mean doctor\?\)\n/],
    ['an option of a subcommand', ['bus', '--polcy', 'x'], /^error: unknown option '--polcy'\n/],
    ['what is missing', ['wait', '--timeout'], /^error: option '-t, --timeout <duration>' argument missing\n/],
  ])('%s', async (_, args, error) => {
    const cli = runCli(...args);
    expect(await cli.exited).toBe(64);
    expect(cli.stderr).toMatch(error);
    expect(cli.stderr).toMatch(/Run the same command with --help for its options\.\n$/);
    expect(cli.stderr.trim().split('\n').length).toBeLessThanOrEqual(4);
  });
});
