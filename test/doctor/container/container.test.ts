import { afterEach, describe, expect, test } from 'vitest';
import { block, freeAll } from '../../sidecar/blocked-ports.ts';
import {
  endAll,
  type Program,
  runCliWith,
  spawnSidecar,
  startBus,
  startSidecar,
  writeTemporary,
} from '../../sidecar/processes.ts';
import {
  authority,
  busNames,
  CertificateFiles,
  caFile,
  certificateEnvironment,
  foreignAuthority,
  past,
  startSecuredBus,
  token,
} from '../../sidecar/secured-bus.ts';

afterEach(endAll);
afterEach(freeAll);

interface Printed {
  readonly settings: readonly { readonly name: string; readonly value: string; readonly source: string }[];
  readonly notes: readonly string[];
  readonly findings: readonly { readonly severity: string; readonly id: string; readonly found: string }[];
}

async function doctor(environment: Readonly<Record<string, string>>, ...flags: readonly string[]) {
  const program = runCliWith(environment, 'doctor', '--json', ...flags);
  const exitCode = await program.exited;
  const [report] = JSON.parse(program.stdout) as Printed[];
  if (!report) throw new Error(program.output);
  return {
    exitCode,
    report,
    ids: report.findings.map(({ severity, id }) => `${severity} ${id}`),
    output: program.output,
  };
}

/** The variables under which a doctor finds a sidecar that took any free ports. */
function placeOf({ address, healthUrl }: { readonly address: string; readonly healthUrl: string }) {
  return { SIDECAR_ADDR: address, SIDECAR_HEALTH_ADDR: new URL(healthUrl).host };
}

const plugin = { INSTANCE_ID: 'oms-1', POOL_TYPE: 'OMSPool' };
/** Where nobody is. */
const nowhere = { SIDECAR_ADDR: '127.0.0.1:1', SIDECAR_HEALTH_ADDR: '127.0.0.1:2' };

describe('beside a running sidecar', () => {
  test('says that all is well but for a plugin that is not there yet, over mutual TLS', async () => {
    const bus = await startSecuredBus();
    const files = new CertificateFiles(authority.issue('plugin-a'));
    const environment = { ...plugin, ...certificateEnvironment(files) };
    const place = placeOf(await startSidecar(bus.address, environment));

    const { ids, exitCode, report } = await doctor({ ...environment, ...place, SIDECAR_BUS_API_URL: bus.address });
    expect(ids).toEqual(['warning doctor/plugin/absent']);
    expect(exitCode).toBe(0);
    expect(report.notes).toEqual([
      expect.stringMatching(/^The sidecar of oms-1 answers at \S+; it is READY\.$/),
      `Plugins can connect to ${place.SIDECAR_ADDR}.`,
      `The bus at ${bus.address} accepts connections over TLS; its certificate is valid until 2049-12-31T23:59:59.000Z.`,
      'The client certificate from SIDECAR_BUS_CERTIFICATE is valid until 2049-12-31T23:59:59.000Z.',
    ]);
  });

  test('names a bound service as the source, and prints no secret of it', async () => {
    const bus = await startSecuredBus(undefined, { clientCa: false });
    const credentials = { url: `https://${bus.address}`, ca: authority.ca, token };
    const services = { 'user-provided': [{ name: 'bus', tags: ['meridian-bus'], credentials }] };
    const environment = { INSTANCE_ID: 'oms-3', POOL_TYPE: 'OMSPool', VCAP_SERVICES: JSON.stringify(services) };
    const place = placeOf(await startSidecar('', environment));

    const { report, exitCode, output } = await doctor({ ...environment, ...place });
    expect(exitCode).toBe(0);
    const row = (wanted: string) => report.settings.find(({ name }) => name === wanted);
    const source = 'service "bus" of VCAP_SERVICES';
    expect(row('SIDECAR_BUS_API_URL')).toMatchObject({ value: `https://${bus.address}`, source });
    expect(row('SIDECAR_BUS_TOKEN')).toMatchObject({ value: 'set, not shown', source });
    expect(row('SIDECAR_BUS_CA')).toMatchObject({ value: 'set, not shown', source });
    expect(output).not.toContain(token);
    expect(output).not.toContain('BEGIN CERTIFICATE');
  });

  test('tells the state and the grants that the bus withholds, as text', async () => {
    const bus = await startBus();
    const requested = [
      { topic: 'platform.oms.fills', action: 'publish' },
      { topic: 'platform.risk.*', action: 'publish' },
    ];
    const environment = { ...plugin, REQUESTED_GRANTS: JSON.stringify(requested), SIDECAR_BUS_API_URL: bus.address };
    const place = placeOf(await startSidecar(bus.address, environment));
    const shown = runCliWith({ ...environment, ...place }, 'doctor');
    expect(await shown.exited).toBe(0);
    expect(shown.stdout).toMatch(
      /^REQUESTED_GRANTS +publish platform\.oms\.fills, publish platform\.risk\.\* +environment$/m,
    );
    expect(shown.stdout).toMatch(/^The bus at \S+ accepts connections, without TLS\.$/m);
    expect(shown.stdout).toMatch(/^warning: The bus does not give .*publish platform\.risk\.\*/m);
    expect(shown.stdout).toMatch(/\[doctor\/grants\/withheld\]$/m);
    expect(shown.stdout).toMatch(/\n2 warnings\n$/);
  });
});

