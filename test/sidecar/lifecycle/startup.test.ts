import { afterEach, describe, expect, test } from 'vitest';
import { block, freeAll } from '../blocked-ports.ts';
import { connectPlugin } from '../plugins.ts';
import { endAll, type Program, spawnSidecar, startBus, startSidecar, writeTemporary } from '../processes.ts';

afterEach(async () => {
  freeAll();
  await endAll();
});

/** The order is the contract's. */
const steps = [
  'connect to the Bus API',
  'register the instance',
  'recover grants',
  'recover state',
  'start the health server',
  'open the plugin port 127.0.0.1:0',
  'accept plugins',
  'route messages',
];

const startupLines = (program: Program): string[] =>
  program.stdout.split('\n').flatMap((line) => /startup (\d\/8: .*)/.exec(line)?.[1] ?? []);

describe('the eight steps', () => {
  test('are logged in the order of the contract', async () => {
    const bus = await startBus();
    const { program } = await startSidecar(bus.address);
    expect(startupLines(program)).toEqual(steps.map((name, index) => `${index + 1}/8: ${name}`));
    expect(program.stderr).toBe('');
  });

  test('wait for a bus that comes later', async () => {
    const { server, address } = await block();
    server.close();
    const sidecar = spawnSidecar(address, { SIDECAR_CONNECT_TIMEOUT: '15s' });
    await sidecar.seen(/the bus does not answer yet/);
    await startBus(address);
    await sidecar.seen(/startup 8\/8/);
  });

  test('survive a health port that is taken, and take it once it is free', async () => {
    const { server, address } = await block();
    const bus = await startBus();
    const sidecar = spawnSidecar(bus.address, { SIDECAR_HEALTH_ADDR: address });
    await sidecar.seen(/startup 8\/8/);
    expect(startupLines(sidecar)[4]).toMatch(
      /^5\/8: start the health server failed, and the sidecar goes on without it: .*EADDRINUSE/,
    );
    server.close();
    await sidecar.seen(/health server listens/);
    expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
  });

  test('wait for a plugin port that is freed in time', async () => {
    const { server, address } = await block();
    const bus = await startBus();
    const sidecar = spawnSidecar(bus.address, { SIDECAR_ADDR: address });
    await sidecar.seen(/startup 6\/8: open the plugin port .* failed, and the sidecar goes on without it: .* is taken/);
    server.close();
    await sidecar.seen(/startup 8\/8/);
    const plugin = await connectPlugin(address);
    await plugin.stop('done');
  });
});

describe('a start that must not go on', () => {
  test('exits 69 when the bus is not there in time', async () => {
    const address = '127.0.0.1:1';
    const sidecar = spawnSidecar(address, { SIDECAR_CONNECT_TIMEOUT: '1s' });
    expect(await sidecar.exited).toBe(69);
    expectError(sidecar, {
      step: 'Startup stopped at step 1 of 8: connect to the Bus API.',
      fact: `the Bus API at ${address} cannot be reached`,
      id: 'sidecar/startup/bus-unreachable',
    });
  });

  test('exits 69 when what answers is no bus', async () => {
    const { address } = await block((server) => server.on('connection', (socket) => socket.end('220 mail\r\n')));
    const sidecar = spawnSidecar(address, { SIDECAR_CONNECT_TIMEOUT: '1s' });
    expect(await sidecar.exited).toBe(69);
    expect(sidecar.stderr).toContain('[sidecar/startup/bus-unreachable]');
    expect(sidecar.stderr).not.toMatch(/^ {4}at /m);
  });

  test('exits 77 when the policy has no rule for the identity', async () => {
    const bus = await startBus();
    const sidecar = spawnSidecar(bus.address, { INSTANCE_ID: 'risk-1' });
    expect(await sidecar.exited).toBe(77);
    expectError(sidecar, {
      step: 'Startup stopped at step 2 of 8: register the instance.',
      fact: 'no policy rule lets principal "anonymous" be "risk-1" of OMSPool',
      id: 'sidecar/startup/registration-refused',
    });
  });

  test('exits 77 when every grant is denied', async () => {
    const bus = await startBus();
    const grants = [
      { topic: 'platform.risk.*', action: 'publish' },
      { topic: 'platform.risk.*', action: 'subscribe' },
    ];
    const sidecar = spawnSidecar(bus.address, { REQUESTED_GRANTS: JSON.stringify(grants) });
    expect(await sidecar.exited).toBe(77);
    expectError(sidecar, {
      step: 'Startup stopped at step 3 of 8: recover grants.',
      fact: 'publish platform.risk.* (no policy rule allows it), subscribe platform.risk.* (no policy rule allows it)',
      id: 'sidecar/startup/grants-denied',
    });
    await bus.program.seen(/deregistered instance=oms-1/);
  });

  test('goes on when some grants are denied, and says which', async () => {
    const bus = await startBus();
    const grants = [
      { topic: 'platform.oms.fills', action: 'publish' },
      { topic: 'platform.risk.*', action: 'publish' },
    ];
    const { program, address } = await startSidecar(bus.address, { REQUESTED_GRANTS: JSON.stringify(grants) });
    expect(program.stdout).toContain('the bus denied publish platform.risk.*');
    const plugin = await connectPlugin(address);
    expect(plugin.identity).toMatchObject({ publishGrants: ['platform.oms.fills'], subscribeGrants: [] });
    await plugin.stop('done');
  });

  test('exits 71 when the plugin port stays taken', async () => {
    const { address } = await block();
    const bus = await startBus();
    const sidecar = spawnSidecar(bus.address, { SIDECAR_ADDR: address });
    expect(await sidecar.exited).toBe(71);
    expectError(sidecar, {
      step: 'Startup stopped at step 7 of 8: accept plugins.',
      fact: `plugins cannot be accepted on ${address}: ${address} is taken`,
      id: 'sidecar/startup/plugin-port',
    });
    await bus.program.seen(/deregistered instance=oms-1/);
  });
});

