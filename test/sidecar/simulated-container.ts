import type { DeliveredMessage } from '../../src/plugin/message.ts';
import type { Plugin } from '../../src/plugin/plugin.ts';
import type { Sidecar } from '../../src/sidecar/sidecar.ts';
import { MortalNetwork } from '../../src/simulation/network/mortal-network.ts';
import type { SimulatedWorld } from './simulated-world.ts';

/** A started sidecar with its connected plugin; both can be killed, and the sidecar cut off from the bus. */
export interface Container {
  readonly sidecar: Sidecar;
  readonly address: string;
  readonly plugin: Plugin;
  readonly sidecarNetwork: MortalNetwork;
  killSidecar(): void;
  killPlugin(): void;
}

export async function startContainer(world: SimulatedWorld, instanceId: string): Promise<Container> {
  const sidecarNetwork = new MortalNetwork(world.network);
  const pluginNetwork = new MortalNetwork(world.network);
  const { sidecar, address } = world.createSidecar({ INSTANCE_ID: instanceId }, sidecarNetwork);
  await sidecar.start();
  const plugin = await world.connectPlugin(address, pluginNetwork);
  return {
    sidecar,
    address,
    plugin,
    sidecarNetwork,
    killSidecar: () => sidecarNetwork.kill(),
    killPlugin: () => pluginNetwork.kill(),
  };
}

/** Subscribes to `demo.*` under one name, and returns what has arrived so far, as texts with what is special about them. */
export async function collect(plugin: Plugin, name = 'all'): Promise<string[]> {
  const received: string[] = [];
  await plugin.subscribe('demo.*', { name }, (message) => {
    received.push(described(message));
  });
  return received;
}

export function described({ payload, maybeRedelivered }: DeliveredMessage): string {
  return `${textOf(payload)}${maybeRedelivered ? ' again?' : ''}`;
}

export function textOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString();
}

export function publishText(plugin: Plugin, text: string) {
  return plugin.publish('demo.ticks', Buffer.from(text));
}
