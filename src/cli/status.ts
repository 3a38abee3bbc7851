import { messageOf, UserFacingError } from '../base/user-facing-error.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import type { SidecarStatus } from '../sidecar/status-report.ts';
import { type HttpAnswer, httpGet } from '../transport/http-get.ts';
import type { AddCommand } from './command.ts';
import { ownHealthAddress } from './health-address.ts';

interface StatusFlags {
  readonly address?: string;
  readonly json: boolean;
}

const timeoutMs = 3_000;

/** `meridian-sidecar status`: what a running sidecar says of itself; exits 0 when it is healthy, 1 when it is not. */
export const addStatusCommand: AddCommand = (program) => {
  program
    .command('status')
    .description('show what a running sidecar is doing; exit 1 when it is not healthy')
    .option('-a, --address <host:port>', "the sidecar's health address (default: as the sidecar itself finds it)")
    .option('--json', 'print the whole status as JSON', false)
    .action(async (flags: StatusFlags) => {
      const address = flags.address ?? (await ownHealthAddress(process.env));
      const status = JSON.parse((await get(address, '/status')).body) as SidecarStatus;
      process.stdout.write(flags.json ? `${JSON.stringify(status)}\n` : render(status));
      process.exitCode = (await get(address, '/healthz')).status === 200 ? 0 : 1;
    });
};

async function get(address: string, path: string): Promise<HttpAnswer> {
  try {
    return await httpGet(`http://${address}${path}`, AbortSignal.timeout(timeoutMs));
  } catch (error) {
    throw new UserFacingError({
      id: 'status/sidecar/unreachable',
      found: `no sidecar answers at ${address}: ${messageOf(error)}`,
      next: [
        'Name the health address of a running sidecar with --address; its log line `health server listens` has it.',
      ],
      exitCode: exitCodes.busUnreachable,
    });
  }
}

function render(status: SidecarStatus): string {
  const { bus, plugin, grants } = status;
  const callbacks = plugin.takesCallbacks ? 'takes callbacks' : 'takes no callbacks';
  const rows: readonly (readonly [string, string])[] = [
    ['state', status.state],
    ['instance', `${status.instanceId} of ${status.poolType}, deployment ${status.deploymentId || 'unknown'}`],
    ['bus', `${bus.address} ${bus.isUp ? 'up' : 'away'}, epoch ${bus.epoch}`],
    ['plugin', plugin.isRegistered ? `registered, ${callbacks}` : 'not registered'],
    ['may publish', grants.publish.join(', ') || 'nothing'],
    ['may subscribe', grants.subscribe.join(', ') || 'nothing'],
    ...(grants.withheld.length > 0 ? [['withheld', grants.withheld.join(', ')] as const] : []),
    ['waiting', `${status.publishesWaiting} publishes`],
    ['subscriptions', `${status.subscriptions}`],
    ['messages', messagesOf(status)],
    ['version', status.version],
  ];
  return rows.map(([name, value]) => `${name.padEnd(14)} ${value}\n`).join('');
}

function messagesOf({ totals }: SidecarStatus): string {
  const { accepted, delivered, redelivered, lost } = totals;
  return `${accepted} accepted, ${delivered} delivered, ${redelivered} redelivered, ${lost} lost`;
}
