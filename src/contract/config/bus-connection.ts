import { FaultList } from '../../base/user-facing-error.ts';
import { busApiAddress } from './addresses.ts';
import type { Environment } from './environment.ts';
import { Secret } from './secret.ts';
import { SettingReader, settingFault } from './setting-reader.ts';
import { accepted, type Parser, rejected, text } from './setting-value.ts';

/** Where the Bus API is, and what proves the caller to it. */
export interface BusConnectionConfig {
  readonly busApiUrl: {
    readonly host: string;
    readonly port: number;
    /** `host:port`, an IPv6 host in brackets. */
    readonly address: string;
    readonly tls: boolean;
  };
  /** Paths of PEM files. */
  readonly tls: {
    readonly caFile: string | undefined;
    readonly certificateFile: string | undefined;
    readonly keyFile: string | undefined;
  };
  readonly busToken: Secret | undefined;
  /** Holds the token when `busToken` is not given; read by the sidecar, since a mounted file may rotate. */
  readonly busTokenFile: string | undefined;
}

/**
 * Reads the settings from the environment alone, for programs that call the bus and are no sidecar.
 * @throws FaultList with every fault, with exit code 78; no secret is repeated in it.
 */
export function loadBusConnection(environment: Environment): BusConnectionConfig {
  const reader = new SettingReader(environment, '', new Map());
  const config = readBusConnection(reader);
  if (reader.faults.length > 0) throw new FaultList(reader.faults);
  return config;
}

/** Reads the settings; what is wrong with them is on the reader's list of faults. */
export function readBusConnection(reader: SettingReader): BusConnectionConfig {
  const urlName = { variable: 'SIDECAR_BUS_API_URL', key: 'bus_api_url' } as const;
  const { scheme, ...address } = reader.read(urlName, busApiAddress, {
    host: 'bus-api',
    port: 8443,
    address: 'bus-api:8443',
    scheme: undefined,
  });
  const tls = {
    caFile: reader.read({ variable: 'SIDECAR_BUS_CA', key: 'tls.ca' }, text, undefined),
    certificateFile: reader.read({ variable: 'SIDECAR_BUS_CERTIFICATE', key: 'tls.certificate' }, text, undefined),
    keyFile: reader.read({ variable: 'SIDECAR_BUS_KEY', key: 'tls.key' }, text, undefined),
  };
  const filesGiven = tls.caFile !== undefined || tls.certificateFile !== undefined;
  checkTls(reader, tls, scheme === 'http' && filesGiven);
  return {
    busApiUrl: { ...address, tls: scheme === 'https' || filesGiven },
    tls,
    busToken: reader.read({ variable: 'SIDECAR_BUS_TOKEN' }, token, undefined),
    busTokenFile: reader.read({ variable: 'SIDECAR_BUS_TOKEN_FILE', key: 'bus_token_file' }, text, undefined),
  };
}

function checkTls(reader: SettingReader, tls: BusConnectionConfig['tls'], plainSchemeWithFiles: boolean): void {
  if ((tls.certificateFile === undefined) !== (tls.keyFile === undefined)) {
    const [given, missing] =
      tls.keyFile === undefined
        ? ['SIDECAR_BUS_CERTIFICATE', 'SIDECAR_BUS_KEY']
        : ['SIDECAR_BUS_KEY', 'SIDECAR_BUS_CERTIFICATE'];
    reader.faults.push(
      settingFault({
        subject: 'tls',
        fault: 'half-given',
        found: `${given} is set and ${missing} is not`,
        expected: 'A client certificate and its key belong together.',
        next: `Set ${missing} too, or unset ${given}.`,
      }),
    );
  }
  if (plainSchemeWithFiles) {
    reader.faults.push(
      settingFault({
        subject: 'bus-api-url',
        fault: 'plain-with-tls-files',
        found: 'SIDECAR_BUS_API_URL starts with http:// and a CA or a certificate is set',
        expected: 'A CA or a certificate turns TLS on, and http:// turns it off.',
        next: 'Write https://, or unset SIDECAR_BUS_CA and SIDECAR_BUS_CERTIFICATE.',
      }),
    );
  }
}

/** A token travels in a header, so it holds visible ASCII only. */
const token: Parser<Secret> = (raw) =>
  typeof raw === 'string' && /^[\x21-\x7e]+$/.test(raw)
    ? accepted(new Secret(raw))
    : rejected('malformed', 'a token of visible ASCII characters without blanks');
