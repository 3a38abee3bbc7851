import { createPrivateKey, X509Certificate } from 'node:crypto';

export interface Lifetime {
  readonly fromMs: number;
  /** Milliseconds since the Unix epoch. */
  readonly toMs: number;
}

const ofSettings = 'SIDECAR_BUS_CERTIFICATE';

/** Why a client certificate cannot be presented now, or undefined. The bus would only drop the connection of an invalid one. */
export function clientCertificateFault(
  certificate: string,
  key: string | undefined,
  nowMs: number,
  origin = ofSettings,
): string | undefined {
  const parsed = parse(certificate);
  if (!parsed) return `${origin} holds no PEM certificate`;
  if (key === undefined || !isKeyOf(parsed, key)) {
    const keyOrigin = origin === ofSettings ? 'SIDECAR_BUS_KEY' : `the key beside ${origin}`;
    return `${keyOrigin} holds no PEM key that belongs to the certificate in ${origin}`;
  }
  const { fromMs, toMs } = lifetimeOf(parsed);
  const whose = `the client certificate in ${origin}, ${parsed.subject.replaceAll('\n', ', ')},`;
  if (toMs <= nowMs) return `${whose} expired at ${new Date(toMs).toISOString()}`;
  if (fromMs > nowMs) return `${whose} is not valid before ${new Date(fromMs).toISOString()}`;
  return undefined;
}

/** The period in which a certificate is valid. Undefined if the text is not a certificate. */
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
