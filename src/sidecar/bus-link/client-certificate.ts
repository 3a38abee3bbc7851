import { createPrivateKey, X509Certificate } from 'node:crypto';

export interface Lifetime {
  readonly fromMs: number;
  /** Milliseconds since the Unix epoch. */
  readonly toMs: number;
}

/** Says why a client certificate cannot be presented now, or undefined: the bus would only drop what it does not accept. */
export function clientCertificateFault(
  certificate: string,
  key: string | undefined,
  nowMs: number,
): string | undefined {
  const parsed = parse(certificate);
  if (!parsed) return 'SIDECAR_BUS_CERTIFICATE holds no PEM certificate';
  if (key === undefined || !isKeyOf(parsed, key)) {
    return 'SIDECAR_BUS_KEY holds no PEM key that belongs to the certificate in SIDECAR_BUS_CERTIFICATE';
  }
  const { fromMs, toMs } = lifetimeOf(parsed);
  const whose = `the client certificate in SIDECAR_BUS_CERTIFICATE, ${parsed.subject.replaceAll('\n', ', ')},`;
  if (toMs <= nowMs) return `${whose} expired at ${new Date(toMs).toISOString()}`;
  if (fromMs > nowMs) return `${whose} is not valid before ${new Date(fromMs).toISOString()}`;
  return undefined;
}

/** From when until when a certificate is valid; undefined when the text is none. */
export function lifetimeOfPem(certificate: string): Lifetime | undefined {
  const parsed = parse(certificate);
  return parsed && lifetimeOf(parsed);
}

function lifetimeOf({ validFromDate, validToDate }: X509Certificate): Lifetime {
  return { fromMs: validFromDate.getTime(), toMs: validToDate.getTime() };
}

function parse(certificate: string): X509Certificate | undefined {
  try {
    return new X509Certificate(certificate);
  } catch {
    return undefined;
  }
}

function isKeyOf(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
