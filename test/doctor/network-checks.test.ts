import { describe, expect, test } from 'vitest';
import { examineBus } from '../../src/doctor/container/bus-checks.ts';
import { type NetworkProbes, ProbedCertificateError } from '../../src/doctor/container/probes.ts';
import { examineSidecar } from '../../src/doctor/container/sidecar-checks.ts';
import type { Finding } from '../../src/doctor/finding.ts';

const dayMs = 24 * 3_600_000;

/** A network on which everything answers, but for what is said. */
function network(differences: Partial<NetworkProbes>): NetworkProbes {
  return {
    resolve: async () => {},
    connect: async () => {},
    handshake: async () => ({ fromMs: 0, toMs: 100 * dayMs }),
    openRpc: async () => {},
    get: async () => JSON.stringify({ state: 'RUNNING', instanceId: 'oms-1' }),
    ...differences,
  };
}

const refuse = async (): Promise<never> => {
  throw new Error('refused');
};
const idsOf = (findings: readonly Finding[]): string[] =>
  findings.map(({ severity, fault }) => `${severity} ${fault.id}`);

describe('the sidecar', () => {
  const own = { statusAddress: { host: undefined, port: 9192 }, pluginAddress: '127.0.0.1:9191' };

  test.each<[string, object, string[]]>([
    ['that runs', { state: 'RUNNING' }, []],
    ['that has not started yet', { state: 'RECOVERING' }, ['warning doctor/sidecar/starting']],
    ['that lost the bus', { state: 'DEGRADED' }, ['warning doctor/sidecar/bus-away']],
    ['that stands by', { state: 'STANDBY' }, ['warning doctor/sidecar/standby']],
    ['whose plugin does not answer', { state: 'FAULTED' }, ['error doctor/sidecar/faulted']],
    [
      'whose plugin is not there',
      { state: 'READY', plugin: { isRegistered: false } },
      ['warning doctor/plugin/absent'],
    ],
    [
      'that is denied a grant',
      { state: 'RUNNING', grants: { withheld: ['publish a'] } },
      ['warning doctor/grants/withheld'],
    ],
  ])('%s is told by its status', async (_, status, expected) => {
    const get = async (): Promise<string> => JSON.stringify({ instanceId: 'oms-1', ...status });
    const { findings } = await examineSidecar(own, network({ get }));
    expect(idsOf(findings)).toEqual(expected);
  });

  test('that accepts no plugins is at fault once it has started, and not before', async () => {
    const inState = async (state: string) =>
      await examineSidecar(own, network({ connect: refuse, get: async () => JSON.stringify({ state }) }));
    expect(idsOf((await inState('RUNNING')).findings)).toEqual(['error doctor/plugin-port/closed']);
    expect(idsOf((await inState('STARTING')).findings)).toEqual(['warning doctor/sidecar/starting']);
  });

  test('is not taken for one when it answers with something else', async () => {
    const { findings } = await examineSidecar(own, network({ get: async () => '<html>' }));
    expect(idsOf(findings)).toEqual(['error doctor/sidecar/silent', 'error doctor/plugin-port/taken']);
  });
});

describe('the bus', () => {
  const url = { host: 'bus', port: 8443, address: 'bus:8443', tls: true, origin: 'SIDECAR_BUS_API_URL' };
  const direct = { proxy: undefined, otherProxies: [] };
  const examine = async (nowMs: number, differences: Partial<NetworkProbes> = {}) =>
    await examineBus({ ...direct, url, tls: {}, network: network(differences), nowMs });

  test('whose name is not known is told with where the name is from', async () => {
    const { findings } = await examine(0, { resolve: refuse });
    expect(idsOf(findings)).toEqual(['error doctor/bus/unresolved']);
    expect(findings[0]?.fault.expected).toBe('The address is from SIDECAR_BUS_API_URL.');
  });

  test('is taken for one without TLS when it shakes no hands', async () => {
    const plain = { ...url, tls: false };
    const asked = async (handshake: NetworkProbes['handshake']) =>
      await examineBus({ ...direct, url: plain, tls: {}, network: network({ handshake }), nowMs: 0 });
    expect((await asked(refuse)).findings).toEqual([]);
    const untrusted = async (): Promise<never> => {
      throw new ProbedCertificateError('self-signed');
    };
    expect(idsOf((await asked(untrusted)).findings)).toEqual(['error doctor/bus/speaks-tls']);
  });

  test('whose certificate is in the last tenth of its life is warned of', async () => {
    expect((await examine(89 * dayMs)).findings).toEqual([]);
    expect(idsOf((await examine(91 * dayMs)).findings)).toEqual(['warning doctor/bus/certificate-ends']);
  });
});
