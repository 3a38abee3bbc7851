import type { PeerCertificate } from 'node:tls';
import type { CertificateFault } from './certificate-error.ts';

const faultsByCode: Readonly<Record<string, CertificateFault>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not-yet-valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'wrong-host',
};

type Facts = Pick<PeerCertificate, 'subject' | 'issuer' | 'subjectaltname' | 'valid_from' | 'valid_to'>;

/** Classifies Node's error code for a peer certificate. Every unknown reason is a matter of trust. */
export function certificateFault(code: string): CertificateFault {
  return faultsByCode[code] ?? 'untrusted';
}

/** Names the certificate and its problem, as the end of a sentence about its owner. */
export function describeFault(certificate: Facts, fault: CertificateFault, code: string): string {
  const whose = `certificate "${principalOf(certificate) ?? '(no name)'}" of issuer "${nameOf(certificate.issuer)}"`;
  switch (fault) {
    case 'expired':
      return `${whose} expired at ${instant(certificate.valid_to)}`;
    case 'not-yet-valid':
      return `${whose} is not valid before ${instant(certificate.valid_from)}`;
    case 'wrong-host':
      return `${whose} is for ${certificate.subjectaltname ?? 'no host'}`;
    case 'untrusted':
      return `${whose} is not signed by a trusted authority (${code})`;
  }
}

/**
 * The name in a certificate, by precedence:
 * 1. its first URI, as in workload identities;
 * 2. the place in the organizational units of Cloud Foundry's instance identity, whose common name is new for every container
 * (https://docs.cloudfoundry.org/devguide/deploy-apps/instance-identity.html);
 * 3. its common name;
 * 4. its first DNS name.
 * Node gives the alternative names as `DNS:a, URI:b`, and a value with a separator in it as a quoted JSON string.
 */
export function principalOf(certificate: Pick<PeerCertificate, 'subject' | 'subjectaltname'>): string | undefined {
  const names = alternativeNames(certificate.subjectaltname ?? '');
  const commonName = [certificate.subject?.CN].flat()[0];
  return (
    names.find((name) => name.kind === 'URI')?.value ??
    placeOnPlatform([certificate.subject?.OU].flat()) ??
    commonName ??
    names.find((name) => name.kind === 'DNS')?.value
  );
}

/** `organization:GUID/space:GUID/app:GUID`, as far as present. Undefined without an app. */
function placeOnPlatform(units: readonly (string | undefined)[]): string | undefined {
  const places = ['organization', 'space', 'app'].map((kind) => units.find((unit) => unit?.startsWith(`${kind}:`)));
  return places.at(-1) === undefined ? undefined : places.filter((place) => place !== undefined).join('/');
}

function nameOf(name: PeerCertificate['issuer'] | undefined): string {
  return [name?.CN ?? name?.O].flat()[0] ?? '(no name)';
}

/** Node gives `Dec 31 23:59:59 2049 GMT`. */
function instant(text: string): string {
  return new Date(text).toISOString();
}

function alternativeNames(text: string): { kind: string; value: string }[] {
  const pattern = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y;
  const names: { kind: string; value: string }[] = [];
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const [, kind = '', value = ''] = match;
    names.push({ kind, value: value.startsWith('"') ? String(JSON.parse(value)) : value });
    if (pattern.lastIndex >= text.length) break;
  }
  return names;
}
