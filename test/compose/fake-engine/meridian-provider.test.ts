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
    expect(
      stderr
        .trim()
        .split('\n')
        .slice(isNew ? -2 : -1)
        .join('\n'),
    ).toMatch(
      /^the engine at unix:\/\/.* has no network `default` of the project stage\..* \[compose\/network\/missing\]\sLog: .*prov\.log$/,
    );
    expectNothingOfDependents(failing, isNew);
  });

  test(`tells every problem of its options at once, ${isNew ? 'on a line each' : 'in the last line'}`, async () => {
    const options = '{pool-type: "no such type!", memory: little, bus: sometimes}';
    const { exitCode, stderr } = await (await stage({ configDir, provider, options })).compose('create');
    expect(exitCode).toBe(1);
    const lines = stderr
      .trim()
      .split('\n')
      .slice(isNew ? -4 : -1);
    const places = ['pool-type', 'memory', 'bus'].map((option) =>
      lines.findIndex((line) => new RegExp(`\\(\\d\\) Option \`${option}\``).test(line)),
    );
    expect(places.toSorted((one, other) => one - other)).toEqual(isNew ? [0, 1, 2] : [0, 0, 0]);
    expect(lines.at(-1)).toMatch(isNew ? /^Log: .*prov\.log$/ : / Log: .*prov\.log$/);
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
