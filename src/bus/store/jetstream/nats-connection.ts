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
      ...(tls && { tls }),
    });
  } catch (error) {
    throw natsUnreachable(servers, error);
  }
}

function authenticatorsOf({ credentials, nkey }: NatsPlace): Authenticator[] {
  return [...(credentials ? [credsAuthenticator(credentials)] : []), ...(nkey ? [nkeyAuthenticator(nkey)] : [])];
}
