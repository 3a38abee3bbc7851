import { type SettingReader, settingFault } from '../settings/setting-reader.ts';
import type { CredentialSource } from './secret.ts';

/** The settings that decide whether and how TLS is used. */
export interface GivenTls {
  readonly scheme: 'https' | 'http' | undefined;
  readonly ca: CredentialSource | undefined;
  readonly certificate: CredentialSource | undefined;
  readonly key: CredentialSource | undefined;
  /** The label of the service that gives certificate and key. Absent: they are settings. */
  readonly service?: string;
}

/** Adds contradictions to the reader's list of errors. */
export function checkTls(reader: SettingReader, { scheme, ca, certificate, key, service }: GivenTls): void {
  const [certificateName, keyName] =
    service === undefined
      ? ['SIDECAR_BUS_CERTIFICATE', 'SIDECAR_BUS_KEY']
      : [`\`certificate\` of the ${service}`, `\`key\` of the ${service}`];
  if ((certificate === undefined) !== (key === undefined)) {
    const [given, missing] = key === undefined ? [certificateName, keyName] : [keyName, certificateName];
    reader.errors.push(
      settingFault({
        subject: 'tls',
        fault: 'half-given',
        found: `${given} is set and ${missing} is not`,
        expected: 'A client certificate and its key belong together.',
        next: `Set ${missing} too, or unset ${given}.`,
      }),
    );
  }
  if (scheme === 'http' && (ca !== undefined || certificate !== undefined)) {
    reader.errors.push(
      settingFault({
        subject: 'bus-api-url',
        fault: 'plain-with-tls-files',
        found: 'The address of the Bus API starts with http:// and a CA or a certificate is set',
        expected: 'A CA or a certificate turns TLS on, and http:// turns it off.',
        next: 'Write https://, or unset SIDECAR_BUS_CA and SIDECAR_BUS_CERTIFICATE.',
      }),
    );
  }
}