describe('a configuration that is wrong', () => {
  test('exits 78 with every problem at once, on stderr alone', async () => {
    const sidecar = spawnSidecar('bus:port:what', {
      INSTANCE_ID: '',
      POOL_TYPE: '',
      REQUESTED_GRANTS: '{"topic":',
      TAGS: 'a b',
      SIDECAR_ADDR: '0.0.0.0:9191',
      SIDECAR_CONNECT_TIMEOUT: 'soon',
      SIDECAR_BUS_CA: 'ca.pem',
      SIDECAR_BUS_KEY: 'key.pem',
    });
    expect(await sidecar.exited).toBe(78);
    const ids = [...sidecar.stderr.matchAll(/ {2}\[(\S+)\]$/gm)].map(([, id]) => id);
    const expected = [
      'config/addr/not-loopback',
      'config/bus-api-url/malformed',
      'config/connect-timeout/not-a-duration',
      'config/instance-id/missing',
      'config/pool-type/missing',
      'config/requested-grants/not-json',
      'config/tags/malformed',
      'config/tls/half-given',
    ];
    expect(ids).toHaveLength(expected.length);
    expect(new Set(ids)).toEqual(new Set(expected));
    expect(sidecar.stderr).not.toMatch(/^ {4}at /m);
    expect(sidecar.stdout).toBe('');
  });

  test.each([
    ['is not there', () => 'missing.yml', 'config/sidecar-config/unreadable'],
    ['is no YAML', () => writeTemporary('sidecar.yml', 'outbox: [1'), 'config/file/not-yaml'],
    ['has an unknown key', () => writeTemporary('sidecar.yml', 'outbocks: 1'), 'config/file/unknown-key'],
  ])('exits 78 when SIDECAR_CONFIG %s', async (_, file, id) => {
    const sidecar = spawnSidecar('127.0.0.1:1', { SIDECAR_CONFIG: file() });
    expect(await sidecar.exited).toBe(78);
    expect(sidecar.stderr).toContain(`[${id}]`);
    expect(sidecar.stderr).not.toMatch(/^ {4}at /m);
  });
});

describe('the token for the bus', () => {
  const token = 'tok-4f1c9a';

  test.each([
    ['is malformed', { SIDECAR_BUS_TOKEN: `${token} and more` }, 78],
    ['stands in the address of the bus', { SIDECAR_BUS_API_URL: `http://user:${token}@127.0.0.1:1` }, 78],
    ['goes to a bus that is not there', { SIDECAR_BUS_TOKEN: token, SIDECAR_CONNECT_TIMEOUT: '300ms' }, 69],
  ])('is not shown when it %s', async (_, environment, exitCode) => {
    const sidecar = spawnSidecar('127.0.0.1:1', environment);
    expect(await sidecar.exited).toBe(exitCode);
    expect(sidecar.output).not.toContain(token);
  });
});

/** Where the sidecar stopped, what it found, and the id, with no stack. */
function expectError(program: Program, { step, fact, id }: { step: string; fact: string; id: string }): void {
  expect(program.stderr.split('\n')[0]).toBe(step);
  expect(program.stderr).toContain(fact);
  expect(program.stderr).toMatch(new RegExp(` {2}\\[${id}\\]\\n$`));
  expect(program.stderr).not.toMatch(/^ {4}at /m);
}
