import { createHash } from 'node:crypto';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { nodePlugin, sidecarImage } from '../../compose/engine/images.ts';
import { Cluster } from './cluster.ts';
import { engine } from './engine.ts';
import { type Manifests, readManifests } from './manifests.ts';

const manifests: Manifests = readManifests('bus.yaml', 'plugin.yaml');

/** The token of the example's Secret. */
const token = manifests.data.get('secret quotes')?.['bus-token'] ?? '';

/** A plugin that takes its time, in the place of the manifest's. */
const slowPlugin = 'meridian-test/kubernetes-quotes';

/** The manifests with the slow plugin, or that image of one, until the tests of a file are over. */
export async function applyManifests(name: string, plugin = slowPlugin): Promise<Cluster> {
  if (plugin === slowPlugin) await buildSlowPlugin();
  return Cluster.apply(name, manifests, {
    [`registry.example/${sidecarImage}`]: sidecarImage,
    'registry.example/quotes:1.0.0': plugin,
  });
}

async function buildSlowPlugin(): Promise<void> {
  const context = path.join(import.meta.dirname, 'quotes');
  await engine('build', '--quiet', '--tag', slowPlugin, '--build-arg', `BASE=${nodePlugin}`, context);
}

/** Publishes from the shell, as `kubectl exec` in the pod of the bus does. */
export async function order(cluster: Cluster, ...orders: string[]): Promise<void> {
  for (const each of orders) {
    const options = '--bus 127.0.0.1:8443 --instance quotes-desk --pool SignalPool';
    const command = `SIDECAR_BUS_TOKEN=${token} meridian-sidecar pub demo.orders '${each}' ${options}`;
    await cluster.exec('meridian-bus-0', 'bus', 'sh', '-c', command);
  }
}

/** The token of an administrator whom `addOperator` adds. */
export const operatorToken = 'token-of-an-operator';

/** Edits the policy in the ConfigMap of the bus: a token and an administrator more. */
export function addOperator(cluster: Cluster): void {
  const policy = parse(manifests.data.get('configMap meridian-bus')?.['policy.yml'] ?? '');
  policy.tokens[createHash('sha256').update(operatorToken).digest('hex')] = 'operator';
  cluster.change('configMap meridian-bus', { 'policy.yml': stringify({ ...policy, admins: ['operator'] }) });
}

/** Who is registered, as the bus says. */
export async function instancesOf(cluster: Cluster): Promise<string[]> {
  const command = `SIDECAR_BUS_TOKEN=${operatorToken} meridian-sidecar bus instances --bus 127.0.0.1:8443 --json`;
  const text = await cluster.exec('meridian-bus-0', 'bus', 'sh', '-c', command);
  return (JSON.parse(text) as { instance: string; phase: string }[]).map(
    ({ instance, phase }) => `${instance} ${phase}`,
  );
}
