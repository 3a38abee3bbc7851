import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ownLoopback } from '../sidecar/own-loopback.ts';
import { type Program, type RunningProgram, runCli, runCliWith, writeTemporary } from '../sidecar/processes.ts';

export const tokens = { ops: 'tok-ops-7f3a', dev: 'tok-dev-91bc' } as const;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const head = `
deployment: grants
tokens: { ${sha256(tokens.ops)}: ops, ${sha256(tokens.dev)}: dev }
`;
const oms = "principals: ['*'], instances: ['oms-*'], pools: [OMSPool]";

/** What OMS plugins publish is given at once; what they hear has to be approved. */
export const manualSubscribe = `${head}
admins: [ops]
rules:
  - { ${oms}, publish: [platform.oms.**] }
  - { ${oms}, subscribe: [platform.data.*, platform.news], approval: manual }
  - { principals: ['*'], instances: ['dgm-*'], pools: [DGMPool], publish: [platform.data.*] }
`;

/** OMS plugins may hear, ask and be asked on `platform.oms.**` at once. */
export const automatic = (more = '', rest = '[platform.oms.**]'): string => `${head}
admins: [ops]
rules:
  - { ${oms}, publish: ${rest}, subscribe: ${rest} }
${more}`;

/** A policy that only knows other instances. */
export const withoutOms = `${head}
rules:
  - { principals: ['*'], instances: ['dgm-*'], pools: [DGMPool], publish: [platform.data.*] }
`;

export const withoutAdmins = manualSubscribe.replace('admins: [ops]', '');

export interface GrantsBus extends RunningProgram {
  /** The policy file, which may be replaced with `editPolicy`. */
  readonly policy: string;
  readonly store: string;
}

/** Starts a bus with a store that outlives it; `earlier` names what one before has left. */
export async function startGrantsBus(
  text: string,
  earlier?: GrantsBus,
  more: readonly string[] = [],
): Promise<GrantsBus> {
  const policy = earlier?.policy ?? writeTemporary('policy.yml', text);
  const store = earlier?.store ?? path.join(path.dirname(policy), 'bus.sqlite');
  const listen = earlier?.address ?? `${ownLoopback}:0`;
  const program = runCli('bus', '--listen', listen, '--policy', policy, '--store', store, ...more);
  const [, address = ''] = await program.seen(/bus listens address=(\S+)/);
  return { program, address, policy, store };
}

/** Replaces the policy in one move, as careful tools do. */
export function editPolicy({ policy }: GrantsBus, text: string): void {
  writeFileSync(`${policy}.new`, text);
  renameSync(`${policy}.new`, policy);
}

type Ended = Promise<{ readonly exitCode: unknown; readonly stdout: string; readonly stderr: string }>;
type Caller = keyof typeof tokens | 'nobody';

/** Runs `bus grants …` to its end, with the token of a principal. */
export function grants(bus: RunningProgram, args: readonly string[], principal: Caller = 'ops'): Ended {
  return administer(bus, ['grants', ...args], principal);
}

/** Runs `bus …` to its end, with the token of a principal. */
export async function administer(bus: RunningProgram, args: readonly string[], principal: Caller = 'ops'): Ended {
  const token: Record<string, string> = principal === 'nobody' ? {} : { SIDECAR_BUS_TOKEN: tokens[principal] };
  const program: Program = runCliWith({ SIDECAR_BUS_API_URL: bus.address, ...token }, 'bus', ...args);
  const exitCode = await program.exited;
  return { exitCode, stdout: program.stdout, stderr: program.stderr };
}

/** The commands in a text, each as arguments after `bus grants`. */
export function commandsIn(text: string): string[][] {
  return [...text.matchAll(/meridian-sidecar bus grants (.*?)(?= && |$)/gm)].map(([, rest = '']) =>
    rest.split(' ').map((word) => word.replaceAll("'", '')),
  );
}
