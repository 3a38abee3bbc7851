import { isLoopback } from '../../base/loopback.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import type { BusConnectionConfig } from '../../contract/config/bus/bus-connection.ts';
import { isBusToken } from '../../contract/config/bus/bus-token.ts';
import { clientCertificateFault, lifetimeOfPem } from '../../contract/config/bus/client-certificate.ts';
import type { CredentialSource } from '../../contract/config/bus/secret.ts';
import { errorOf, type Finding, warningOf } from '../finding.ts';
import { endsSoon, shownTime } from './certificate-life.ts';
import type { ProbedTls, Probes } from './probes.ts';

export interface ExaminedCredentials {
  /** Only the usable parts. */
  readonly tls: ProbedTls;
  readonly notes: readonly string[];
  readonly findings: readonly Finding[];
}

/** Reads the credential files and the trusted authorities, and reports those that cannot be used. */
export async function examineCredentials(config: BusConnectionConfig, probes: Probes): Promise<ExaminedCredentials> {
  const findings: Finding[] = [];
  const notes: string[] = [];
  const read = async (what: string, source: CredentialSource | undefined): Promise<string | undefined> => {
    if (source === undefined) return undefined;
    if ('text' in source) return source.text.reveal();
    try {
      return await probes.readFile(source.file);
    } catch (error) {
      findings.push(unreadable(what, source.file, messageOf(error)));
      return undefined;
    }
  };
  const ca = await read('The authorities that may sign the bus', config.tls.ca);
  const certificate = await read('The client certificate', config.tls.certificate);
  const key = await read('The key of the client certificate', config.tls.key);
  const token = await read('The token', config.busToken);

  const caFault = ca === undefined ? undefined : caFaultOf(ca, probes.nowMs);
  if (caFault) findings.push(caFault);
  if (token !== undefined && !isBusToken(token.trim())) findings.push(badToken());
  const { tls, places } = config.busApiUrl;
  if (token !== undefined && !tls && !places.every(({ host }) => isLoopback(host))) findings.push(plainToken());
  if (certificate === undefined || key === undefined) return { tls: { ...(!caFault && { ca }) }, notes, findings };
  const fault = clientCertificateFault(certificate, key, probes.nowMs, config.tls.certificateOrigin);
  const life = lifetimeOfPem(certificate);
  if (fault !== undefined) findings.push(badCertificate(fault));
  else if (life) {
    notes.push(`The client certificate from ${config.tls.certificateOrigin} is valid until ${shownTime(life.toMs)}.`);
    if (endsSoon(life, probes.nowMs)) findings.push(certificateEnds(config.tls.certificateOrigin, life.toMs));
  }
  return { tls: { ...(!caFault && { ca }), ...(fault === undefined && { certificate, key }) }, notes, findings };
}

function caFaultOf(text: string, nowMs: number): Finding | undefined {
  const pems = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const lives = pems.flatMap((pem) => lifetimeOfPem(pem) ?? []);
  if (lives.length === 0) return noAuthority();
  return lives.every(({ toMs }) => toMs <= nowMs)
    ? oldAuthority(Math.max(...lives.map(({ toMs }) => toMs)))
    : undefined;
}

function unreadable(what: string, file: string, reason: string): Finding {
  return errorOf({
    id: 'doctor/credential/unreadable',
    found: `${what} cannot be read from ${file}: ${reason}`,
    next: ['Put the file there, readable for the user of the sidecar, or correct the setting.'],
  });
}

function noAuthority(): Finding {
  return errorOf({
    id: 'doctor/credential/authority',
    found: 'What SIDECAR_BUS_CA or the `ca` of the service gives holds no PEM certificate',
    next: ['Give it the certificates of the authorities that sign the bus, in PEM.'],
  });
}

function oldAuthority(toMs: number): Finding {
  return errorOf({
    id: 'doctor/credential/authority-expired',
    found: `Every authority of SIDECAR_BUS_CA or of the \`ca\` of the service has expired, the last at ${shownTime(toMs)}`,
    next: ['Ask the operator of the bus for the certificate of its present authority.'],
  });
}

function badCertificate(fault: string): Finding {
  return errorOf({
    id: 'doctor/credential/certificate',
    found: fault,
    expected: 'The sidecar does not present such a certificate, and does not connect without.',
    next: ['Renew certificate and key together.'],
  });
}

function certificateEnds(origin: string, toMs: number): Finding {
  return warningOf({
    id: 'doctor/credential/certificate-ends',
    found: `The client certificate from ${origin} ends at ${shownTime(toMs)}`,
    expected: 'The sidecar reads it again by itself; without a newer one it cannot connect after that.',
    next: ['Check that it is still being renewed.'],
  });
}

function badToken(): Finding {
  return errorOf({
    id: 'doctor/credential/token',
    found: 'The token is empty or holds blanks or characters that are not ASCII (it is not shown)',
    next: ['Write the token alone into the file that SIDECAR_BUS_TOKEN_FILE names.'],
  });
}

function plainToken(): Finding {
  return warningOf({
    id: 'doctor/credential/plain-token',
    found: 'The token travels to another machine unencrypted',
    next: ['Set SIDECAR_BUS_CA, or write the address of the bus with https://.'],
  });
}
