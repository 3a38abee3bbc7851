import type { Command } from 'commander';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { ShowStateRequestSchema } from '../../contract/wire/gen/meridian/bus/v1/instances_pb.ts';
import { instanceMethods } from '../../contract/wire/methods.ts';
import type { RpcError } from '../../transport/status.ts';
import { usageExitCode } from '../command.ts';
import { jsonLine, payloadFields, printable, textOf } from '../shell/message-text.ts';
import { type AdminFlags, print, withAdminClient, withAdminFlags } from './admin-flags.ts';

/** `meridian-sidecar bus state …`: the states that instances have saved. */
export function addStateCommand(bus: Command): void {
  const state = bus.command('state').description('show the saved states of a bus');
  withAdminFlags(state.command('show').description('show the state that an instance has saved'))
    .argument('<instance>', 'its INSTANCE_ID')
    .action((instance: string, flags: AdminFlags) => show(instance, flags));
}

function show(instance: string, flags: AdminFlags): Promise<void> {
  return withAdminClient(flags, async (client) => {
    const request = create(ShowStateRequestSchema, { instanceId: instance });
    const { revision, state } = await client.call(instanceMethods.showState, request, notStored);
    if (flags.json) return print(jsonLine({ instance, revision: `${revision}`, ...payloadFields(state) }));
    const text = textOf(state);
    const shown = text === undefined ? `base64:${Buffer.from(state).toString('base64')}` : printable(text);
    print(`revision ${revision}, ${state.length} bytes\n${shown}\n`);
  });
}

function notStored({ code, message }: RpcError): UserFacingError | undefined {
  if (code !== 'NOT_FOUND') return undefined;
  return new UserFacingError({
    id: 'state/show/not-found',
    found: message,
    next: ['List the registered instances with `meridian-sidecar bus instances`.'],
    exitCode: usageExitCode,
  });
}
