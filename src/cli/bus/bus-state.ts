import type { Command } from 'commander';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  ResetStateRequestSchema,
  ShowStateRequestSchema,
} from '../../contract/wire/gen/meridian/bus/v1/instances_pb.ts';
import { instanceMethods } from '../../contract/wire/methods.ts';
import type { RpcError } from '../../transport/status.ts';
import { usageExitCode } from '../command.ts';
import { jsonLine, payloadFields, payloadText } from '../shell/message-text.ts';
import { notFound } from './admin-client.ts';
import { type AdminFlags, print, withAdminClient, withAdminFlags } from './admin-flags.ts';

/** `meridian-sidecar bus state …`: the states that instances have saved. */
export function addStateCommand(bus: Command): void {
  const state = bus.command('state').description('show and reset the saved states of a bus');
  withAdminFlags(state.command('show').description('show the state that an instance has saved'))
    .argument('<instance>', 'its INSTANCE_ID')
    .action((instance: string, flags: AdminFlags) => show(instance, flags));
  withAdminFlags(state.command('reset').description('forget the state of an instance that is not registered'))
    .argument('<instance>', 'its INSTANCE_ID')
    .action((instance: string, flags: AdminFlags) => reset(instance, flags));
}

function reset(instance: string, flags: AdminFlags): Promise<void> {
  return withAdminClient(flags, async (client) => {
    const request = create(ResetStateRequestSchema, { instanceId: instance });
    const { revision } = await client.call(instanceMethods.resetState, request, notReset);
    const said = flags.json ? jsonLine({ instance, revision: `${revision}`, reset: true }) : '';
    print(said || `forgot revision ${revision} of the state of ${instance}\n`);
  });
}

function notReset(error: RpcError): UserFacingError | undefined {
  if (error.code !== 'FAILED_PRECONDITION') return notStored(error);
  return new UserFacingError({
    id: 'state/reset/registered',
    found: error.message,
    expected: 'A state is reset only while its instance is away.',
    next: ['Stop the instance, reset the state, and start it again.'],
    exitCode: usageExitCode,
  });
}

function show(instance: string, flags: AdminFlags): Promise<void> {
  return withAdminClient(flags, async (client) => {
    const request = create(ShowStateRequestSchema, { instanceId: instance });
    const { revision, state } = await client.call(instanceMethods.showState, request, notStored);
    if (flags.json) return print(jsonLine({ instance, revision: `${revision}`, ...payloadFields(state) }));
    print(`revision ${revision}, ${state.length} bytes\n${payloadText(state)}\n`);
  });
}

const notStored = notFound({
  id: 'state/show/not-found',
  next: ['List the registered instances with `meridian-sidecar bus instances`.'],
  exitCode: usageExitCode,
});
