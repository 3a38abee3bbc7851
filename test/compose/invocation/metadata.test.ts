import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { composeOptions } from '../../../src/contract/config/settings/compose-options.ts';

const program = path.resolve('dist/compose.mjs');

interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly type: string;
  readonly default?: string;
  readonly enum?: string;
}

function run(...args: readonly string[]): string {
  const { stdout, status } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env: {} });
  expect(status).toBe(0);
  return stdout;
}

/** What the runtime takes of a processor with these arguments, which waiting for one does not add to. */
function cpuTimeMs(...args: readonly string[]): number {
  const command = ['-c', '"$@" >/dev/null && times', 'bash', process.execPath, ...args];
  const { stdout } = spawnSync('/bin/bash', command, { encoding: 'utf8', env: {} });
  const [, ofChildren = ''] = stdout.split('\n');
  const times = [...ofChildren.matchAll(/(\d+)m([\d.]+)s/g)];
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1_000, 0);
}

describe('compose metadata', () => {
  const metadata = JSON.parse(run('compose', 'metadata')) as Record<
    'up' | 'down' | 'stop',
    { parameters: Parameter[] }
  >;

  test('describes every option for up', () => {
    expect(metadata.up.parameters.map(({ name }) => name)).toEqual(Object.keys(composeOptions));
    for (const { description, type } of metadata.up.parameters)
      expect([description.length > 10, ['string', 'integer', 'boolean'].includes(type)]).toEqual([true, true]);
    expect(metadata.up.parameters.find(({ name }) => name === 'log-level')).toEqual({
      name: 'log-level',
      description: 'debug, info, warn or error',
      required: false,
      type: 'string',
      default: 'info',
      enum: 'debug,info,warn,error',
    });
  });

  test('requires nothing for down and stop, so that neither is ever kept from its work', () => {
    for (const command of ['down', 'stop'] as const)
      expect(metadata[command].parameters.map(({ name, required }) => [name, required])).toEqual([
        ['stop-timeout', false],
      ]);
  });

  test("is there for Docker's command line too", () => {
    expect(JSON.parse(run('docker-cli-plugin-metadata'))).toMatchObject({ SchemaVersion: '0.1.0', Vendor: 'Meridian' });
  });

  test('costs at most three times what the runtime alone does', () => {
    // In turns, and the least of each, so that whatever else runs on the machine hits both or neither.
    const runs = Array.from({ length: 12 }, () => [cpuTimeMs('/dev/null'), cpuTimeMs(program, 'compose', 'metadata')]);
    const least = (at: number): number => Math.min(...runs.map((run) => run[at] ?? Number.NaN));
    expect(least(1) / least(0)).toBeLessThanOrEqual(3);
  });
});