describe('the bus', () => {
  test('that is not there, and the sidecar that is not, end with 69', async () => {
    const { ids, exitCode } = await doctor({ ...plugin, ...nowhere, SIDECAR_BUS_API_URL: '127.0.0.1:3' });
    expect(ids).toEqual(['error doctor/bus/unreachable', 'error doctor/sidecar/silent']);
    expect(exitCode).toBe(69);
  });

  test.each<[string, () => ReturnType<typeof startSecuredBus>, string]>([
    [
      'of a foreign authority',
      () => startSecuredBus(foreignAuthority.issue('bus', busNames)),
      'doctor/bus/certificate',
    ],
    [
      'with an expired certificate',
      () => startSecuredBus(authority.issue('bus', busNames, past)),
      'doctor/bus/certificate',
    ],
    ['of another name', () => startSecuredBus(authority.issue('bus', { dns: 'elsewhere' })), 'doctor/bus/certificate'],
  ])('%s is not trusted', async (_, start, expected) => {
    const bus = await start();
    const environment = { ...plugin, ...nowhere, SIDECAR_BUS_API_URL: bus.address, SIDECAR_BUS_CA: caFile() };
    const { ids, exitCode } = await doctor(environment);
    expect(ids).toContain(`error ${expected}`);
    expect(exitCode).toBe(69);
  });

  test('without TLS is told from one that is not there', async () => {
    const bus = await startBus();
    const { ids } = await doctor({ ...plugin, ...nowhere, SIDECAR_BUS_API_URL: `https://${bus.address}` });
    expect(ids).toContain('error doctor/bus/no-tls');
  });

  test('with TLS is told to who would connect without', async () => {
    const bus = await startSecuredBus();
    const { ids } = await doctor({ ...plugin, ...nowhere, SIDECAR_BUS_API_URL: `http://${bus.address}` });
    expect(ids).toContain('error doctor/bus/speaks-tls');
  });

  test('is not asked offline', async () => {
    const { ids, exitCode } = await doctor({ ...plugin, ...nowhere, SIDECAR_BUS_API_URL: '127.0.0.1:3' }, '--offline');
    expect(ids).toEqual([]);
    expect(exitCode).toBe(0);
  });
});

test("a stranger on the plugin's port is found", async () => {
  const { address } = await block();
  const { ids } = await doctor({ ...plugin, ...nowhere, SIDECAR_ADDR: address });
  expect(ids).toContain('error doctor/plugin-port/taken');
});

describe('the errors of the configuration', () => {
  const faultsIn = (program: Program): string[] =>
    [...program.stderr.matchAll(/\[(config\/[a-z/-]+)\]/g)].map(([, id = '']) => id);

  test.each<[string, Readonly<Record<string, string>>]>([
    ['nothing at all', { INSTANCE_ID: '', POOL_TYPE: '' }],
    [
      'several wrong values',
      {
        POOL_TYPE: '1',
        TAGS: 'a b',
        REQUESTED_GRANTS: '[',
        SIDECAR_ADDR: '0.0.0.0:9191',
        SIDECAR_BUS_TOKEN: 'secret with blanks',
        SIDECAR_BUS_CERTIFICATE: '/cert.pem',
      },
    ],
    ['a broken platform', { VCAP_APPLICATION: '{', VCAP_SERVICES: '[', VCAP_SERVICES_FILE_PATH: '/proc/nowhere' }],
    ['a service that is not bound', { SIDECAR_BUS_SERVICE: 'bus' }],
  ])('are those that the sidecar itself tells: %s', async (_, environment) => {
    const variables = { ...plugin, ...environment };
    const sidecar = spawnSidecar('', { ...variables, ...nowhere, ...environment });
    expect(await sidecar.exited).toBe(78);
    const own = faultsIn(sidecar);
    const { report, exitCode, output } = await doctor({ ...variables, ...nowhere, ...environment }, '--offline');
    expect(own.length).toBeGreaterThan(0);
    expect(report.findings.map(({ id }) => id).filter((id) => id.startsWith('config/'))).toEqual(own);
    expect(exitCode).toBe(78);
    expect(output).not.toContain('secret with blanks');
  });

  test('come with those of a file, which may not be there', async () => {
    const file = writeTemporary('sidecar.yml', 'pool_typ: x\nshutdown: {drain: 9s}');
    const { ids } = await doctor({ ...plugin, SIDECAR_CONFIG: file }, '--offline');
    expect(ids).toEqual(['error config/file/unknown-key', 'error config/shutdown/over-budget']);
    const missing = await doctor({ ...plugin, SIDECAR_CONFIG: '/proc/nowhere.yml' }, '--offline');
    expect(missing.ids).toEqual(['error config/sidecar-config/unreadable']);
  });
});

