import { messageOf } from '../../base/user-facing-error.ts';
import type { BusApiPlace } from '../../contract/config/addresses.ts';
import type { BusConnectionConfig } from '../../contract/config/bus/bus-connection.ts';
import { type Environment, readVariable } from '../../contract/config/environment.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { ProxyError } from '../../transport/http-tunnel.ts';
import { errorOf, type Finding, warningOf } from '../finding.ts';
import { endsSoon, shownTime } from './certificate-life.ts';
import { type NetworkProbes, ProbedCertificateError, type ProbedTls } from './probes.ts';

export interface ExaminedBus {
  readonly notes: readonly string[];
  readonly findings: readonly Finding[];
}

/** One of the places of the bus. */
type Address = BusApiPlace & Pick<BusConnectionConfig['busApiUrl'], 'tls' | 'origin'>;

export interface BusSources {
  readonly url: Address;
  readonly proxy: BusConnectionConfig['busProxy'];
  /** Variables of the environment that name a proxy, which is not used for the bus. */
  readonly otherProxies: readonly string[];
  readonly tls: ProbedTls;
  readonly network: NetworkProbes;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/**
 * Follows the sidecar's way to the bus as far as possible: name, port, the proxy's tunnel, TLS, HTTP/2. Only a session shows
 * whether the bus accepts the credential.
 */
export async function examineBus(sources: BusSources): Promise<ExaminedBus> {
  const { url, proxy, network } = sources;
  const failed = (finding: Finding): ExaminedBus => ({ notes: [], findings: [finding] });
  try {
    await network.resolve((proxy ?? url).host);
  } catch (error) {
    const reason = messageOf(error);
    return failed(
      proxy
        ? noTunnel(url, `the name of the proxy ${proxy.address} is not known here: ${reason}`)
        : unresolved(sources, reason),
    );
  }
  try {
    await network.connect(url, proxy);
  } catch (error) {
    const reason = messageOf(error);
    if (!proxy) return failed(unreachable(sources, reason));
    return failed(noTunnel(url, error instanceof ProxyError ? reason : `the proxy at ${proxy.address}: ${reason}`));
  }
  const examined = url.tls ? await examineTls(sources) : await examinePlain(sources);
  if (examined.findings.some(({ severity }) => severity === 'error')) return examined;
  try {
    await network.openRpc(url.address, { ...(url.tls && { tls: sources.tls }), ...(proxy && { proxy }) });
  } catch (error) {
    return failed(noBus(url, messageOf(error)));
  }
  return examined;
}

async function examinePlain({ url, proxy, network }: BusSources): Promise<ExaminedBus> {
  // A server whose certificate is not accepted also uses TLS.
  const speaksTls = await network.handshake(url, {}, proxy).then(
    () => true,
    (error: unknown) => error instanceof ProbedCertificateError,
  );
  if (speaksTls) return { notes: [], findings: [onlyTls(url)] };
  return { notes: [`The bus at ${url.address} accepts connections, without TLS${through(proxy)}.`], findings: [] };
}

async function examineTls({ url, proxy, tls, network, nowMs }: BusSources): Promise<ExaminedBus> {
  try {
    const certificate = await network.handshake(url, tls, proxy);
    const until = shownTime(certificate.toMs);
    const way = `over TLS${through(proxy)}`;
    return {
      notes: [`The bus at ${url.address} accepts connections ${way}; its certificate is valid until ${until}.`],
      findings: endsSoon(certificate, nowMs) ? [ends(url, until)] : [],
    };
  } catch (error) {
    const finding = error instanceof ProbedCertificateError ? notTrusted : noTls;
    return { notes: [], findings: [finding(url, messageOf(error))] };
  }
}

function through(proxy: BusSources['proxy']): string {
  return proxy === undefined ? '' : `, through the proxy at ${proxy.address}`;
}

const proxyVariables = /^(?:https?|grpc|all)_proxy$/i;

/** The variables that make other programs use a proxy. */
export function proxiesIn(environment: Environment): string[] {
  return Object.keys(environment).filter((name) => proxyVariables.test(name) && readVariable(environment, name));
}

const exitCode = exitCodes.busUnreachable;
const whence = ({ origin }: Address): string => `The address is from ${origin ?? 'the default'}.`;

function proxyHint({ otherProxies }: BusSources): string[] {
  if (otherProxies.length === 0) return [];
  return [`The bus is reached without ${otherProxies.join(', ')}: set SIDECAR_BUS_PROXY if it is behind a proxy.`];
}

function unresolved(sources: BusSources, reason: string): Finding {
  const { url } = sources;
  return errorOf({
    id: 'doctor/bus/unresolved',
    found: `The name of the bus, ${url.host}, is not known here: ${reason}`,
    expected: whence(url),
    next: ['Correct SIDECAR_BUS_API_URL, or bind the service that holds the address.', ...proxyHint(sources)],
    exitCode,
  });
}

function unreachable(sources: BusSources, reason: string): Finding {
  const { url } = sources;
  return errorOf({
    id: 'doctor/bus/unreachable',
    found: `The bus at ${url.address} accepts no connection: ${reason}`,
    expected: whence(url),
    next: [
      'Check that the bus runs there.',
      'On Cloud Foundry, check that a security group lets this space reach it.',
      ...proxyHint(sources),
    ],
    exitCode,
  });
}

function noTunnel(url: Address, reason: string): Finding {
  return errorOf({
    id: 'doctor/bus/proxy',
    found: `The bus at ${url.address} cannot be reached: ${reason}`,
    next: [
      'Correct SIDECAR_BUS_PROXY, or unset it when the bus is reached without a proxy.',
      'Ask the operator of the proxy whether it lets this machine open a tunnel to the bus by CONNECT.',
    ],
    exitCode,
  });
}

function noBus(url: Address, reason: string): Finding {
  return errorOf({
    id: 'doctor/bus/not-a-bus',
    found: `Something accepts connections at ${url.address}, and it is not a Bus API: ${reason}`,
    expected: whence(url),
    next: ['Correct SIDECAR_BUS_API_URL, or start the Bus API there.'],
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
      'If it has expired, ask the operator of the bus for a new one.',
    ],
    exitCode,
  });
}

function ends(url: Address, until: string): Finding {
  return warningOf({
    id: 'doctor/bus/certificate-ends',
    found: `The certificate of the bus at ${url.address} ends at ${until}`,
    next: ['Ask the operator of the bus for a new one, which the bus reads without a restart.'],
  });
}
