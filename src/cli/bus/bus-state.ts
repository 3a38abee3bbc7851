import type { Command } from 'commander';
import { create } from '../../contract/wire/codec/message.ts';
import { ShowStateRequestSchema } from '../../contract/wire/gen/meridian/bus/v1/instances_pb.ts';
import { instanceMethods } from '../../contract/wire/methods.ts';
import { usageExitCode } from '../command.ts';
import { jsonLine, payloadFields, payloadText } from '../shell/message-text.ts';
import { notFound } from './admin-client.ts';
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
    print(`revision ${revision}, ${state.length} bytes\n${payloadText(state)}\n`);
  });
}

const notStored = notFound({
  id: 'state/show/not-found',
  next: ['List the registered instances with `meridian-sidecar bus instances`.'],
  exitCode: usageExitCode,
});
