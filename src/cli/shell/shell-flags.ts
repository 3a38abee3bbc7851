import { hostname, userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { count } from '../../contract/config/settings/setting-value.ts';
import type { ShellIdentity } from './shell-errors.ts';

/** The flags of every command that speaks to the bus as an instance of its own. */
export interface ShellFlags {
  readonly bus?: string;
  readonly instance?: string;
  readonly pool: string;
  readonly json: boolean;
}

export function withShellFlags(command: Command): Command {
  return command
    .option(
      '--bus <address>',
      'address of the Bus API (default: SIDECAR_BUS_API_URL); the credential comes from the variables of a sidecar',
    )
    .option('--instance <id>', 'instance id, one that no plugin uses (default: shell-USER-HOST-PID)', instanceId)
    .option('--pool <type>', 'pool type', 'Shell')
    .option('--json', 'print JSON', false);
}

/** A parser of an option, for whole numbers from 1 to `max`. */
export function countUpTo(max: number): (text: string) => number {
  return (text) => {
    const parsed = count(text);
    if (parsed.ok && parsed.value <= max) return parsed.value;
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
  };
}

export function identityOf({ instance, pool }: ShellFlags): ShellIdentity {
  return { instanceId: instance ?? ownInstanceId(), poolType: pool };
}

function instanceId(text: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be 1 to 64 characters of A-Z a-z 0-9 _ -.');
}

/**
 * No two commands have the same id at once. A bus remembers every id that it has activated, so the ids of one machine repeat: its process
 * ids do.
 */
function ownInstanceId(): string {
  return `shell-${part(userName(), 16)}-${part(hostname(), 24)}-${process.pid}`;
}

function part(text: string, longest: number): string {
  return text.replaceAll(/[^A-Za-z0-9_-]+/g, '-').slice(0, longest) || 'unknown';
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // The user id has no entry in the system's list, as often in containers.
    return 'unknown';
  }
}
