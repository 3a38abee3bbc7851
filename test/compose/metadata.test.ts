import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { composeOptions } from '../../src/contract/config/compose-options.ts';

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
    const timeOf = (args: readonly string[]): number => {
      const startedMs = performance.now();
      spawnSync(process.execPath, args, { env: {} });
      return performance.now() - startedMs;
    };
    // In turns, and the fastest of each, so that whatever else runs on the machine hits both or neither.
    const runs = Array.from({ length: 12 }, () => [timeOf(['/dev/null']), timeOf([program, 'compose', 'metadata'])]);
    const fastest = (at: number): number => Math.min(...runs.map((run) => run[at] ?? 0));
    expect(fastest(1) / fastest(0)).toBeLessThanOrEqual(3);
  });
});
