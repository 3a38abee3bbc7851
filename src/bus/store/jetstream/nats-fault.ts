import { messageOf, UserFacingError } from '../../../base/user-facing-error.ts';
import { exitCodes } from '../../../contract/config/exit-codes.ts';

/** The first release with atomic batches: https://github.com/nats-io/nats-architecture-and-design, ADR-50. */
export const oldestServer = [2, 12] as const;

/** An error that JetStream's API answered with. */
export class JetStreamError extends Error {
  override readonly name = 'JetStreamError';
  readonly code: number;
  /** As in HTTP. */
  readonly status: number;

  constructor({ code, status, description }: { code: number; status: number; description: string }) {
    super(`${description} (${code})`);
    this.code = code;
    this.status = status;
  }
}

/** JetStream's codes: https://github.com/nats-io/nats-server/blob/main/server/errors.json. */
export const jetStreamCodes = {
  notNow: 10_008,
  tooFewServers: 10_005,
  notClustered: 10_074,
  notEnabled: 10_076,
  notEnabledForAccount: 10_039,
  streamNotFound: 10_059,
  wrongLastSequence: 10_071,
  lastSequenceUnknown: 10_164,
  batchIncomplete: 10_176,
  tooManyBatches: 10_210,
} as const;

const checkServers = 'Check that the servers of --store run, and that this machine reaches them.';

const nameCertificate =
  'If they ask for a client certificate, name one with --store-tls-certificate and --store-tls-key.';

/** The text of any error names no secret: the library puts none in. */
export function natsUnreachable(
  { servers, tls }: { readonly servers: readonly string[]; readonly tls?: { readonly cert?: string } },
  error: unknown,
): UserFacingError {
  const reason = messageOf(error);
  if (/authorization|authentication|credential|nkey|seed/i.test(reason)) {
    return new UserFacingError({
      id: 'bus/store/nats-refused',
      found: `the NATS servers ${servers.join(', ')} refused the bus: ${reason}`,
      next: ['Name valid credentials with --store-credentials, --store-nkey, or --store-user.'],
      exitCode: exitCodes.unresolved,
    });
  }
  return new UserFacingError({
    id: 'bus/store/nats-unreachable',
    found: `the bus cannot reach NATS at ${servers.join(', ')}: ${reason}`,
    // A server that misses a client certificate just closes the connection.
    next: [checkServers, ...(tls && tls.cert === undefined ? [nameCertificate] : [])],
    exitCode: exitCodes.unresolved,
  });
}

/** The server is older than what the store needs. */
export function oldServer(version: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/nats-version',
    found: `the NATS server is version ${version}`,
    expected: `The store needs atomic batches, which servers have from ${oldestServer.join('.')} on.`,
    next: ['Upgrade the NATS servers.'],
    exitCode: exitCodes.unresolved,
  });
}

/** The server's `max_payload` does not allow what the store writes. */
export function smallPayload({ found, wanted }: { found: number; wanted: number }): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/nats-payload',
    found: `the NATS server takes messages of up to ${found} bytes`,
    expected: `The store writes up to ${wanted} bytes at once.`,
    next: ['Set max_payload to 2MB in the configuration of the NATS servers.'],
    exitCode: exitCodes.unresolved,
  });
}

/** The server's own text names the subject. Undefined: the error is another one. */
export function permissionFault(error: unknown): UserFacingError | undefined {
  return /permissions violation/i.test(messageOf(error)) ? notPermitted(messageOf(error)) : undefined;
}

/** What NATS does not permit, in its own words or in ours. */
export function notPermitted(what: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/nats-permission',
    found: `NATS does not permit its user what the bus needs: ${what}`,
    next: ['Give this user the permissions that docs/bus.md lists under "NATS JetStream".'],
    exitCode: exitCodes.unresolved,
  });
}

/** Why the stream cannot be made or looked at. */
export function streamFault(stream: string, error: unknown): UserFacingError {
  const code = error instanceof JetStreamError ? error.code : undefined;
  const { notEnabled, notEnabledForAccount, tooFewServers, notClustered } = jetStreamCodes;
  const denied = permissionFault(error);
  if (denied) return denied;
  // Where JetStream is off, nobody listens on the subjects of its API.
  const isUnheard = /^no responders/.test(messageOf(error));
  if (isUnheard || code === notEnabled || code === notEnabledForAccount) {
    return new UserFacingError({
      id: 'bus/store/jetstream-off',
      found: 'the NATS server has JetStream switched off, for all or for this account',
      next: ['Switch JetStream on in the configuration of the servers.'],
      exitCode: exitCodes.unresolved,
    });
  }
  if (code === tooFewServers || code === notClustered) {
    return new UserFacingError({
      id: 'bus/store/too-few-servers',
      found: `NATS has too few servers for the replicas of the stream ${stream}`,
      next: ['Start more servers, or ask for fewer replicas with --store-replicas.'],
      exitCode: exitCodes.unresolved,
    });
  }
  return new UserFacingError({
    id: 'bus/store/stream-failed',
    found: `the stream ${stream} cannot be made or read: ${messageOf(error)}`,
    next: ['Look at the log of the NATS servers, and at the permissions of this user.'],
    exitCode: exitCodes.unresolved,
  });
}

/** An existing stream has other settings than the store needs. */
export function streamDiffers(stream: string, differences: readonly string[]): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/stream-differs',
    found: `the stream ${stream} exists with other settings: ${differences.join('; ')}`,
    next: ['Change the stream with `nats stream edit`, or name another deployment with --deployment.'],
    exitCode: exitCodes.configuration,
  });
}

export function streamMissing(stream: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/stream-missing',
    found: `these NATS servers have no stream ${stream}, so there is no store to move`,
    next: ['Name the deployment with --deployment, and the servers that have its stream.'],
    exitCode: exitCodes.configuration,
  });
}

/** A bus on half of a store would redeliver, or deliver nothing. */
export function unfinishedMove(stream: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/unfinished-move',
    found: `a store is being moved to the stream ${stream}, and not all of it is there`,
    next: ['Run the same `meridian-sidecar bus migrate` again; it goes on where it ended.'],
    exitCode: exitCodes.configuration,
  });
}

/** Another process writes the stream now. Nothing that this one answered is lost. */
export class StreamTaken extends UserFacingError {
  constructor(stream: string) {
    super({
      id: 'bus/store/stream-taken',
      found: `another bus has taken over the stream ${stream}`,
      expected: 'One bus writes a stream at a time: the one that took over last.',
      next: ['Let no other program write this stream, or give this bus another --deployment.'],
      exitCode: exitCodes.unresolved,
    });
  }
}

/** The refusal will stay the same however often the bus tries. */
export function writeFailed(stream: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/stream-write',
    found: `the stream ${stream} does not take what the bus writes: ${messageOf(error)}`,
    next: ['Look at the limits of the stream and of the NATS servers, then start the bus again.'],
    exitCode: exitCodes.unresolved,
  });
}
