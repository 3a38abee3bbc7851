import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
} from '@nats-io/transport-node';
import { natsUnreachable } from './nats-fault.ts';

/** How to reach NATS. Secrets are texts here, and are never printed. */
export interface NatsPlace {
  /** `host:port` of each server. */
  readonly servers: readonly string[];
  /** The text of a credentials file. */
  readonly credentials?: Uint8Array;
  /** The seed of an nkey. */
  readonly nkey?: Uint8Array;
  readonly user?: string;
  readonly password?: string;
  /** Present: the connection uses TLS. Texts in PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

const connectTimeoutMs = 5_000;
/** By default the library notices a stopped server after minutes. */
const pings = { pingInterval: 2_000, maxPingOut: 2 } as const;

/** A connection that reconnects for as long as it is open. @throws UserFacingError */
export async function connectToNats(place: NatsPlace): Promise<NatsConnection> {
  const { servers, user, password, tls } = place;
  // The library's own type lacks the check, which it passes on to Node.
  const secured = tls && { ...tls, checkServerIdentity: identityCheck(servers) };
  try {
    return await connect({
      servers: [...servers],
      name: 'meridian-bus',
      timeout: connectTimeoutMs,
      ...pings,
      maxReconnectAttempts: -1,
      authenticator: authenticatorsOf(place),
      ...(user !== undefined && { user }),
      ...(password !== undefined && { pass: password }),
      ...(secured && { tls: secured }),
    });
  } catch (error) {
    throw natsUnreachable(place, error);
  }
}

/**
 * Of a server that is named by its address the library tells Node no host, and Node then assumes localhost. So the certificate must be for
 * one of the addresses.
 */
function identityCheck(servers: readonly string[]): typeof checkServerIdentity {
  const addresses = servers.map((server) => server.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')).filter(isIP);
  return (host, certificate) => {
    const names = host === 'localhost' ? [host, ...addresses] : [host];
    const faults = names.map((name) => checkServerIdentity(name, certificate));
    return faults.includes(undefined) ? undefined : faults.at(-1);
  };
}

function authenticatorsOf({ credentials, nkey }: NatsPlace): Authenticator[] {
  return [...(credentials ? [credsAuthenticator(credentials)] : []), ...(nkey ? [nkeyAuthenticator(nkey)] : [])];
}