describe('the credentials', () => {
  const issued = authority.issue('plugin-a');
  const other = authority.issue('plugin-b');
  const file = (text: string): string => writeTemporary('credential', text);
  const pair = ({ certificate, key }: typeof issued) => ({
    SIDECAR_BUS_CERTIFICATE: file(certificate),
    SIDECAR_BUS_KEY: file(key),
  });
  const soon = { to: new Date(Date.now() + 3_600_000) };

  test.each<[string, () => Readonly<Record<string, string>>, string[]]>([
    ['that are sound', () => ({ ...pair(issued), SIDECAR_BUS_CA: caFile() }), []],
    ['that are not there', () => ({ SIDECAR_BUS_CA: '/proc/nowhere.pem' }), ['error doctor/credential/unreadable']],
    ['whose authority is no PEM', () => ({ SIDECAR_BUS_CA: file('x') }), ['error doctor/credential/authority']],
    [
      'whose authority has expired',
      () => ({ SIDECAR_BUS_CA: file(authority.issue('old', {}, past).certificate) }),
      ['error doctor/credential/authority-expired'],
    ],
    [
      'whose key is of another certificate',
      () => pair({ certificate: issued.certificate, key: other.key }),
      ['error doctor/credential/certificate'],
    ],
    ['that have expired', () => pair(authority.issue('a', {}, past)), ['error doctor/credential/certificate']],
    ['that end soon', () => pair(authority.issue('a', {}, soon)), ['warning doctor/credential/certificate-ends']],
    [
      'whose token holds a blank',
      () => ({ SIDECAR_BUS_TOKEN_FILE: file('a b') }),
      ['error doctor/credential/token', 'warning doctor/credential/plain-token'],
    ],
  ])('%s are told', async (_, environment, expected) => {
    const { ids, output } = await doctor({ ...plugin, ...environment() }, '--offline');
    expect(ids).toEqual(expected);
    expect(output).not.toContain('PRIVATE KEY');
  });
});

test("the platform's identity of the instance is shown as the client certificate", async () => {
  const day = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 23 * 3_600_000) };
  const files = new CertificateFiles(authority.issue('instance', {}, day));
  const { ids, report } = await doctor(
    {
      ...plugin,
      SIDECAR_BUS_API_URL: 'https://bus.example',
      CF_INSTANCE_CERT: files.certificate,
      CF_INSTANCE_KEY: files.key,
    },
    '--offline',
  );
  expect(ids).toEqual([]);
  expect(report.settings).toEqual(
    expect.arrayContaining([
      { name: 'SIDECAR_BUS_CERTIFICATE', value: files.certificate, source: 'CF_INSTANCE_CERT' },
      { name: 'SIDECAR_BUS_KEY', value: files.key, source: 'CF_INSTANCE_KEY' },
    ]),
  );
  expect(report.notes[0]).toContain('The client certificate from CF_INSTANCE_CERT is valid until');
});

test('neither credentials in an address nor control characters are printed', async () => {
  const shown = runCliWith(
    { ...plugin, SIDECAR_BUS_API_URL: 'https://user:hunter2@bus', IMAGE: 'a\u001b[31mb' },
    ...['doctor', '--offline'],
  );
  expect(await shown.exited).toBe(78);
  expect(shown.stdout).toMatch(/^SIDECAR_BUS_API_URL +cannot be used +environment$/m);
  expect(shown.stdout).toContain('[config/bus-api-url/malformed]');
  expect(shown.output).not.toContain('hunter2');
  expect(shown.output).not.toContain('\u001b');
});

test.each<[string, Readonly<Record<string, string>>, string]>([
  ['MEMORY_LIMIT in words', { MEMORY_LIMIT: 'much' }, 'warning doctor/memory-limit/malformed'],
  ['a small MEMORY_LIMIT', { MEMORY_LIMIT: '32m' }, 'warning doctor/memory-limit/too-small'],
  ['a droplet without sidecar', { DEPS_DIR: '/proc/nowhere' }, 'error doctor/droplet/no-sidecar'],
])('%s is found', async (_, environment, expected) => {
  expect((await doctor({ ...plugin, ...environment }, '--offline')).ids).toEqual([expected]);
});
