import { afterEach, describe, expect, test } from 'vitest';
import { connectPlugin } from '../../sidecar/plugins.ts';
import { endAll, spawnSidecar, startSidecar } from '../../sidecar/processes.ts';
import { V1Client } from '../../sidecar/v1-client.ts';
import {
  automatic,
  commandsIn,
  grants,
  manualSubscribe,
  startGrantsBus,
  withoutAdmins,
} from '../bus-grants-fixtures.ts';

afterEach(endAll);

const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
const waiting = /waiting for an approval of (.*); an administrator gives it with: (.*)/;

describe('a sidecar whose grants nobody has decided', () => {
  test('waits, names the command that approves them, and is ready once that was run', async () => {
    const bus = await startGrantsBus(manualSubscribe);
    const sidecar = spawnSidecar(bus.address);
    const [, what, command = ''] = await sidecar.seen(waiting);
    expect(what).toBe(
      'subscribe platform.data.* (rules[1] needs an approval), subscribe platform.news (rules[1] needs an approval)',
    );
    expect(sidecar.stdout).not.toContain('startup 3/8');
    for (const args of commandsIn(command)) expect(await grants(bus, args)).toMatchObject({ exitCode: 0, stderr: '' });
    await sidecar.seen(/state changed from=RECOVERING to=READY/);
    const listed = await grants(bus, ['list']);
    expect(listed.stdout).toMatch(/^INSTANCE +ACTION +PATTERN +STANDING +WHY\n/);
    expect(listed.stdout).toMatch(/^oms-1 +publish +platform\.oms\.\*\* +granted +rules\[0\]$/m);
    const row = String.raw`^oms-1 +subscribe +platform\.news +granted +rules\[1\], approved by ops at ${time}$`;
    expect(listed.stdout).toMatch(new RegExp(row, 'm'));
  });

  test('exits 75 at its timeout, with that command', async () => {
    const bus = await startGrantsBus(manualSubscribe);
    const sidecar = spawnSidecar(bus.address, { SIDECAR_GRANT_TIMEOUT: '2s' });
    expect(await sidecar.exited).toBe(75);
    expect(sidecar.stderr).toContain('[sidecar/startup/grants-undecided]');
    expect(commandsIn(sidecar.stderr)).toEqual([['approve', 'oms-1', 'subscribe', 'platform.data.*', 'platform.news']]);
  });

  test('goes on without what an administrator revokes', async () => {
    const bus = await startGrantsBus(manualSubscribe);
    const sidecar = spawnSidecar(bus.address);
    await sidecar.seen(waiting);
    await grants(bus, ['approve', 'oms-1', 'subscribe', 'platform.news']);
    await grants(bus, ['revoke', 'oms-1', 'subscribe', 'platform.data.*']);
    await sidecar.seen(/startup 8\/8/);
    expect(sidecar.stdout).toMatch(/the bus denied subscribe platform\.data\.\* \(revoked by ops at /);
  });

  test('is ready when all that waits is approved at once, and its plugin hears what was approved', async () => {
    const bus = await startGrantsBus(manualSubscribe);
    const dgm = await startSidecar(bus.address, { INSTANCE_ID: 'dgm-1', POOL_TYPE: 'DGMPool' });
    const waitingSidecar = startSidecar(bus.address);
    let undecided = '';
    while (!undecided.includes('oms-1')) undecided = (await grants(bus, ['list', '--undecided'])).stdout;
    expect(undecided).not.toContain('dgm-1');
    expect((await grants(bus, ['approve', 'oms-1', '--all'])).stdout).toContain(
      'approved subscribe platform.data.* of oms-1\napproved subscribe platform.news of oms-1\n',
    );
    const client = new V1Client((await waitingSidecar).address);
    await client.register();
    const subscription = await client.subscribed('platform.data.*');
    const publisher = await connectPlugin(dgm.address);
    await publisher.publish('platform.data.gold', Buffer.from('1900'));
    expect(await subscription.texts(1)).toEqual(['1900']);
    await publisher.stop('done');
    client.close();
  });
});

test('a decision outlives a bus that is killed: the instance starts again without asking', async () => {
  const bus = await startGrantsBus(manualSubscribe);
  await grants(bus, ['approve', 'oms-1', 'subscribe', 'platform.data.*', 'platform.news']);
  await grants(bus, ['revoke', 'oms-1', 'subscribe', 'platform.news']);
  bus.program.signal('SIGKILL');
  await bus.program.exited;
  const again = await startGrantsBus(manualSubscribe, bus);
  expect((await grants(again, ['list'])).stdout).toMatch(
    /^oms-1 +subscribe +platform\.data\.\* +granted +approved by ops/m,
  );
  const sidecar = await startSidecar(again.address);
  expect(sidecar.program.stdout).not.toMatch(waiting);
  expect(sidecar.program.stdout).toContain('the bus denied subscribe platform.news (revoked by ops');
});

describe('who may decide', () => {
  const approve = ['approve', 'oms-1', 'subscribe', 'platform.news'];

  test.each([
    ['another principal', manualSubscribe, 'dev', 'principal "dev" is not named by the `admins`', 'are ops'],
    ['nobody', manualSubscribe, 'nobody', 'principal "anonymous" is not named by the `admins`', 'are ops'],
    ['whom no list names', withoutAdmins, 'ops', 'principal "ops" is not named by the `admins`', 'has no `admins`'],
  ] as const)('is not %s, whatever is asked', async (_, policy, principal, named, missing) => {
    const bus = await startGrantsBus(policy);
    for (const args of [approve, ['list'], ['revoke', ...approve.slice(1)], ['explain', ...approve.slice(1)]]) {
      const refused = await grants(bus, args, principal);
      expect(refused).toMatchObject({ exitCode: 77, stdout: '' });
      expect(refused.stderr).toContain(named);
      expect(refused.stderr).toContain(missing);
      expect(refused.stderr).toMatch(/ {2}\[grants\/admin\/not-named\]\n$/);
    }
    expect(bus.program.stdout).not.toContain('grant approved');
  });
});

describe('a command that cannot be done', () => {
  test.each([
    [
      'an approval beyond the policy',
      ['approve', 'oms-1', 'publish', 'platform.risk.*'],
      77,
      'grants/request/beyond-policy',
    ],
    ['no pattern', ['approve', 'oms-1', 'publish', 'a..b'], 64, 'grants/request/invalid'],
    ['no instance id', ['revoke', 'oms 1', 'publish', 'a.b'], 64, 'grants/request/invalid'],
    ['nothing that waits', ['approve', 'oms-1', '--all'], 64, 'grants/approve/nothing-undecided'],
    ['nothing to approve', ['approve', 'oms-1'], 64, 'grants/approve/arguments'],
    ['no bus', ['list', '--bus', '127.0.0.1:1'], 69, 'grants/bus/unreachable'],
    ['an address that is none', ['list', '--bus', 'bus:port'], 78, 'config/bus-api-url/malformed'],
    ['an action that is none', ['revoke', 'oms-1', 'read', 'a.b'], 64, undefined],
  ] as const)('for %s says so, with a code of its own', async (_, args, exitCode, id) => {
    const bus = await startGrantsBus(manualSubscribe);
    const failed = await grants(bus, args);
    expect(failed).toMatchObject({ exitCode, stdout: '' });
    if (id) expect(failed.stderr).toContain(`[${id}]`);
    expect(failed.stderr).not.toMatch(/^ {4}at /m);
  });
});

test('list prints JSON for programs, which is empty when nobody asked for anything', async () => {
  const bus = await startGrantsBus(automatic());
  expect((await grants(bus, ['list', '--json'])).stdout).toBe('[]\n');
  await startSidecar(bus.address);
  await grants(bus, ['revoke', 'oms-1', 'publish', 'platform.oms.**']);
  expect(JSON.parse((await grants(bus, ['list', '--json'])).stdout)).toEqual([
    {
      instance: 'oms-1',
      action: 'publish',
      pattern: 'platform.oms.**',
      standing: 'revoked',
      why: expect.stringMatching(/^revoked by ops at /),
      decidedBy: 'ops',
      decidedAt: expect.stringMatching(new RegExp(`^${time}$`)),
    },
    { instance: 'oms-1', action: 'subscribe', pattern: 'platform.oms.**', standing: 'granted', why: 'rules[0]' },
  ]);
});

test('explain tells the rule or decision that admits, and what is missing otherwise', async () => {
  const bus = await startGrantsBus(manualSubscribe);
  const requested = [
    { topic: 'platform.oms.fills', action: 'publish' },
    { topic: 'platform.news', action: 'subscribe' },
    { topic: 'platform.data.gold', action: 'subscribe' },
  ];
  const sidecar = spawnSidecar(bus.address, { REQUESTED_GRANTS: JSON.stringify(requested) });
  await sidecar.seen(waiting);
  await grants(bus, ['approve', 'oms-1', 'subscribe', 'platform.news']);
  const explain = async (...args: string[]) => (await grants(bus, ['explain', ...args])).stdout.trimEnd().split('\n');
  expect(await explain('oms-1', 'publish', 'platform.oms.fills')).toEqual([
    'oms-1 may publish platform.oms.fills: it has publish platform.oms.fills (rules[0])',
  ]);
  expect(await explain('oms-1', 'subscribe', 'platform.news')).toEqual([
    expect.stringMatching(/^oms-1 may subscribe platform\.news: it has .* \(rules\[1\], approved by ops at .*\)$/),
  ]);
  expect(await explain('oms-1', 'subscribe', 'platform.data.gold')).toEqual([
    'oms-1 may not subscribe platform.data.gold: what it asks for, subscribe platform.data.gold (rules[1] needs an approval); the nearest is platform.news',
    "needed: meridian-sidecar bus grants approve oms-1 subscribe 'platform.data.gold'",
  ]);
  expect(await explain('oms-1', 'publish', 'platform.oms.orders')).toEqual([
    'oms-1 may not publish platform.oms.orders: rules[0] allows it, but the instance does not ask for it; the nearest is platform.oms.fills',
    'needed: name it in the REQUESTED_GRANTS of the instance and restart the instance',
  ]);
  expect(await explain('oms-1', 'publish', 'platform.risk.limits')).toEqual([
    'oms-1 may not publish platform.risk.limits: no policy rule allows it; of its grants, the nearest is platform.oms.fills; in the policy, the nearest is platform.oms.**',
    'needed: add platform.risk.limits to `publish` of rules[0] or rules[1] in the policy',
  ]);
  expect(await explain('oms-2', 'subscribe', 'platform.news')).toEqual([
    'oms-2 is not registered and may not subscribe platform.news: subscribe platform.news (rules[1] needs an approval)',
    "needed: meridian-sidecar bus grants approve oms-2 subscribe 'platform.news', to take effect once it registers, with a principal of * and a pool type of OMSPool",
  ]);
  expect(await explain('risk-1', 'publish', 'platform.risk.limits')).toEqual([
    'risk-1 is not registered and may not publish platform.risk.limits: no policy rule for this instance id allows it; in the policy, there is no publish grant at all',
    'needed: add platform.risk.limits to `publish` of a new rule for the instance in the policy',
  ]);
});
