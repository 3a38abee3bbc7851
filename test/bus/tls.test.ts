import { afterEach, describe, expect, test } from 'vitest';
import { create } from '../../src/contract/wire/codec/message.ts';
import { RegisterRequestSchema, SaveStateRequestSchema } from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { busMethods } from '../../src/contract/wire/methods.ts';
import { busProtocolVersion } from '../../src/contract/wire/protocol-version.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection } from '../../src/transport/rpc.ts';
import type { Metadata } from '../../src/transport/status.ts';
import { endAll, writeTemporary } from '../sidecar/processes.ts';
import { authority, busNames, caFile, past, runBus, startSecuredBus } from '../sidecar/secured-bus.ts';
import { failureOf } from '../transport/test-service.ts';

const connections: Connection[] = [];

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await endAll();
});

/** A caller of the Bus API as the principal of a certificate, or with the metadata alone. */
async function caller(address: string, principal: string | undefined, metadata: Metadata = {}): Promise<Connection> {
  const connection = await grpcNetwork.connect(address, {
    tls: { ca: authority.ca, ...(principal !== undefined && authority.issue(principal)) },
    metadata,
    timeoutMs: 5_000,
    maxMessageBytes: limits.messageBytes,
  });
  connections.push(connection);
  return connection;
}

const registration = (instanceId: string, resumeEpoch = 0n) =>
  create(RegisterRequestSchema, {
    protocolVersion: busProtocolVersion,
    instanceId,
    poolType: 'OMSPool',
    resumeEpoch,
  });

describe('a principal', () => {
  test('may be only the instances of its rules', async () => {
    const { address } = await startSecuredBus();
    const pluginB = await caller(address, 'plugin-b');
    const failure = await failureOf(pluginB.unary(busMethods.register, registration('oms-1')));
    expect([failure.code, failure.message]).toEqual([
      'PERMISSION_DENIED',
      'no policy rule lets principal "plugin-b" be "oms-1" of OMSPool',
    ]);
  });

  test('may not use the epoch of another, although both may be the same instance', async () => {
    const { address } = await startSecuredBus();
    const [pluginA, pluginB] = [await caller(address, 'plugin-a'), await caller(address, 'plugin-b')];
    const { epoch } = await pluginA.unary(busMethods.register, registration('shared'));
    const write = create(SaveStateRequestSchema, { instanceId: 'shared', epoch, state: new Uint8Array([1]) });
    const failure = await failureOf(pluginB.unary(busMethods.saveState, write));
    expect([failure.code, failure.message]).toEqual([
      'PERMISSION_DENIED',
      `epoch ${epoch} of shared belongs to another principal`,
    ]);
    const resumed = await pluginB.unary(busMethods.register, registration('shared', epoch)).catch(() => undefined);
    expect(resumed?.epoch).not.toBe(epoch);
  });

  test.each([
    ['another scheme', 'Basic dXNlcjpzZWNyZXQ=', 'the authorization header is not a bearer token'],
    ['a token with a blank in it', 'Bearer c2Vj cmV0', 'the authorization header is not a bearer token'],
    ['an unknown token', 'Bearer c2VjcmV0', 'the policy of this bus does not know the bearer token'],
  ])('cannot be had by %s', async (_, authorization, message) => {
    const { address, program } = await startSecuredBus();
    const stranger = await caller(address, undefined, { authorization });
    const failure = await failureOf(stranger.unary(busMethods.register, registration('oms-1')));
    expect([failure.code, failure.message]).toEqual(['UNAUTHENTICATED', message]);
    await program.seen(/refused a client/);
    expect(program.output).not.toContain(authorization.slice(8));
  });
});

describe('the files of a certificate', () => {
  const issued = authority.issue('bus', busNames);
  const file = (name: string, text: string): string => writeTemporary(name, text);

  test.each<[what: string, flags: () => string[], facts: string[]]>([
    [
      'are half given, and nothing signs clients',
      () => ['--tls-key', file('tls.key', issued.key), '--tls-client-ca', '/proc/no/such.pem'],
      ['--tls-key is given and --tls-certificate is not', 'the file of --tls-client-ca cannot be read: ENOENT'],
    ],
    [
      'are absent beside an authority for clients',
      () => ['--tls-client-ca', caFile()],
      ['--tls-client-ca is given without a certificate of the bus'],
    ],
    [
      'are no PEM',
      () => ['--tls-certificate', file('tls.crt', 'secret'), '--tls-key', file('tls.key', 'secret')],
      ['holds no PEM that fits --tls-certificate', 'holds no PEM that fits --tls-key'],
    ],
    [
      'do not belong together',
      () => [
        ...['--tls-certificate', file('tls.crt', issued.certificate)],
        ...['--tls-key', file('tls.key', authority.issue('other').key)],
      ],
      ['is not the key of the certificate in'],
    ],
  ])('end the bus with 78 and every fault when they %s', async (_, flags, facts) => {
    const bus = runBus(...flags());
    expect(await bus.exited).toBe(78);
    for (const fact of facts) expect(bus.stderr).toContain(fact);
    expect([...bus.stderr.matchAll(/\[bus\/tls\/[a-z-]+\]$/gm)]).toHaveLength(facts.length);
    expect(bus.stderr).not.toContain('secret');
  });

  test('are warned of when no client will accept them now', async () => {
    const { program } = await startSecuredBus(authority.issue('bus', busNames, past));
    await program.seen(/WARN {2}the bus shows its certificate, which every client refuses: .* validTo=2021-/);
  });

  test('stay in use when what replaces them cannot be used', async () => {
    const { program, address, files } = await startSecuredBus();
    files.replace({ ...authority.issue('bus', busNames), key: authority.issue('other').key });
    await program.seen(/WARN {2}the changed certificate files are not used reason=.*is not the key/);
    await (await caller(address, 'plugin-a')).unary(busMethods.register, registration('oms-1'));
    files.replace(authority.issue('bus', busNames));
    await program.seen(/the certificate files changed; new connections get them/);
    await (await caller(address, 'plugin-a')).unary(busMethods.register, registration('oms-1'));
  });
});
