import { wrappedRows } from '../base/output/terminal-table.ts';
import { messageOf, UserFacingError } from '../base/user-facing-error.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { isPassing, statusPath } from '../sidecar/health/health-report.ts';
import type { SidecarStatus } from '../sidecar/health/status-report.ts';
import { type HttpAnswer, httpGet } from '../transport/http/http-get.ts';
import type { AddCommand } from './command.ts';
import { ownAddresses } from './own-addresses.ts';

interface StatusFlags {
  readonly address?: string;
  readonly json: boolean;
}

const timeoutMs = 3_000;

/** `meridian-sidecar status`: the status of a running sidecar; exits 0 when it is healthy, 1 when it is not. */
export const addStatusCommand: AddCommand = (program) => {
  program
    .command('status')
    .description('show what a running sidecar is doing; exit 1 when it is not healthy')
    .option('-a, --address <host:port>', "the sidecar's status address (default: as the sidecar itself finds it)")
    .option('--json', 'print the whole status as JSON', false)
    .action(async (flags: StatusFlags) => {
      const address = flags.address ?? (await ownAddresses(process.env)).status;
      const status = await askStatus(address);
      process.stdout.write(flags.json ? `${JSON.stringify(status)}\n` : render(status));
      process.exitCode = isPassing('/healthz', status.state) ? 0 : 1;
    });
};

async function askStatus(address: string): Promise<SidecarStatus> {
  let reply: HttpAnswer;
  try {
    reply = await httpGet(`http://${address}${statusPath}`, AbortSignal.timeout(timeoutMs));
  } catch (error) {
    throw new UserFacingError({
      id: 'status/sidecar/unreachable',
      found: `no sidecar answers at ${address}: ${messageOf(error)}`,
      next: [nameIt],
      exitCode: exitCodes.busUnreachable,
    });
  }
  const status = reply.status === 200 ? readStatus(reply.body) : undefined;
  if (status) return status;
  throw new UserFacingError({
    id: 'status/sidecar/no-status',
    found: `${address} answers ${statusPath} with ${reply.status} which is not the status of a sidecar`,
    expected: "The platform's port serves probes alone; the status has an address of its own, SIDECAR_STATUS_ADDR.",
    next: [nameIt],
    exitCode: exitCodes.busUnreachable,
  });
}

const nameIt =
  'Name the status address of a running sidecar with --address; its log line `status server listens`, or `health server listens` when that is the only one, has the port.';

/** Undefined: another program listens there. */
function readStatus(body: string): SidecarStatus | undefined {
  try {
    const status = JSON.parse(body) as Partial<SidecarStatus>;
    const { state, bus, plugin, grants, totals } = status;
    return state && bus && plugin && grants && totals ? (status as SidecarStatus) : undefined;
  } catch {
    return undefined;
  }
}

function render(status: SidecarStatus): string {
  const { bus, plugin, grants } = status;
  const callbacks = plugin.takesCallbacks ? 'takes callbacks' : 'takes no callbacks';
  const others =
    plugin.secondRegistrations > 0 ? '; WARNING: a second plugin has registered, and speaks as this one' : '';
  const rows: readonly (readonly [string, string])[] = [
    ['state', status.state],
    ['instance', `${status.instanceId} of ${status.poolType}, deployment ${status.deploymentId || 'unknown'}`],
    ['bus', `${bus.address} ${bus.isUp ? 'up' : 'away'}, epoch ${bus.epoch}`],
    ['plugin', plugin.isRegistered ? `registered, ${callbacks}${others}` : 'not registered'],
    ['may publish', grants.publish.join(', ') || 'nothing'],
    ['may subscribe', grants.subscribe.join(', ') || 'nothing'],
    ...(grants.withheld.length > 0 ? [['withheld', grants.withheld.join(', ')] as const] : []),
    ['waiting', `${status.publishesWaiting} publishes`],
    ['subscriptions', `${status.subscriptions}`],
    ['messages', messagesOf(status)],
    ['version', status.version],
  ];
  return `${wrappedRows(rows, process.stdout.columns).join('\n')}\n`;
}

function messagesOf({ totals }: SidecarStatus): string {
  const { accepted, delivered, redelivered, lost } = totals;
  return `${accepted} accepted, ${delivered} delivered, ${redelivered} redelivered, ${lost} lost`;
}
