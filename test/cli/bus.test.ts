import { afterEach, describe, expect, test } from 'vitest';
import { block, freeAll } from '../sidecar/blocked-ports.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, policyText, runCli, startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';

afterEach(async () => {
  freeAll();
  await endAll();
});

describe('meridian-sidecar bus', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('serves until %s and exits 0', async (signal) => {
    const bus = await startBus();
    await startSidecar(bus.address);
    bus.program.signal(signal);
    expect(await bus.program.exited).toBe(0);
    expect(bus.program.stdout).toMatch(
      /^INFO {2}bus listens address=127\.[\d.]+:\d+ deployment=test-deployment store=memory\n/,
    );
    expect(bus.program.stdout).toMatch(new RegExp(`bus stops signal=${signal}\\n$`));
    expect(bus.program.stderr).toBe('');
  });

  test('prints no line below its log level', async () => {
    const policy = writeTemporary('policy.yml', policyText);
    const { server, address } = await block();
    server.close();
    const bus = runCli('bus', '--listen', address, '--policy', policy, '--store', 'memory', '--log-level', 'error');
    const sidecar = await startSidecar(address);
    sidecar.program.signal('SIGTERM');
    await sidecar.program.exited;
    bus.signal('SIGTERM');
    expect(await bus.exited).toBe(0);
    expect(bus.output).toBe('');
  });
});

describe('its numbers can be set', () => {
  test('how long a lease lives', async () => {
    const bus = await startBus(undefined, 'memory', '--lease', '1s');
    const sidecar = await startSidecar(bus.address);
    sidecar.program.signal('SIGKILL');
    await bus.program.seen(/lease expired without a heartbeat instance=oms-1 .*leaseMs=1000/);
  });

  test('how long a dedup key is remembered', async () => {
    const bus = await startBus(undefined, 'memory', '--dedup-window', '1ms');
    const { address } = await startSidecar(bus.address);
    const plugin = await connectPlugin(address);
    const publish = () => plugin.publish('platform.oms.fills', Buffer.from('1'), { dedupKey: 'fill-1' });
    expect(await publish()).toMatchObject({ outcome: 'accepted', duplicate: false });
    await expect.poll(publish).toMatchObject({ outcome: 'accepted', duplicate: false });
    await plugin.stop('done');
  });

  test('how much the store holds', async () => {
    const bus = await startBus(undefined, 'memory', '--store-bytes', '8KiB');
    const { address } = await startSidecar(bus.address);
    const plugin = await connectPlugin(address);
    expect(await plugin.publish('platform.oms.fills', Buffer.alloc(16_384))).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('the store is full'),
    });
    await plugin.stop('done');
  });
});

describe('a policy that cannot be used ends it with 78, naming every problem', () => {
  test.each([
    ['is not YAML', 'rules: [', ['bus/policy/syntax'], 'line 1'],
    ['is empty', '', ['bus/policy/value', 'bus/policy/value'], ''],
    ['is a list', '- rules', ['bus/policy/value', 'bus/policy/value'], ''],
    ['has no rules', 'deployment: test', ['bus/policy/value'], 'rules'],
    [
      'has rules with faults',
      'deployment: test\nrules: [{ principals: [a], instances: 1, pools: [], publish: ["a..b"], subscribe: ["a.>"] }]',
      Array(4).fill('bus/policy/value'),
      '"a..b": has an empty segment',
    ],
  ])('%s', async (_, text, ids, fact) => {
    const policy = writeTemporary('policy.yml', text);
    const bus = runCli('bus', '--listen', '127.0.0.1:0', '--policy', policy);
    expect(await bus.exited).toBe(78);
    expect([...bus.stderr.matchAll(/ {2}\[(\S+)\]$/gm)].map(([, id]) => id)).toEqual(ids);
    expect(bus.stderr).toContain(policy);
    expect(bus.stderr).toContain(fact);
    expect(bus.stderr).not.toMatch(/^ {4}at /m);
    expect(bus.stdout).toBe('');
  });

  test('is not there', async () => {
    const bus = runCli('bus', '--policy', 'no-such-policy.yml');
    expect(await bus.exited).toBe(78);
    expect(bus.stderr).toMatch(/^the policy file no-such-policy\.yml cannot be read: ENOENT/);
    expect(bus.stderr).toMatch(/ {2}\[bus\/policy\/unreadable\]\n$/);
  });
});

describe('an address that cannot be listened on', () => {
  test('is named when it is taken', async () => {
    const { address } = await block();
    const bus = runCli(
      'bus',
      '--listen',
      address,
      '--policy',
      writeTemporary('policy.yml', policyText),
      '--store',
      'memory',
    );
    expect(await bus.exited).toBe(69);
    expect(bus.stderr).toContain(`the bus cannot listen on ${address}: ${address} is taken`);
    expect(bus.stderr).toMatch(/ {2}\[bus\/listen\/address\]\n$/);
    expect(bus.stderr).not.toMatch(/^ {4}at /m);
  });

  test.each(['127.0.0.1', 'nonsense', '127.0.0.1:70000', ':'])('is named when it is "%s"', async (listen) => {
    const bus = runCli(
      'bus',
      '--listen',
      listen,
      '--policy',
      writeTemporary('policy.yml', policyText),
      '--store',
      'memory',
    );
    expect(await bus.exited).toBe(69);
    expect(bus.stderr).toContain(`the bus cannot listen on ${listen}: `);
    expect(bus.stderr).not.toMatch(/^ {4}at /m);
  });
});

describe('a command line that is not understood ends with 64 and points to help', () => {
  test.each([
    ['an unknown option', ['bus', '--policy', 'policy.yml', '--lisen', ':8443'], "unknown option '--lisen'"],
    ['an option without its value', ['bus', '--policy'], 'argument missing'],
    ['an unknown log level', ['bus', '--policy', 'policy.yml', '--log-level', 'loud'], "'loud' is invalid"],
    ['a lease that is none', ['bus', '--policy', 'policy.yml', '--lease', '10'], 'It must be a duration'],
    ['a store of no size', ['bus', '--policy', 'policy.yml', '--store-bytes', '0B'], 'It must be a size'],
    ['an argument too many', ['bus', '--policy', 'policy.yml', 'now'], 'too many arguments'],
    ['an unknown command', ['buss'], "unknown command 'buss'"],
  ])('%s', async (_, args, fact) => {
    const cli = runCli(...args);
    expect(await cli.exited).toBe(64);
    expect(cli.stderr).toContain(fact);
    expect(cli.stderr).toMatch(/\nRun the same command with --help for its options\.\n$/);
    expect(cli.stdout).toBe('');
  });

  test('no command at all', async () => {
    const cli = runCli();
    expect(await cli.exited).toBe(64);
    expect(cli.stderr).toContain('Usage: meridian-sidecar');
  });

  test('help is not an error', async () => {
    const cli = runCli('bus', '--help');
    expect(await cli.exited).toBe(0);
    expect(cli.stdout).toContain('Usage: meridian-sidecar bus');
  });
});
