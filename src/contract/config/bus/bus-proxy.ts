import { accepted, type Parser, rejected } from '../settings/setting-value.ts';
import { Secret } from './secret.ts';

/** The HTTP proxy for connections to the bus. */
export interface BusProxy {
  readonly host: string;
  readonly port: number;
  /** `host:port`, an IPv6 host in brackets. */
  readonly address: string;
  /** `user:password`. Undefined: the proxy needs none. */
  readonly credentials: Secret | undefined;
}

const shape = '`http://host:port` or `http://user:password@host:port`, with no path';

/** Reads SIDECAR_BUS_PROXY. The default port is 80. A rejection never repeats the value. */
export const busProxy: Parser<BusProxy> = (raw) => {
  const url = typeof raw === 'string' ? URL.parse(raw.trim()) : null;
  if (url?.protocol !== 'http:') return rejected('malformed', shape);
  const credentials = credentialsOf(url);
  const port = url.port === '' ? 80 : Number(url.port);
  if (credentials === null || port < 1 || url.pathname !== '/' || `${url.search}${url.hash}` !== '') {
    return rejected('malformed', shape);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return accepted({ host, port, address: `${url.hostname}:${port}`, credentials });
};

/** Null if they cannot be sent. A user name must not contain a colon: https://www.rfc-editor.org/rfc/rfc7617#section-2 */
function credentialsOf({ username, password }: URL): Secret | undefined | null {
  if (username === '' && password === '') return undefined;
  try {
    const user = decodeURIComponent(username);
    return user.includes(':') ? null : new Secret(`${user}:${decodeURIComponent(password)}`);
  } catch {
    return null;
  }
}
