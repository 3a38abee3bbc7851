import { describe, expect, test } from 'vitest';
import { composes } from '../engine/compose-programs.ts';
import { expectNothingOfDependents, stage } from './provider-stage.ts';

const provider = 'meridian-sidecar';

/** The provider of this repository, as Compose sees it, where there is nothing that it could bring about. */
describe.each(composes)('under Docker Compose $version the provider', ({ isNew, configDir }) => {
  test('ends with one error, which says what to do, and creates nothing', async () => {
    const failing = await stage({ configDir, provider, options: '{pool-type: SignalPool}' });
    const { exitCode, stderr } = await failing.compose('create');
    expect(exitCode).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /^the engine at unix:\/\/.* has no network `default` of the project stage\..* \[compose\/network\/missing\] Log: .*prov\.log$/,
    );
    expectNothingOfDependents(failing, isNew);
  });

  test('tells every problem of its options in that one error', async () => {
    const options = '{pool-type: "no such type!", memory: little, bus: sometimes}';
    const { exitCode, stderr } = await (await stage({ configDir, provider, options })).compose('create');
    expect(exitCode).toBe(1);
    const lastLine = stderr.trim().split('\n').at(-1);
    for (const fault of ['pool-type', 'memory', 'bus']) expect(lastLine).toContain(fault);
  });

  test('does not hear of an option that its metadata does not have', async () => {
    const { compose } = await stage({ configDir, provider, options: '{pool-type: SignalPool, pol-type: Other}' });
    expect((await compose('create')).stderr).not.toContain('pol-type');
  });

  test('gives metadata that this Compose can read', async () => {
    const { compose } = await stage({ configDir, provider, options: '{pool-type: SignalPool}' });
    expect((await compose('--verbose', 'create')).stderr).not.toMatch(/plugin metadata/);
  });

  test('takes down what is not there, and gives no variables, twice', async () => {
    const { compose } = await stage({ configDir, provider, appEnvironment: '' });
    for (const time of [1, 2]) {
      const { exitCode, stderr } = await compose('down');
      expect(exitCode, `time ${time}: ${stderr}`).toBe(0);
      expect(stderr).toMatch(/prov +there was nothing to remove/);
    }
  });
});
