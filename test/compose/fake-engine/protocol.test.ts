import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { composes } from '../engine/compose-programs.ts';
import type { Step } from './played-provider.ts';
import { expectNothingOfDependents, type Stage, stage } from './provider-stage.ts';

/** What the provider relies on in Docker Compose, whichever it is: reading its messages, and what each brings about. */
const messages = (...all: readonly object[]): Step => ({ write: all.map((each) => JSON.stringify(each)).join('\n') });
const setenv = (message: string): object => ({ type: 'setenv', message });
const said = (text: string): RegExp => new RegExp(`${text}\\s*$`);

describe.each(composes)('Docker Compose $version', ({ isNew, configDir }) => {
  async function play(
    up: readonly Step[],
    flags: readonly string[] = [],
  ): Promise<Stage & { readonly outcome: Outcome }> {
    const played = await stage({ configDir, play: { up } });
    return { ...played, outcome: await played.compose(...flags, 'create') };
  }
  type Outcome = Awaited<ReturnType<Stage['compose']>>;
  const environmentOf = ({ engine }: Stage): readonly string[] | undefined =>
    engine.created.get('stage-app-1')?.toSorted();

  describe('reads stdout as a stream of JSON values:', () => {
    test.each([
      ['one on each line', '{"type":"info","message":"a"}\n{"type":"setenv","message":"K=V"}\n'],
      [
        'several on a line, the last without a newline',
        '{"type":"info","message":"a"} {"type":"setenv","message":"K=V"}',
      ],
      ['pretty printed, with blank lines', '\n\n{\n  "type": "setenv",\n  "message": "K=V"\n}\n\n'],
      ['names in any case, and further fields', '{"Type":"setenv","MESSAGE":"K=V","level":7}'],
    ])('%s', async (_what, text) => {
      const played = await play([{ write: text }]);
      expect(played.outcome).toMatchObject({ exitCode: 0 });
      expect(environmentOf(played)).toEqual(['OWN=value', 'PROV_K=V']);
    });
  });

  describe('ends with 1, and starts nothing that depends on the provider, at', () => {
    test.each([
      ['text that is no JSON', 'hello', 'invalid character .h. looking for beginning of value'],
      [
        'a byte order mark',
        '\uFEFF{"type":"info","message":""}',
        'invalid character .* looking for beginning of value',
      ],
      ['JSON that is cut off', '{"type":"info",', 'unexpected EOF'],
      ['an empty object', '{}', 'invalid (response|message) from plugin: '],
      ['null', 'null', 'invalid (response|message) from plugin: '],
      [
        'a type that it does not know',
        '{"type":"hello","message":""}',
        'invalid (response|message) from plugin: hello',
      ],
      ['a message that is a number', '{"type":"info","message":1}', 'cannot unmarshal number .*'],
      ['a setenv without =', '{"type":"setenv","message":"K"}', 'invalid (response|message) from plugin: K'],
    ])('%s', async (_what, text, lastLine) => {
      const played = await play([{ write: text }]);
      expect(played.outcome).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(said(lastLine)) });
      expectNothingOfDependents(played, isNew);
    });
  });

  test(`shows of an info ${isNew ? 'its first line' : 'every line'}`, async () => {
    const { outcome } = await play([messages({ type: 'info', message: 'first\nsecond' })]);
    expect(outcome.stderr).toMatch(/prov +first/);
    expect(outcome.stderr.includes('second')).toBe(!isNew);
  });

  test.each([
    [['--verbose'], true],
    [[], false],
  ])('shows a debug message with flags %j: %s', async (flags, isShown) => {
    const { outcome } = await play([messages({ type: 'debug', message: 'detail' })], flags);
    expect(outcome.stderr.includes('prov: detail')).toBe(isShown);
  });

  test('fails at once at an error, with its message as the last line, and kills the provider', async () => {
    const steps = [messages({ type: 'error', message: 'no room' }), { waitMs: 600_000 }, { mark: 'cleaned up' }];
    const played = await play(steps);
    expect(played.outcome).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(said('no room')) });
    const [call] = played.calls();
    await expect.poll(() => isRunning(call?.pid)).toBe(false);
    expect(played.calls().map(({ mark }) => mark)).not.toContain('cleaned up');
  });

  test('fails at an error that is followed by exit code 0', async () => {
    const { outcome } = await play([messages({ type: 'error', message: 'no room' }), { exit: 0 }]);
    expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(said('no room')) });
  });

  test('fails at an exit code without an error, and drops the variables that came before', async () => {
    const played = await play([messages(setenv('K=V')), { exit: 3 }]);
    const lastLine = 'failed to create service provider: exit status 3';
    expect(played.outcome).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(said(lastLine)) });
    expectNothingOfDependents(played, isNew);
  });

  test.each([
    ['keeps the case of a name', 'lower=v', 'PROV_lower=v'],
    ['takes an empty value', 'K=', 'PROV_K='],
    ['keeps further equals signs and newlines', 'K=a=b\nc', 'PROV_K=a=b\nc'],
    ['takes an empty name', '=v', 'PROV_=v'],
  ])('setenv %s', async (_what, message, variable) => {
    expect(environmentOf(await play([messages(setenv(message))]))).toEqual(['OWN=value', variable].sort());
  });

  test('setenv takes a value of 5 MB', async () => {
    const played = await play([messages(setenv(`K=${'x'.repeat(5_000_000)}`))]);
    expect(played.outcome.exitCode).toBe(0);
    expect(environmentOf(played)?.find((each) => each.startsWith('PROV_K='))?.length).toBe(5_000_007);
  });

  test('the last setenv of a name wins', async () => {
    expect(environmentOf(await play([messages(setenv('K=1'), setenv('K=2'))]))).toEqual(['OWN=value', 'PROV_K=2']);
  });

  test(`${isNew ? 'takes rawsetenv under its own name' : 'refuses rawsetenv'}`, async () => {
    const played = await play([messages({ type: 'rawsetenv', message: 'OWN=other' })]);
    if (isNew) {
      expect(environmentOf(played)).toEqual(['OWN=other']);
      expect(played.outcome.stderr).toContain('overrides environment variable');
    } else {
      expect(played.outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('plugin: rawsetenv') });
    }
  });

  test.each(['get-service-config', 'get-relay-info'])(
    `${isNew ? 'answers %s with a line of JSON on stdin' : 'refuses %s'}`,
    async (type) => {
      const played = await play([messages({ type, message: '' }), ...(isNew ? [{ readLine: true } as const] : [])]);
      if (isNew) {
        const line = played.calls().find(({ stdinLine }) => stdinLine !== undefined)?.stdinLine ?? '';
        expect(JSON.parse(line)).toMatchObject(type === 'get-service-config' ? { provider: {} } : {});
        expect(played.outcome.exitCode).toBe(0);
      } else {
        expect(played.outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`plugin: ${type}`) });
      }
    },
  );

  test.each([
    ['publish-endpoint', 'nonsense'],
    ['get-image', 'x'],
  ])('refuses %s that does not belong there', async (type, message) => {
    const { outcome } = await play([messages({ type, message })]);
    expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('from plugin: ') });
  });

  test(`${isNew ? 'announces' : 'does not announce'} the messages that it takes`, async () => {
    const [call] = (await play([])).calls();
    expect(call?.environment?.['COMPOSE_PROVIDER_MESSAGES']?.split(',').sort()).toEqual(
      isNew
        ? [
            'debug',
            'error',
            'get-image',
            'get-relay-info',
            'get-service-config',
            'info',
            'publish-endpoint',
            'rawsetenv',
            'setenv',
          ]
        : undefined,
    );
  });

  test('waits for the exit of a provider that has closed its stdout', async () => {
    const played = await play([{ closeStdout: true }, { waitMs: 300 }, { mark: 'ended' }]);
    expect(played.outcome.exitCode).toBe(0);
    expect(played.calls().map(({ mark }) => mark)).toContain('ended');
  });

  test('waits for whoever else has the stdout of a provider that has ended', async () => {
    const startedMs = performance.now();
    const { outcome } = await play([messages(setenv('K=V')), { leaveBehindMs: 1_500 }, { exit: 0 }]);
    expect(outcome.exitCode).toBe(0);
    expect(performance.now() - startedMs).toBeGreaterThan(1_500);
  });

  test('panics at a setenv in down, when a dependent has no variables of its own', async () => {
    const played = await stage({ configDir, play: { down: [messages(setenv('K=V'))] }, appEnvironment: '' });
    const { exitCode, stderr } = await played.compose('down');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('panic: assignment to entry in nil map');
  });
});

/** A process that has ended stays in /proc until its parent, who may be anybody by then, asks for its end. */
function isRunning(pid: number | undefined): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
