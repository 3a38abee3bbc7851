import { isLoopback } from '../../base/loopback.ts';
import type { SettingParser } from './settings/setting.ts';
import { accepted, type Parsed, type Parser, rejected } from './settings/setting-value.ts';

/** Where one process of the bus listens. */
export interface BusApiPlace {
  readonly host: string;
  readonly port: number;
  /** `host:port`, an IPv6 host in brackets. */
  readonly address: string;
}

export interface BusApiAddress {
  /** At least one, each of them once. */
  readonly places: readonly BusApiPlace[];
  /** All of them, joined by commas. */
  readonly address: string;
  /** The scheme, `https://` or `http://`. Undefined if there is none. */
  readonly scheme: 'https' | 'http' | undefined;
}

const busApiPort = 8443;
const busApiPlacesMax = 16;
const busApiShape = '`host:port`, `https://host:port` or `http://host:port`, with no path and no credentials';
const busApiListShape = `${busApiShape}; or up to ${busApiPlacesMax} of them, joined by commas, with one scheme for all and each address once`;

/** Reads SIDECAR_BUS_API_URL. The default port is 8443. A rejection never repeats credentials. */
export const busApiAddress: Parser<BusApiAddress> = (raw) => {
  if (typeof raw !== 'string') return rejected('malformed', busApiShape);
  const written = raw.split(',', busApiPlacesMax + 1).map(busApiPlace);
  const expected = written.length === 1 ? busApiShape : busApiListShape;
  const read = written.filter((each) => each !== undefined);
  const schemes = new Set(read.map(({ scheme }) => scheme));
  const addresses = new Set(read.map(({ place }) => place.address));
  const isList = written.length <= busApiPlacesMax && schemes.size === 1 && addresses.size === written.length;
  if (!isList) return rejected('malformed', expected);
  const [scheme] = schemes;
  return accepted({ places: read.map(({ place }) => place), address: [...addresses].join(','), scheme });
};

function busApiPlace(
  written: string,
): { readonly place: BusApiPlace; readonly scheme: BusApiAddress['scheme'] } | undefined {
  const match = /^(?:(https?):\/\/)?([^/?#@\s]+?)(?::(\d{1,5}))?\/?$/.exec(written.trim());
  const host = hostOf(match?.[2] ?? '');
  const port = match?.[3] === undefined ? busApiPort : Number(match[3]);
  if (!match || host === undefined || port < 1 || port > 65_535) return undefined;
  const scheme = match[1] === 'https' || match[1] === 'http' ? match[1] : undefined;
  return { place: { host, port, address: formatAddress(host, port) }, scheme };
}

/** Reads SIDECAR_ADDR as `host:port`. Only loopback is accepted, since every client of the port counts as the plugin. */
export const loopbackAddress: Parser<string> = (raw) => {
  const parsed = splitListenAddress(raw);
  if (!parsed.ok) return parsed;
  const host = parsed.value.host === 'localhost' ? '127.0.0.1' : parsed.value.host;
  return host !== undefined && isLoopback(host)
    ? accepted(formatAddress(host, parsed.value.port))
    : rejected('not-loopback', 'a loopback address such as `127.0.0.1:9191`');
};

export interface ListenAddress {
  /** Undefined: every interface. */
  readonly host: string | undefined;
  readonly port: number;
}

/** Reads `host:port` or `:port`, where `$PORT` or `${PORT}` stands for the platform's port. */
export function listenAddress(platformPort: string | undefined): Parser<ListenAddress> {
  return (raw) => {
    if (typeof raw !== 'string') return splitListenAddress(raw);
    const expanded = raw.replaceAll(/\$(?:PORT\b|\{PORT\})/g, platformPort ?? '');
    return expanded !== raw && platformPort === undefined
      ? rejected('port-unset', 'an address without `$PORT`, since PORT is not set here')
      : splitListenAddress(expanded);
  };
}

/** Reads an address to listen at, with the PORT of the environment. */
export const ownListenAddress: SettingParser<ListenAddress> = (raw, { platformPort }) =>
  listenAddress(platformPort)(raw);

/** The `host:port` by which this machine reaches the listener. A listener on every interface is reached on loopback. */
export function ownAddress({ host, port }: ListenAddress): string {
  if (host === undefined || host === '0.0.0.0') return `127.0.0.1:${port}`;
  return formatAddress(host === '::' ? '::1' : host, port);
}

function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function splitListenAddress(raw: unknown): Parsed<ListenAddress> {
  const expected = '`host:port` or `:port`, with a port up to 65535';
  const match = /^(.*):(\d{1,5})$/.exec(typeof raw === 'string' ? raw.trim() : '');
  if (!match || Number(match[2]) > 65_535) return rejected('malformed', expected);
  const host = match[1] === '' ? undefined : hostOf(match[1] ?? '');
  if (host === undefined && match[1] !== '') return rejected('malformed', expected);
  return accepted({ host, port: Number(match[2]) });
}

function hostOf(written: string): string | undefined {
  const bracketed = /^\[([0-9A-Fa-f:.]+)\]$/.exec(written)?.[1];
  if (bracketed !== undefined) return bracketed;
  return /^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(written) ? written : undefined;
}
