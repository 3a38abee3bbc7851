import { describe, expect, test } from 'vitest';
import { launchLocally } from './local-instance.ts';
import { openNetwork, startInstance, startOf } from './platform.ts';

/** What one run showed: what each process was told, and how each ended, in order. */
interface Shown {
  readonly facts: Readonly<Record<string, string>>;
  readonly endings: readonly string[];
  readonly exitCode: number;
  readonly durationMs: number;
}

type Mode = 'run' | 'ends' | 'fails' | 'agent-ends' | 'deaf';

// No bus is there: the sidecar waits for it, and ends on SIGTERM as any other process.
const quiet = {
  SIDECAR_BUS_API_URL: '127.0.0.1:1',
  SIDECAR_CONNECT_TIMEOUT: '60s',
  SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
  SIDECAR_ADDR: '127.0.0.1:19191',
};
const stops: ReadonlySet<Mode> = new Set(['run', 'deaf']);

const runs = new Map<Mode, Promise<Shown>>();

/** Each mode is run once for all tests. */
function onPlatform(mode: Mode): Promise<Shown> {
  const run = runs.get(mode) ?? runOnPlatform(mode);
  runs.set(mode, run);
  return run;
}

async function runOnPlatform(mode: Mode): Promise<Shown> {
  const network = await openNetwork();
  const instance = await startInstance({
    ...(await startOf('two-sidecars')),
    network,
    env: { ...quiet, APP_MODE: mode },
  });
  const { lines } = instance.container;
  if (stops.has(mode)) await allTold((pattern) => instance.line(pattern));
  const startedMs = performance.now();
  const endings = stops.has(mode) ? await instance.stop() : await instance.ended;
  const durationMs = performance.now() - startedMs;
  return {
    ...shownBy(
      lines,
      endings.map(([name, code]) => `${name} ${code}`),
    ),
    exitCode: endings[0]?.[1] ?? -1,
    durationMs,
  };
}

async function locally(mode: Mode): Promise<Shown> {
  const instance = await launchLocally('two-sidecars', { ...quiet, APP_MODE: mode });
  if (stops.has(mode)) await allTold((pattern) => instance.said.line(pattern));
  const startedMs = performance.now();
  if (stops.has(mode)) instance.terminate();
  const exitCode = await instance.ended;
  const durationMs = performance.now() - startedMs;
  const endings = instance.lines.flatMap((line) => {
    const [, name, code] = /^(\S+): Exit status (\d+)$/.exec(line) ?? [];
    return name === undefined ? [] : [`${name} ${code}`];
  });
  return { ...shownBy(instance.lines, endings), exitCode, durationMs };
}

async function allTold(line: (pattern: RegExp) => Promise<unknown>): Promise<void> {
  await Promise.all([
    line(/^web: fact told/),
    line(/^other-agent: fact told/),
    line(/^meridian-sidecar: .*sidecar starts/),
  ]);
}

function shownBy(lines: readonly string[], endings: readonly string[]): Pick<Shown, 'facts' | 'endings'> {
  const facts = lines.flatMap((line) => {
    const [, name, fact, value = ''] = /^(\S+): fact (\S+) (.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[`${name} ${fact}`, value] as const];
  });
  return { facts: Object.fromEntries(facts), endings };
}

/** What one machine does not imitate: users, and the instance's certificate. */
function comparableFacts({ facts }: Shown): Record<string, string> {
  const shared = Object.entries(facts).filter(([name]) => !name.endsWith(' user'));
  return Object.fromEntries(shared.map(([name, value]) => [name, value.replace(/CF_INSTANCE_(?:CERT|KEY) /g, '')]));
}

describe('two-sidecars', () => {
  test('under the launcher each process is told its place, its share of the memory, and the same port', async () => {
    const { facts } = await onPlatform('run');
    expect(facts).toMatchObject({
      'web user': 'vcap',
      'other-agent user': 'vcap',
      'web pwd': '/home/vcap/app',
      'web DEPS_DIR': '/home/vcap/deps',
      'web MEMORY_LIMIT': '96m',
      'other-agent MEMORY_LIMIT': '32m',
      'web PORT': '8080',
      'other-agent PORT': '8080',
      'other-agent application.process_type': 'web',
    });
  });

  test('the entrypoint prefix of the final buildpack wraps the commands of sidecars too', async () => {
    const { facts } = await onPlatform('run');
    expect(facts).toMatchObject({ 'web PREFIXED': 'yes', 'other-agent PREFIXED': 'yes' });
  });

  test('app and sidecars start although a profile script left `set -euo pipefail` behind', async () => {
    const { facts } = await onPlatform('run');
    expect(facts).toMatchObject({ 'web PROFILE_ORDER': 'final,app,', 'web SIDECAR_ADDR': '127.0.0.1:19191' });
  });

  test.each<[string, Mode, (shown: Shown) => unknown, unknown]>([
    ['on what processes are told', 'run', comparableFacts, expect.objectContaining({ 'web PORT': '8080' })],
    [
      'that all end on SIGTERM',
      'run',
      ({ endings }) => [...endings].sort(),
      ['meridian-sidecar 0', 'other-agent 0', 'web 0'],
    ],
    ['that an app which ends with 0 ends all', 'ends', ({ endings }) => endings[0], 'web 0'],
    ['that the exit code of the first is that of the instance', 'fails', ({ exitCode }) => exitCode, 3],
    [
      'that a sidecar which ends with 0 ends all',
      'agent-ends',
      ({ endings }) => [endings[0], endings.length],
      ['other-agent 0', 3],
    ],
    [
      'that who ignores SIGTERM is killed after 10 s',
      'deaf',
      ({ endings, durationMs }) => [endings.at(-1), durationMs >= 10_000],
      ['web 137', true],
    ],
  ])('platform and meridian-sidecar launch agree %s', async (_fact, mode, look, expected) => {
    const [real, local] = await Promise.all([onPlatform(mode), locally(mode)]);
    expect(look(real)).toEqual(expected);
    expect(look(local)).toEqual(look(real));
  });
});
