import { afterEach, expect, test } from 'vitest';
import { create } from '../../../src/contract/wire/codec/message.ts';
import {
  ActivateRequestSchema,
  RegisterRequestSchema,
  SaveStateRequestSchema,
} from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { busMethods } from '../../../src/contract/wire/methods.ts';
import { busProtocolVersion } from '../../../src/contract/wire/protocol-version.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import { endAll } from '../../sidecar/processes.ts';
import { administer, automatic, startGrantsBus } from '../bus-grants-fixtures.ts';

afterEach(endAll);

async function saveState(address: string, state: Uint8Array): Promise<void> {
  const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: limits.messageBytes });
  const options = { timeoutMs: 5_000 };
  const instanceId = 'oms-1';
  const request = { instanceId, poolType: 'OMSPool', protocolVersion: busProtocolVersion };
  const { epoch } = await connection.unary(busMethods.register, create(RegisterRequestSchema, request), options);
  await connection.unary(busMethods.activate, create(ActivateRequestSchema, { instanceId, epoch }), options);
  await connection.unary(busMethods.saveState, create(SaveStateRequestSchema, { instanceId, epoch, state }), options);
  connection.close();
}

test('an administrator reads a saved state, which cannot control a terminal, and the log says who did', async () => {
  const bus = await startGrantsBus(automatic());
  await saveState(bus.address, Buffer.from('a\u001b[2J'));
  const shown = await administer(bus, ['state', 'show', 'oms-1']);
  expect(shown).toMatchObject({ exitCode: 0, stdout: 'revision 1, 5 bytes\na\\u001b[2J\n' });
  const json = await administer(bus, ['state', 'show', 'oms-1', '--json']);
  expect(JSON.parse(json.stdout)).toEqual({ instance: 'oms-1', revision: '1', payload: 'a\u001b[2J' });
  await bus.program.seen(/an administrator read a state instance=oms-1 revision=1 by=ops/);
});

test.each([
  ['a state that is not stored', 'ops', 64, 'state/show/not-found'],
  ['anything as somebody else', 'dev', 77, 'grants/admin/not-named'],
] as const)('is refused: %s', async (_, principal, exitCode, id) => {
  const ended = await administer(await startGrantsBus(automatic()), ['state', 'show', 'oms-1'], principal);
  expect(ended).toMatchObject({ exitCode, stdout: '' });
  expect(ended.stderr).toContain(`[${id}]`);
});
