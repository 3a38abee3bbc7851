import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readTextFile } from '../../base/files/read-text-file.ts';
import type { Log } from '../../base/log/log.ts';
import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import { watchChanges } from '../../base/time/watch-changes.ts';
import { ErrorList, messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import type { TlsFiles } from '../../transport/rpc.ts';

/** Paths of PEM files. */
export interface BusTlsPaths {
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
}

/**
 * Reads the bus's certificate and CA. Undefined for plaintext.
 * @throws ErrorList of `bus/tls/*` errors, all found in one pass, with exit code 78.
 */
export async function readBusTls(paths: BusTlsPaths): Promise<TlsFiles | undefined> {
  const { tlsCertificate, tlsKey, tlsClientCa } = paths;
  const errors: UserFacingError[] = [];
  if ((tlsCertificate === undefined) !== (tlsKey === undefined)) {
    const [given, missing] = tlsKey === undefined ? ['certificate', 'key'] : ['key', 'certificate'];
    errors.push(halfGiven(`--tls-${given} is given and --tls-${missing} is not`, `--tls-${missing}`));
  }
  if (tlsClientCa !== undefined && tlsCertificate === undefined && tlsKey === undefined) {
    errors.push(halfGiven('--tls-client-ca is given without a certificate of the bus', '--tls-certificate, --tls-key'));
  }
  const [certificate, key, ca] = await Promise.all([
    readPem({ flag: '--tls-certificate', path: tlsCertificate, parse: certificatesOf }, errors),
    readPem({ flag: '--tls-key', path: tlsKey, parse: createPrivateKey }, errors),
    readPem({ flag: '--tls-client-ca', path: tlsClientCa, parse: certificatesOf }, errors),
  ]);
  if (certificate !== undefined && key !== undefined && !belongTogether(certificate, key)) {
    errors.push(notUsable('--tls-key', `${tlsKey} is not the key of the certificate in ${tlsCertificate}`));
  }
  if (errors.length > 0) throw new ErrorList(errors);
  if (certificate === undefined || key === undefined) return undefined;
  return { certificate, key, ...(ca !== undefined && { ca }) };
}

export interface BusTlsWatch {
  readonly paths: BusTlsPaths;
  readonly initial: TlsFiles;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** @throws RpcError if they cannot be used. */
  readonly renew: (tls: TlsFiles) => void;
}

/**
 * Reads the files every second and applies changes. Unusable files, such as only the first of two replaced, are logged once. The former
 * certificate then stays.
 */
export function watchBusTls({ paths, initial, scheduler, log, renew }: BusTlsWatch): Timer {
  logCertificate({ log, scheduler }, 'the bus shows its certificate', initial);
  return watchChanges<TlsFiles | undefined>({
    scheduler,
    initial,
    read: () => readBusTls(paths),
    use(tls) {
      if (tls === undefined) return;
      renew(tls);
      logCertificate({ log, scheduler }, 'the certificate files changed; new connections get them', tls);
    },
    onUnusable: (reason) => log.warn('the changed certificate files are not used', { reason }),
  });
}

/** Logs the bus's certificate, as a warning if clients will refuse it for its dates. */
function logCertificate(
  { log, scheduler }: Pick<BusTlsWatch, 'log' | 'scheduler'>,
  message: string,
  tls: TlsFiles,
): void {
  if (tls.certificate === undefined) return;
  const { subject, validFromDate, validToDate } = new X509Certificate(tls.certificate);
  const nowMs = Number(scheduler.wallTimeNs() / 1_000_000n);
  const isValid = validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime();
  const fields = { subject, validFrom: validFromDate.toISOString(), validTo: validToDate.toISOString() };
  if (isValid) log.info(message, fields);
  else log.warn(`${message}, which every client refuses: it is not valid now`, fields);
}

interface PemFile {
  readonly flag: string;
  readonly path: string | undefined;
  /** @throws if the text is not of the flag's kind. */
  readonly parse: (text: string) => unknown;
}

async function readPem({ flag, path, parse }: PemFile, errors: UserFacingError[]): Promise<string | undefined> {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (error) {
    errors.push(notUsable(flag, `the file of ${flag} cannot be read: ${messageOf(error)}`));
    return undefined;
  }
  try {
    parse(text);
    return text;
  } catch {
    // OpenSSL's message may contain part of the text.
    errors.push(notUsable(flag, `${path} holds no PEM that fits ${flag}`));
    return undefined;
  }
}

function certificatesOf(text: string): X509Certificate {
  return new X509Certificate(text);
}

function belongTogether(certificate: string, key: string): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}

function halfGiven(found: string, missing: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/tls/half-given',
    found,
    expected:
      'The bus speaks TLS with --tls-certificate and --tls-key, and asks clients for theirs with --tls-client-ca.',
    next: [`Give ${missing} too.`],
    exitCode: exitCodes.configuration,
  });
}

function notUsable(flag: string, found: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/tls/file',
    found,
    next: [`Name a PEM file of its kind with ${flag}.`],
    exitCode: exitCodes.configuration,
  });
}
