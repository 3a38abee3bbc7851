import type { Log } from '../../base/log/log.ts';
import { isLoopback } from '../../base/loopback.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { type ListenAddress, listenAddress } from '../../contract/config/addresses.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import type { TlsFiles } from '../../transport/rpc.ts';
import { ConsolePages } from '../console/console-pages.ts';
import type { ConsoleRecorder } from '../console/console-recorder.ts';
import { type ConsoleFiles, type ConsoleServer, serveConsole } from '../console/console-server.ts';
import type { RunningBus } from '../serve-bus.ts';
import type { BusStore } from './bus-store.ts';

/** The bundler inserts the texts of `console/page` as JSON. Absent when the sources run unbundled, which then serve no page. */
declare const bundledConsole: string | undefined;

export interface BusConsoleSettings {
  /** `host:port` where the console is served; a port alone is on loopback. Absent: it is not served. */
  readonly console?: string;
  readonly policyFile: string | undefined;
}

export interface BusConsoleParts {
  readonly log: Log;
  readonly tls: TlsFiles | undefined;
  readonly store: BusStore;
  /** Absent without a console. */
  readonly recorder: ConsoleRecorder | undefined;
}

/** Serves the console of a bus. Undefined if none is wanted. @throws UserFacingError `bus/console/…` */
export async function openConsole(
  settings: BusConsoleSettings,
  { log, tls, store, recorder }: BusConsoleParts,
  { bus, requireAdmin }: RunningBus,
): Promise<ConsoleServer | undefined> {
  const { console: setting } = settings;
  if (setting === undefined || !recorder) return undefined;
  const address = consoleAddress(setting);
  const source = {
    ...{ bus, store: store.store, place: store.place, recorder },
    nowMs: () => realScheduler.nowMs(),
    wallTimeNs: () => realScheduler.wallTimeNs(),
  };
  const access = isLoopback(address.host ?? '') ? undefined : { tls: exposedTls(settings, tls), requireAdmin };
  const pages = new ConsolePages(source, { scheduler: realScheduler, log });
  const files = typeof bundledConsole === 'string' ? (JSON.parse(bundledConsole) as ConsoleFiles) : {};
  try {
    const server = await serveConsole({ ...address, files, pages, scheduler: realScheduler, access });
    log.info('the console is served', { url: urlOf(address, server.port, access !== undefined) });
    return server;
  } catch (error) {
    pages.close();
    throw cannotServe(setting, messageOf(error));
  }
}

/** @throws UserFacingError `bus/console/exposed` */
function exposedTls({ console: setting, policyFile }: BusConsoleSettings, tls: TlsFiles | undefined): TlsFiles {
  if (tls && policyFile !== undefined) return tls;
  throw new UserFacingError({
    id: 'bus/console/exposed',
    found: `the console is to be served on ${setting}, which others can reach, and the bus has no ${tls ? 'policy' : 'TLS'}`,
    expected: 'There it asks for the credential of an administrator, which needs a policy that names one, and TLS.',
    next: ['Give --policy, --tls-certificate and --tls-key, or serve it on loopback: --console 9465.'],
    exitCode: exitCodes.configuration,
  });
}

/** @throws UserFacingError `bus/console/address` */
function consoleAddress(setting: string): ListenAddress {
  const address = listenAddress(undefined)(/^\d+$/.test(setting) ? `127.0.0.1:${setting}` : setting);
  if (address.ok) return address.value;
  throw cannotServe(setting, `it must be ${address.expected}, or a port`);
}

function urlOf({ host }: ListenAddress, port: number, isSecure: boolean): string {
  const name = host?.includes(':') ? `[${host}]` : (host ?? '0.0.0.0');
  return `${isSecure ? 'https' : 'http'}://${name}:${port}/`;
}

function cannotServe(setting: string, reason: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/console/address',
    found: `the console cannot be served on ${setting}: ${reason}`,
    next: ['Stop the other program that listens there, or name another address: --console HOST:PORT.'],
    exitCode: exitCodes.busUnreachable,
  });
}
