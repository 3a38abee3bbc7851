import { spawn } from 'node:child_process';
import path from 'node:path';
import { ownLoopback } from '../../sidecar/own-loopback.ts';
import { type Program, runCli, runCliWith, writeTemporary } from '../../sidecar/processes.ts';

const policyText = `
deployment: test-deployment
rules:
  - principals: ['*']
    instances: ['shell-*']
    pools: [Shell]
    publish: [platform.**]
    subscribe: [platform.**]
  - principals: ['*']
    instances: ['shell-*']
    pools: [Shell]
    publish: [manual.*]
    approval: manual
  - principals: ['*']
    instances: ['oms-1']
    pools: [OMSPool]
    publish: [platform.**]
    subscribe: [platform.**]
admins: ['*']
`;

/** A bus that lets shells and one plugin use `platform.**`; `shell` runs a command at it. */
export async function startShellBus(...more: readonly string[]): Promise<{
  readonly address: string;
  readonly bus: Program;
  readonly shell: (...args: readonly string[]) => Program;
}> {
  const policy = writeTemporary('policy.yml', policyText);
  const bus = runCli('bus', '--listen', `${ownLoopback}:0`, '--policy', policy, '--store', 'memory', ...more);
  const [, address = ''] = await bus.seen(/bus listens address=(\S+)/);
  return { address, bus, shell: (...args) => runCliWith({ SIDECAR_BUS_API_URL: address }, ...args) };
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a command with this on its stdin, and resolves when it has ended. */
export async function withStdin(address: string, input: Uint8Array, ...args: readonly string[]): Promise<Ended> {
  const cli = path.resolve(import.meta.dirname, '../../../dist/cli.mjs');
  const child = spawn(process.execPath, [cli, ...args], { env: { SIDECAR_BUS_API_URL: address } });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  // It stops reading at the limit.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout: Buffer.concat(stdout), stderr };
}
