import { UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { approvalCommand } from '../../contract/wire/topics/approval-command.ts';
import type { Grant, WithheldGrant } from '../../contract/wire/topics/grants.ts';
import { ProxyError } from '../../transport/http-tunnel.ts';
import { RpcError } from '../../transport/status.ts';
import { CertificateError, type CertificateFault } from '../../transport/tls/certificate-error.ts';
import { ownedByNewer } from '../bus-link/attempts.ts';
import { CredentialError } from '../bus-link/bus-credential.ts';

/** Step 1, or the bus was lost during registration. */
export function busUnreachable(address: string, error: RpcError): UserFacingError {
  if (error.cause instanceof CertificateError) return busNotTrusted(address, error.cause);
  if (error.cause instanceof ProxyError) return proxyFailed(address, error.cause);
  if (error.cause instanceof CredentialError) return credentialUnusable(error.cause);
  return new UserFacingError({
    id: 'sidecar/startup/bus-unreachable',
    found: `the Bus API at ${address} cannot be reached: ${error.message}`,
    next: [
      'Check that the Bus API runs there and that SIDECAR_BUS_API_URL names it; to try it out, run `meridian-sidecar bus`.',
      'Raise SIDECAR_CONNECT_TIMEOUT when the bus starts later than the plugin.',
    ],
    exitCode: exitCodes.busUnreachable,
  });
}

const remedies: Readonly<Record<CertificateFault, string>> = {
  expired: 'Ask the operator of the bus for a new certificate, which it reads without a restart.',
  'not-yet-valid': 'Compare the clock of this machine with that of the issuer of the certificate.',
  untrusted: 'Let SIDECAR_BUS_CA name the authority that signed it.',
  'wrong-host': 'Let SIDECAR_BUS_API_URL name the bus by a host that is in its certificate.',
};

/** Step 1: the bus answers, and its certificate is not accepted. */
function busNotTrusted(address: string, { fault, message }: CertificateError): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/bus-certificate',
    found: `the Bus API at ${address} cannot be trusted: ${message}`,
    next: [remedies[fault]],
    exitCode: exitCodes.busUnreachable,
  });
}

/** Step 1: the proxy failed, and nothing is known of the bus. */
function proxyFailed(address: string, { message }: ProxyError): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/bus-proxy',
    found: `the Bus API at ${address} cannot be reached: ${message}`,
    next: [
      'Correct SIDECAR_BUS_PROXY, or unset it when the bus is reached without a proxy.',
      'Ask the operator of the proxy whether it lets this machine open a tunnel to the bus by CONNECT.',
    ],
    exitCode: exitCodes.busUnreachable,
  });
}

/** Step 1: this sidecar's own credential cannot be used. */
function credentialUnusable({ message }: CredentialError): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/own-credential',
    found: message,
    next: [
      'Renew the files that SIDECAR_BUS_CERTIFICATE, SIDECAR_BUS_KEY, SIDECAR_BUS_CA and SIDECAR_BUS_TOKEN_FILE name.',
    ],
    exitCode: exitCodes.busUnreachable,
  });
}

/** Step 2: the bus accepts neither the certificate nor the token. */
function notAuthenticated({ message }: RpcError): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/unauthenticated',
    found: `the bus does not accept the credential of this sidecar: ${message}`,
    next: [
      'For a certificate: let SIDECAR_BUS_CERTIFICATE name one of an authority that the bus was given with --tls-client-ca.',
      'For a token: let the `tokens` of the policy hold its SHA-256, and SIDECAR_BUS_TOKEN or SIDECAR_BUS_TOKEN_FILE the token.',
    ],
    exitCode: exitCodes.refused,
  });
}

/** Step 2: a newer sidecar owns the instance id and is alive. */
function newerStart({ message }: RpcError): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/newer-start',
    found: `the bus refused the registration: ${message}`,
    next: ['Give every instance an INSTANCE_ID of its own, or stop the newer sidecar of this one.'],
    exitCode: exitCodes.refused,
  });
}

/** Step 2: the start time of this sidecar is in the future by the bus's clock. */
function clockAhead({ message }: RpcError): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/clock-ahead',
    found: `the bus refused the registration: ${message}`,
    expected: 'The clocks of this machine and of the bus differ by less than that.',
    next: ['Set the clock of this machine, or of the bus when that one is behind.'],
    exitCode: exitCodes.refused,
  });
}

