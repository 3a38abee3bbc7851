import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProviderProcess } from './provider-process.ts';

let provider: ProviderProcess;
beforeEach(() => {
  provider = new ProviderProcess();
});
afterEach(() => provider.close());

interface Message {
  readonly type: string;
  readonly message: string;
}

const parse = (stdout: string): Message[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Message);

describe('stdout', () => {
  test.each(['dist/compose.mjs', 'dist/cli.mjs'])('of %s is messages and nothing else', async (program) => {
    await provider.close();
    provider = new ProviderProcess(program);
    const { exitCode, stdout } = await provider.up();
    expect(exitCode).toBe(0);
    expect(parse(stdout).map(({ type }) => type)).toEqual(['info', 'setenv', 'setenv']);
  });

  test.each([
    ['the project in a word of its own', ['--project-name', 'shop', 'up', '--pool-type=OMSPool', 'sidecar']],
    ['the project last', ['up', '--pool-type=OMSPool', 'sidecar', '--project-name=shop']],
    ['options behind the service', ['--project-name=shop', 'up', 'sidecar', '--pool-type=OMSPool']],
  ])('is the same with %s', async (_what, words) => {
    const { exitCode, stdout } = await provider.run(words);
    expect([exitCode, parse(stdout).length]).toEqual([0, 3]);
  });

  test('is the same for a project that is named like another command', async () => {
    const { exitCode, stdout } = await provider.run(['--project-name', 'gc', 'down', 'sidecar']);
    expect([exitCode, parse(stdout)]).toEqual([0, [{ type: 'info', message: 'there was nothing to remove' }]]);
  });

  test('ends with one error that holds every problem of the options, and their names', async () => {
    const words = ['--pool-type=9', '--requested-grants=no', '--config=side.yml', '--timeout=long', '--publish=x'];
    const { exitCode, stdout } = await provider.run(['--project-name=shop', 'up', ...words, 'my-sidecar']);
    expect(exitCode).toBe(78);
    const messages = parse(stdout);
    expect(messages.map(({ type }) => type)).toEqual(['error']);
    for (const id of ['config/pool-type/malformed', 'config/requested-grants/not-json', 'compose/file/relative'])
      expect(messages[0]?.message).toContain(`[${id}]`);
    for (const id of ['config/timeout/not-a-duration', 'config/publish/malformed', 'compose/service/name'])
      expect(messages[0]?.message).toContain(`[${id}]`);
    expect(messages[0]?.message).toContain('Option `pool-type` is "9"');
    expect(messages[0]?.message).not.toMatch(/POOL_TYPE|\n/);
  });

  test('suggests the option that was meant', async () => {
    const { stdout } = await provider.up('--memroy=1');
    expect(parse(stdout).at(-1)?.message).toContain('Did you mean `memory`? [compose/option/unknown]');
  });

  test('names the log file in the error, which holds the steps and the lines of the sidecar', async () => {
    provider.engine.sidecarEndsWith = 77;
    provider.engine.sidecarLog = 'grants refused';
    const { stdout } = await provider.up();
    expect(parse(stdout).at(-1)).toEqual({
      type: 'error',
      message: expect.stringContaining(`Log: ${provider.logFile}`),
    });
    expect(readFileSync(provider.logFile, 'utf8')).toMatch(/up begins[\s\S]*sidecar: grants refused/);
  });

  test('that nobody reads any more does not keep the work from being finished', async () => {
    const { exitCode } = await provider.run(
      ['--project-name=shop', 'up', '--pool-type=OMSPool', '--bus=embedded', 'sidecar'],
      {},
      0,
    );
    expect(exitCode).toBe(0);
    expect(provider.engine.containers.map(({ isRunning }) => isRunning)).toEqual([true, true, true]);
  });

  test('has an error for a machine without docker', async () => {
    const { exitCode, stdout } = await provider.run(['--project-name=shop', 'down', 'sidecar'], {
      PATH: '/proc/nowhere',
    });
    expect(exitCode).toBe(1);
    expect(parse(stdout)).toEqual([
      { type: 'error', message: expect.stringContaining('[compose/docker/missing] Log: ') },
    ]);
  });

  test('takes nothing from what a loaded module prints', async () => {
    const noise = 'data:text/javascript,console.log("hello"); setTimeout(() => console.log("again"), 200).unref()';
    const { stdout } = await provider.run(['--project-name=shop', 'up', '--pool-type=OMSPool', 'sidecar'], {
      NODE_OPTIONS: `--import '${noise}'`,
    });
    // What is loaded before our own code can print; launchers unset NODE_OPTIONS, and the rest goes to the log.
    expect(stdout.replace(/^hello\n/, '')).not.toContain('hello');
    expect(stdout).not.toContain('again');
  });

  test('has one error for a bug that nobody caught, and its stack in the log', async () => {
    // Throws in a turn of its own, once the provider has begun to listen for such errors.
    const bug = `data:text/javascript,process.on('newListener', (name) =>
      name === 'uncaughtException' %26%26 setImmediate(() => { throw new Error('out of luck') }))`;
    const { exitCode, stdout } = await provider.run(['--project-name=shop', 'up', '--pool-type=OMSPool', 'sidecar'], {
      NODE_OPTIONS: `--import "${bug.replaceAll(/\s+/g, '%20')}"`,
    });
    expect(exitCode).toBe(1);
    expect(parse(stdout).filter(({ type }) => type === 'error')).toEqual([
      { type: 'error', message: expect.stringMatching(/^out of luck\. This is a bug in the provider\. \[bug\] Log: /) },
    ]);
    expect(readFileSync(provider.logFile, 'utf8')).toContain('stack=');
  });

  test.each([
    [undefined, 0, ['rawsetenv', 'rawsetenv', 'rawsetenv']],
    ['info,error,setenv,rawsetenv', 0, ['rawsetenv', 'rawsetenv', 'rawsetenv']],
    ['info,error,setenv', 1, []],
  ])('with raw: true for a Compose that announces %s', async (announced, expectedCode, types) => {
    const { exitCode, stdout } = await provider.run(
      ['--project-name=shop', 'up', '--pool-type=OMSPool', '--raw=true', 'sidecar'],
      announced === undefined ? {} : { COMPOSE_PROVIDER_MESSAGES: announced },
    );
    expect(exitCode).toBe(expectedCode);
    expect(
      parse(stdout)
        .filter(({ type }) => type === 'rawsetenv')
        .map(({ type }) => type),
    ).toEqual(types);
  });
});
