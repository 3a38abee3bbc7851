import { ErrorList } from '../../../base/user-facing-error.ts';
import { type BusApiAddress, busApiAddress } from '../addresses.ts';
import { type Environment, readVariable } from '../environment.ts';
import type { Setting } from '../settings/setting.ts';
import { SettingReader, settingFault } from '../settings/setting-reader.ts';
import { settings } from '../settings.ts';
import type { BusProxy } from './bus-proxy.ts';
import { checkTls, type GivenTls } from './bus-tls-check.ts';
import { isBusToken, tokenShape } from './bus-token.ts';
import type { CredentialSource } from './secret.ts';
import { type BindingSources, type BusService, findBusService } from './service-binding.ts';

/** The Bus API's address, and the caller's credentials for it. */
export interface BusConnectionConfig {
  readonly busApiUrl: Omit<BusApiAddress, 'scheme'> & {
    readonly tls: boolean;
    /** The source of the address, such as `SIDECAR_BUS_API_URL`. Undefined: the default. */
    readonly origin: string | undefined;
  };
  /** Undefined: a direct connection. */
  readonly busProxy: BusProxy | undefined;
  /** In PEM. */
  readonly tls: {
    readonly ca: CredentialSource | undefined;
    readonly certificate: CredentialSource | undefined;
    readonly key: CredentialSource | undefined;
    /** For messages: the source of certificate and key. */
    readonly certificateOrigin: string;
  };
  readonly busToken: CredentialSource | undefined;
}

/**
 * Reads the settings from environment and bindings only, for programs that call the bus but are not sidecars.
 * @throws ErrorList with every error and exit code 78. It repeats no secret.
 */
export function loadBusConnection(environment: Environment, bindings: BindingSources): BusConnectionConfig {
  const reader = new SettingReader({ environment });
  const config = readBusConnection(reader, environment, bindings);
  if (reader.errors.length > 0) throw new ErrorList(reader.errors);
  return config;
}

const names = settings.bus;

/** Reads the settings. Errors go to the reader's list. */
export function readBusConnection(
  reader: SettingReader,
  environment: Environment,
  bindings: BindingSources,
): BusConnectionConfig {
  const chosenName = reader.read(names.service);
  const service = findBusService(bindings, chosenName, reader.errors);
  const { scheme, origin, ...address } = readAddress(reader, service);
  const ca = readCa(reader, service);
  const given = readPair(reader, service);
  const busToken = readToken(reader, service);
  const tls = scheme === 'https' || ca !== undefined || given.certificate !== undefined;
  checkTls(reader, { ...given, ca, scheme });
  const isNoneGiven = given.certificate === undefined && given.key === undefined && busToken === undefined;
  const identity = tls && isNoneGiven ? instanceIdentity(environment) : undefined;
  if (identity) {
    reader.noteFrom('CF_INSTANCE_CERT', names.certificate, identity.certificate);
    reader.noteFrom('CF_INSTANCE_KEY', names.key, identity.key);
  }
  const { certificate, key, certificateOrigin } = identity ?? {
    ...given,
    certificateOrigin: given.service ?? 'SIDECAR_BUS_CERTIFICATE',
  };
  return {
    busApiUrl: { ...address, tls, origin },
    busProxy: reader.read(names.proxy),
    tls: { ca, certificate, key, certificateOrigin },
    busToken,
  };
}

/** The service comes after the environment and before the file. */
function readCa(reader: SettingReader, service: BusService | undefined): CredentialSource | undefined {
  const bound = service?.credentials.ca;
  if (!service || !bound || reader.isInEnvironment(names.ca)) return own(reader, names.ca);
  reader.noteFrom(service.label, names.ca, bound);
  return bound;
}

type Pair = Pick<GivenTls, 'certificate' | 'key' | 'service'>;

/** Certificate and key belong together, so both come from the first source that has one of them. */
function readPair(reader: SettingReader, service: BusService | undefined): Pair {
  const isSet = reader.isInEnvironment(names.certificate) || reader.isInEnvironment(names.key);
  const { certificate, key } = service?.credentials ?? {};
  if (!service || isSet || (certificate ?? key) === undefined) {
    return { certificate: own(reader, names.certificate), key: own(reader, names.key) };
  }
  if (certificate) reader.noteFrom(service.label, names.certificate, certificate);
  if (key) reader.noteFrom(service.label, names.key, key);
  return { certificate, key, service: service.label };
}

function own(reader: SettingReader, name: Setting<string | undefined>): CredentialSource | undefined {
  return inFile(reader.read(name));
}

/** The platform's certificate for this instance. The platform replaces it in place before it expires. */
function instanceIdentity(environment: Environment) {
  const certificate = readVariable(environment, 'CF_INSTANCE_CERT');
  const key = readVariable(environment, 'CF_INSTANCE_KEY');
  if (certificate === undefined || key === undefined) return undefined;
  return { certificate: { file: certificate }, key: { file: key }, certificateOrigin: 'CF_INSTANCE_CERT' };
}

const defaultPlace = { host: 'bus-api', port: 8443, address: 'bus-api:8443' };
const defaultAddress = { places: [defaultPlace], address: defaultPlace.address, scheme: undefined };

function readAddress(
  reader: SettingReader,
  service: BusService | undefined,
): BusApiAddress & { readonly origin: string | undefined } {
  if (service?.url === undefined || reader.isInEnvironment(names.url)) {
    return { ...reader.read(names.url), origin: reader.originOf(names.url) };
  }
  const parsed = busApiAddress(service.url);
  reader.noteFrom(service.label, names.url, parsed.ok ? parsed.value : undefined);
  if (parsed.ok) return { ...parsed.value, origin: service.label };
  reader.errors.push(
    settingFault({
      subject: 'bus-service',
      fault: 'bad-url',
      found: `The \`url\` of the ${service.label} cannot be used (its value is not shown)`,
      expected: `It must be ${parsed.expected}.`,
      next: 'Correct the credentials of the service, or set SIDECAR_BUS_API_URL.',
    }),
  );
  return { ...defaultAddress, origin: service.label };
}

function readToken(reader: SettingReader, service: BusService | undefined): CredentialSource | undefined {
  const own = reader.read(names.token);
  const ownFile = inFile(reader.read(names.tokenFile));
  if (own) return { text: own };
  const bound = service?.credentials.token;
  if (bound === undefined || reader.isInEnvironment(names.tokenFile)) return ownFile;
  const isUsable = 'file' in bound || isBusToken(bound.text.reveal().trim());
  if (service) reader.noteFrom(service.label, names.token, isUsable ? bound : undefined);
  if (isUsable) return bound;
  reader.errors.push(
    settingFault({
      subject: 'bus-service',
      fault: 'bad-token',
      found: `The \`token\` of the ${service?.label} cannot be used (its value is not shown)`,
      expected: `It must be ${tokenShape}.`,
      next: 'Correct the credentials of the service.',
    }),
  );
  return undefined;
}

function inFile(file: string | undefined): CredentialSource | undefined {
  return file === undefined ? undefined : { file };
}
