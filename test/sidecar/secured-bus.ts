import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { createAuthority } from '../transport/certificates.ts';
import { type Program, type RunningProgram, runCli, writeTemporary } from './processes.ts';

export const authority = createAuthority();
/** Nobody trusts it. */
export const foreignAuthority = createAuthority('Foreign authority');
export const past = { to: new Date('2021-01-01T00:00:00Z') };
export const future = { from: new Date('2048-01-01T00:00:00Z') };
/** Holds for a minute, which is less than a tenth of its life, so that it is due to be renewed. */
export const endingSoon = () => ({ from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 60_000) });
export const busNames = { dns: 'localhost', ip: [127, 0, 0, 1] };

export const token = 'tok-4f1c9a-known';

const securePolicy = `
deployment: secured
tokens:
  ${createHash('sha256').update(token).digest('hex')}: ci
rules:
  - { principals: [plugin-a], instances: [oms-1, shared], pools: [OMSPool], publish: [platform.oms.**] }
  - { principals: [plugin-b], instances: [oms-2, shared], pools: [OMSPool], publish: [platform.oms.**] }
  - { principals: [ci], instances: [oms-3], pools: [OMSPool], publish: [platform.oms.**] }
`;

type Issued = ReturnType<typeof authority.issue>;

/** A certificate and its key as files, which can be replaced. */
export class CertificateFiles {
  readonly certificate: string;
  readonly key: string;

  constructor(issued: Issued) {
    this.certificate = writeTemporary('tls.crt', issued.certificate);
    this.key = writeTemporary('tls.key', issued.key);
  }

  /** One after the other, as most tools do it, so that for a moment they do not belong together. */
  replace(issued: Issued): void {
    writeFileSync(`${this.certificate}.new`, issued.certificate);
    renameSync(`${this.certificate}.new`, this.certificate);
    writeFileSync(this.key, issued.key);
  }
}

export const caFile = (): string => writeTemporary('ca.pem', authority.ca);

/** The variables of a sidecar that has a certificate and trusts the authority of the tests. */
export function certificateEnvironment(files: CertificateFiles, ca = caFile()): Record<string, string> {
  return { SIDECAR_BUS_CA: ca, SIDECAR_BUS_CERTIFICATE: files.certificate, SIDECAR_BUS_KEY: files.key };
}

export interface SecuredBus extends RunningProgram {
  readonly files: CertificateFiles;
}

/** Starts a bus with a certificate; unless told otherwise, one that demands a credential. */
export async function startSecuredBus(
  issued: Issued = authority.issue('bus', busNames),
  options: { readonly clientCa?: boolean } = {},
): Promise<SecuredBus> {
  const files = new CertificateFiles(issued);
  const program = runBus(
    ...['--tls-certificate', files.certificate, '--tls-key', files.key],
    ...(options.clientCa === false ? [] : ['--tls-client-ca', caFile()]),
  );
  const [, address = ''] = await program.seen(/bus listens address=(\S+)/);
  return { program, address, files };
}

export function runBus(...flags: readonly string[]): Program {
  const policy = writeTemporary('policy.yml', securePolicy);
  return runCli('bus', '--store', 'memory', '--listen', '127.0.0.1:0', '--policy', policy, ...flags);
}