/** Step 2: the versions of the two are too far apart. */
function protocolUnknown({ message }: RpcError): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/protocol-version',
    found: `the bus refused the registration: ${message}`,
    expected: 'Sidecar and bus work together when their protocol versions are equal or differ by one.',
    next: ['Upgrade the older of the two.'],
    exitCode: exitCodes.refused,
  });
}

/** Step 2: the bus answers, and fails. */
function busFaulty(address: string, { code, message }: RpcError): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/bus-faulty',
    found: `the Bus API at ${address} answers, but could not register this instance, with ${code}: ${message}`,
    expected: 'This is a problem of the bus, not a decision about this sidecar.',
    next: [
      'See the log of the bus, and at the room on the disk of its store.',
      'Raise SIDECAR_CONNECT_TIMEOUT when the bus needs longer to recover.',
    ],
    exitCode: exitCodes.busUnreachable,
  });
}

/** Step 2: the bus's decision, or why it could not decide. */
export function registrationFailed(address: string, error: unknown): UserFacingError {
  const failure = RpcError.from(error);
  if (failure.code === 'UNAVAILABLE' || failure.code === 'DEADLINE_EXCEEDED') return busUnreachable(address, failure);
  if (failure.code === 'UNAUTHENTICATED') return notAuthenticated(failure);
  if (failure.code === ownedByNewer) return newerStart(failure);
  if (failure.code === 'OUT_OF_RANGE') return clockAhead(failure);
  if (failure.code === 'FAILED_PRECONDITION') return protocolUnknown(failure);
  if (failure.code !== 'PERMISSION_DENIED' && failure.code !== 'INVALID_ARGUMENT') return busFaulty(address, failure);
  return new UserFacingError({
    id: 'sidecar/startup/registration-refused',
    found: `the bus refused the registration: ${failure.message}`,
    next: [
      'Compare INSTANCE_ID and POOL_TYPE with what the policy of the bus allows this credential.',
      'Ask the operator of the bus to add a rule for it.',
    ],
    exitCode: exitCodes.refused,
  });
}

/** Step 3: every requested grant was denied. */
export function grantsDenied(denied: readonly Grant[]): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/grants-denied',
    found: `the bus granted nothing of what REQUESTED_GRANTS asks for: ${listGrants(denied)}`,
    next: [
      'Ask only for topics that the policy gives to this POOL_TYPE.',
      'Ask the operator of the bus to widen the policy, or to approve again what was revoked.',
    ],
    exitCode: exitCodes.refused,
  });
}

/** Step 3: the grant timeout passed first. */
export function grantsUndecided(waiting: {
  readonly instanceId: string;
  readonly undecided: readonly Grant[];
  readonly timeoutMs: number;
}): UserFacingError {
  const { instanceId, undecided, timeoutMs } = waiting;
  return new UserFacingError({
    id: 'sidecar/startup/grants-undecided',
    found: `no administrator decided within ${timeoutMs} ms on ${listGrants(undecided)}`,
    next: [
      `Ask the operator of the bus to approve them: ${approvalCommand(instanceId, undecided)}`,
      'Raise SIDECAR_GRANT_TIMEOUT.',
    ],
    exitCode: exitCodes.grantsUndecided,
  });
}

/** Step 7: the port was still taken after all attempts of step 6. */
export function pluginPortTaken(address: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'sidecar/startup/plugin-port',
    found: `plugins cannot be accepted on ${address}: ${RpcError.from(error).message}`,
    next: [
      `Stop the other program that listens on ${address} in this container.`,
      'Or set SIDECAR_ADDR to another loopback port, for the plugin and the sidecar alike.',
    ],
    exitCode: exitCodes.pluginPort,
  });
}

/** Grants as one line of a log or an error, each with the reason when it is withheld. */
export function listGrants(grants: readonly (Grant | WithheldGrant)[]): string {
  return grants.map(describeGrant).join(', ') || 'nothing';
}

/** @example 'publish a.* (no policy rule allows it)' */
export function describeGrant(grant: Grant | WithheldGrant): string {
  const reason = 'reason' in grant && grant.reason !== '' ? ` (${grant.reason})` : '';
  return `${grant.action} ${grant.pattern}${reason}`;
}
