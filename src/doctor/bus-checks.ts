import { messageOf } from '../base/user-facing-error.ts';
import type { BusConnectionConfig } from '../contract/config/bus-connection.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { endsSoon, shownTime } from './certificate-life.ts';
import { errorOf, type Finding, warningOf } from './finding.ts';
import { type NetworkProbes, ProbedCertificateError, type ProbedTls } from './probes.ts';

export interface ExaminedBus {
  readonly notes: readonly string[];
  readonly findings: readonly Finding[];
}

type Address = BusConnectionConfig['busApiUrl'];

export interface BusSources {
  readonly url: Address;
  readonly tls: ProbedTls;
  readonly network: NetworkProbes;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** Goes the way to the bus as far as it leads: name, port, TLS. Whether the bus accepts the credential only a session shows. */
export async function examineBus(sources: BusSources): Promise<ExaminedBus> {
  const { url, network } = sources;
  const failed = (finding: Finding): ExaminedBus => ({ notes: [], findings: [finding] });
  try {
    await network.resolve(url.host);
  } catch (error) {
    return failed(unresolved(url, messageOf(error)));
  }
  try {
    await network.connect(url);
  } catch (error) {
    return failed(unreachable(url, messageOf(error)));
  }
  if (url.tls) return await examineTls(sources);
  if (await speaksTls(url, network)) return failed(onlyTls(url));
  return { notes: [`The bus at ${url.address} accepts connections, without TLS.`], findings: [] };
}

/** A certificate that is not accepted is one, too. */
async function speaksTls(url: Address, network: NetworkProbes): Promise<boolean> {
  return await network.handshake(url, {}).then(
    () => true,
    (error: unknown) => error instanceof ProbedCertificateError,
  );
}

async function examineTls({ url, tls, network, nowMs }: BusSources): Promise<ExaminedBus> {
  try {
    const certificate = await network.handshake(url, tls);
    const until = shownTime(certificate.toMs);
    return {
      notes: [`The bus at ${url.address} accepts connections over TLS; its certificate is valid until ${until}.`],
      findings: endsSoon(certificate, nowMs) ? [ends(url, until)] : [],
    };
  } catch (error) {
    const finding = error instanceof ProbedCertificateError ? notTrusted : noTls;
    return { notes: [], findings: [finding(url, messageOf(error))] };
  }
}

const exitCode = exitCodes.busUnreachable;
const whence = ({ origin }: Address): string => `The address is from ${origin ?? 'the default'}.`;

function unresolved(url: Address, reason: string): Finding {
  return errorOf({
    id: 'doctor/bus/unresolved',
    found: `The name of the bus, ${url.host}, is not known here: ${reason}`,
    expected: whence(url),
    next: ['Correct SIDECAR_BUS_API_URL, or bind the service that holds the address.'],
    exitCode,
  });
}

function unreachable(url: Address, reason: string): Finding {
  return errorOf({
    id: 'doctor/bus/unreachable',
    found: `The bus at ${url.address} accepts no connection: ${reason}`,
    expected: whence(url),
    next: [
      'Look whether the bus runs there.',
      'On Cloud Foundry, look whether a security group lets this space reach it.',
    ],
    exitCode,
  });
}

function noTls(url: Address, reason: string): Finding {
  return errorOf({
    id: 'doctor/bus/no-tls',
    found: `The bus at ${url.address} does not shake hands over TLS: ${reason}`,
    expected: 'A CA, a certificate or https:// turns TLS on.',
    next: ['Start the bus with a certificate, or write the address with http:// and give neither CA nor certificate.'],
    exitCode,
  });
}

function onlyTls(url: Address): Finding {
  return errorOf({
    id: 'doctor/bus/speaks-tls',
    found: `The bus at ${url.address} speaks TLS, and the sidecar is to connect without`,
    expected: 'A CA, a certificate or https:// turns TLS on.',
    next: ['Set SIDECAR_BUS_CA to the authority of the bus, or write its address with https://.'],
    exitCode,
  });
}

function notTrusted(url: Address, reason: string): Finding {
  return errorOf({
    id: 'doctor/bus/certificate',
    found: `The certificate of the bus at ${url.address} is not accepted: ${reason}`,
    next: [
      'Let SIDECAR_BUS_CA name the authority that signed it, and SIDECAR_BUS_API_URL a host that is in it.',
      'If it has expired, ask whoever runs the bus for a new one.',
    ],
    exitCode,
  });
}

function ends(url: Address, until: string): Finding {
  return warningOf({
    id: 'doctor/bus/certificate-ends',
    found: `The certificate of the bus at ${url.address} ends at ${until}`,
    next: ['Ask whoever runs the bus for a new one, which the bus reads without a restart.'],
  });
}
