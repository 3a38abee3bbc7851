import { messageOf } from '../../base/user-facing-error.ts';
import { ownAddress } from '../../contract/config/addresses.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import type { SidecarConfig } from '../../contract/config/sidecar-config.ts';
import { errorOf, type Finding, warningOf } from '../finding.ts';
import type { Endpoint, NetworkProbes } from './probes.ts';

export interface ExaminedSidecar {
  readonly notes: readonly string[];
  readonly findings: readonly Finding[];
}

/** The parts of the sidecar's status that the doctor examines. */
interface Status {
  readonly state: string;
  readonly instanceId: string;
  readonly plugin?: { readonly isRegistered?: boolean };
  readonly grants?: { readonly withheld?: readonly string[] };
}

type Own = Pick<SidecarConfig, 'statusAddress' | 'pluginAddress'>;

/** Asks the sidecar of this container for its status, and whether its plugin could connect. */
export async function examineSidecar(config: Own, network: NetworkProbes): Promise<ExaminedSidecar> {
  const address = ownAddress(config.statusAddress);
  const isOpen = await network.connect(endpointOf(config.pluginAddress)).then(
    () => true,
    () => false,
  );
  let status: Status;
  try {
    status = JSON.parse(await network.get(address, '/status')) as Status;
    if (typeof status.state !== 'string') throw new Error('the answer is not the status of a sidecar');
  } catch (error) {
    const taken = isOpen ? [portTaken(config.pluginAddress)] : [];
    return { notes: [], findings: [silent(address, messageOf(error)), ...taken] };
  }
  const { state, instanceId } = status;
  const notes = [`The sidecar of ${instanceId} answers at ${address}; it is ${state}.`];
  if (isOpen) notes.push(`Plugins can connect to ${config.pluginAddress}.`);
  return { notes, findings: [...findingsOf(status), ...(isOpen || isStarting(state) ? [] : [portClosed(config)])] };
}

function endpointOf(address: string): Endpoint {
  const at = address.lastIndexOf(':');
  return { address, host: address.slice(0, at).replaceAll(/[[\]]/g, ''), port: Number(address.slice(at + 1)) };
}

function isStarting(state: string): boolean {
  return ['STARTING', 'REGISTERING', 'RECOVERING'].includes(state);
}

function findingsOf({ state, plugin, grants }: Status): Finding[] {
  const withheld = grants?.withheld ?? [];
  return [
    ...(isStarting(state) ? [starting(state)] : []),
    ...(state === 'FAULTED' ? [faulted()] : []),
    ...(state === 'DEGRADED' ? [busAway()] : []),
    ...(state === 'STANDBY' ? [standsBy()] : []),
    ...(state === 'READY' && plugin?.isRegistered === false ? [noPlugin()] : []),
    ...(withheld.length > 0 ? [withheldGrants(withheld)] : []),
  ];
}

const seeLog = 'Read why in its log: `cf logs APP --recent`, the lines of APP/PROC/WEB/SIDECAR/MERIDIAN-SIDECAR.';

function silent(address: string, reason: string): Finding {
  return errorOf({
    id: 'doctor/sidecar/silent',
    found: `No sidecar answers at ${address}: ${reason}`,
    next: [
      seeLog,
      'Only the processes that SIDECAR_FOR names at staging have one: `web`, unless it says otherwise.',
      'A droplet that was pushed with `cf push --droplet` has no sidecar unless its manifest declares one.',
    ],
    exitCode: exitCodes.busUnreachable,
  });
}

function portTaken(address: string): Finding {
  return errorOf({
    id: 'doctor/plugin-port/taken',
    found: `Something listens at ${address}, and it does not look like the sidecar`,
    expected: 'The sidecar accepts its plugin there.',
    next: ['Stop it, or set SIDECAR_ADDR to another loopback port, for the plugin and the sidecar alike.'],
    exitCode: exitCodes.pluginPort,
  });
}

function portClosed({ pluginAddress }: Own): Finding {
  return errorOf({
    id: 'doctor/plugin-port/closed',
    found: `The sidecar runs, and nothing listens at ${pluginAddress}`,
    expected: 'Plugins are accepted there once the sidecar has started.',
    next: ['Compare SIDECAR_ADDR here with the line `plugin port listens` in the log of the sidecar.'],
    exitCode: exitCodes.pluginPort,
  });
}

function starting(state: string): Finding {
  return warningOf({
    id: 'doctor/sidecar/starting',
    found: `The sidecar is still ${state}`,
    expected: 'It accepts its plugin after the last of its eight steps.',
    next: [`${seeLog} It logs each step as \`startup n/8\`, and what it waits for.`],
  });
}

function faulted(): Finding {
  return errorOf({
    id: 'doctor/sidecar/faulted',
    found: 'The sidecar is FAULTED: the plugin missed its health checks',
    next: ['See the log of the plugin for why it does not answer.'],
    exitCode: exitCodes.pluginFaulted,
  });
}

function busAway(): Finding {
  return warningOf({
    id: 'doctor/sidecar/bus-away',
    found: 'The sidecar is DEGRADED: the bus is away or has not activated this instance, and the sidecar tries again',
    next: [seeLog],
  });
}

function standsBy(): Finding {
  return warningOf({
    id: 'doctor/sidecar/standby',
    found: 'The sidecar stands by: a newer sidecar of the same instance id works in its place',
    next: ['If no deployment is in progress, give every instance an INSTANCE_ID of its own.'],
  });
}

function noPlugin(): Finding {
  return warningOf({
    id: 'doctor/plugin/absent',
    found: 'No plugin has registered with the sidecar',
    next: ['Let the plugin connect to the address in SIDECAR_ADDR; its own log says what it tries.'],
  });
}

function withheldGrants(withheld: readonly string[]): Finding {
  return warningOf({
    id: 'doctor/grants/withheld',
    found: `The bus does not give what REQUESTED_GRANTS asks for: ${withheld.join(', ')}`,
    next: ['Ask only for what the policy allows, or ask the operator of the bus to allow or approve it.'],
  });
}
