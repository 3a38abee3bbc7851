import type { DeliveredMessage } from '../../src/plugin/message.ts';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { type Program, type RunningProgram, runCli, spawnSidecar, writeTemporary } from '../sidecar/processes.ts';

/** What plugins hear has to be approved. */
const policy = `
deployment: upgrade
admins: [anonymous]
rules:
  - { principals: ['*'], instances: ['oms-*'], pools: [OMSPool], publish: [platform.oms.**] }
  - { principals: ['*'], instances: ['oms-*'], pools: [OMSPool], subscribe: [platform.oms.**], approval: manual }
`;

const grants = ['publish', 'subscribe'].map((action) => ({ topic: 'platform.oms.**', action }));

/** The file is kept for years, and so are the things in it that otherwise have an end. */
const forEver = '9999999h';
const endless = ['--subscription-idle', forEver, '--subscription-idle-max', forEver, '--dedup-window', forEver];

export const state = '{"starts":1}';
export const published = 10;
export const acknowledged = 4;
const orderKey = (number: number): string => `order-${number}`;

export async function startBusOn(file: string): Promise<RunningProgram> {
  const policyFile = writeTemporary('policy.yml', policy);
  const program = runCli('bus', '--listen', '127.0.0.1:0', '--policy', policyFile, '--store', file, ...endless);
  const [, address = ''] = await program.seen(/bus listens address=(\S+)/);
  return { program, address };
}

/** Starts a sidecar with its plugin. `isNew`: it has to wait for the approval of its grants, which it gets. */
export async function startPlugin(
  bus: string,
  instanceId: string,
  isNew = false,
): Promise<{ sidecar: Program; plugin: Plugin }> {
  const sidecar = spawnSidecar(bus, { INSTANCE_ID: instanceId, REQUESTED_GRANTS: JSON.stringify(grants) });
  if (isNew) {
    await sidecar.seen(/grants approve/);
    await runCli('bus', 'grants', 'approve', instanceId, '--all', '--bus', bus).exited;
  }
  const [, address = ''] = await sidecar.seen(/plugin port listens address=(\S+)/);
  await sidecar.seen(/startup 8\/8/);
  return { sidecar, plugin: await connectPlugin(address) };
}

export const publishOrder = (plugin: Plugin, number: number) =>
  plugin.publish('platform.oms.orders', Buffer.from(`${number}`), { dedupKey: orderKey(number) });

export const textOf = ({ payload }: DeliveredMessage): string => Buffer.from(payload).toString();
