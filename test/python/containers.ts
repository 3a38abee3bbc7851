import path from 'node:path';
import { ownLoopback } from '../sidecar/own-loopback.ts';
import { Program, type RunningSidecar, runCli, startSidecar } from '../sidecar/processes.ts';
import { pluginDir } from './stubs.ts';
import { pythonFile } from './virtual-environment.ts';

const policyFile = path.resolve(import.meta.dirname, '../../fixtures/demo/policy.yml');

/** Starts a bus with the demo's policy and waits until it listens. */
export async function startDemoBus(listen = `${ownLoopback}:0`): Promise<{ program: Program; address: string }> {
  const program = runCli('bus', '--listen', listen, '--policy', policyFile, '--store', 'memory');
  const [, address = ''] = await program.seen(/bus listens address=(\S+)/);
  return { program, address };
}

/** Starts the sidecar of a demo plugin; `environment` may say which instance. */
export function startDemoSidecar(bus: string, environment: Record<string, string> = {}): Promise<RunningSidecar> {
  return startSidecar(bus, { INSTANCE_ID: 'py-1', POOL_TYPE: 'SignalPool', ...environment });
}

/** Starts plugin.py as the platform does. */
export function startPlugin(sidecar: string, environment: Record<string, string> = {}): Program {
  return runPython([path.join(pluginDir, 'plugin.py')], { SIDECAR_ADDR: sidecar, ...environment });
}

/** Runs Python with the plugin's packages. */
export function runPython(args: readonly string[], environment: Record<string, string> = {}): Program {
  return new Program(args, { PYTHONDONTWRITEBYTECODE: '1', ...environment }, pythonFile);
}
