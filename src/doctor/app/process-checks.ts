import { buildpackName } from '../../buildpack/layout.ts';
import { typesInProcfile } from '../../buildpack/procfile.ts';
import type { ListenAddress } from '../../contract/config/addresses.ts';
import { errorOf, type Finding, warningOf } from '../finding.ts';
import { type CloudApp, type CloudProcess, ownSidecar } from './cloud-manifest.ts';

export interface ProcessSources {
  readonly app: CloudApp;
  /** The text of the app's Procfile, if it has one. */
  readonly procfile: string | undefined;
  readonly sidecarFor: readonly string[];
  readonly memoryMb: number;
}

/** Finds problems between the sidecar and the processes beside it: names, types and memory. */
export function findProcessFaults({ app, procfile, sidecarFor, memoryMb }: ProcessSources): Finding[] {
  const inProcfile = procfile === undefined ? [] : typesInProcfile(procfile);
  const declared = app.processes.filter(({ isDeclared }) => isDeclared).map(({ type }) => type);
  const known = [...inProcfile, ...declared, ...(procfile === undefined ? ['web'] : [])];
  return [
    ...(inProcfile.includes(buildpackName) ? [nameTaken('the Procfile')] : []),
    ...(declared.includes(buildpackName) ? [nameTaken('`processes` of manifest.yml')] : []),
    ...(app.buildpacks.length > 0 && ownSidecar(app) ? [sidecarNameTaken()] : []),
    ...sidecarFor.filter((type) => !known.includes(type)).map(unknownType),
    ...app.processes
      .filter(({ type }) => sidecarFor.includes(type))
      .flatMap((each) => memoryFault(each, app, memoryMb)),
  ];
}

/** The platform refuses sidecars that together leave no memory for their process. */
function memoryFault({ type, memoryMb }: CloudProcess, app: CloudApp, stagedMb: number): Finding[] {
  if (memoryMb === undefined) return [];
  const own = app.buildpacks.length === 0 ? ownSidecar(app) : undefined;
  const ownMb = own?.memoryMb ?? stagedMb;
  const others = app.sidecars.filter(({ name, processTypes }) => name !== buildpackName && processTypes.includes(type));
  const sidecarsMb = others.reduce((sum, other) => sum + other.memoryMb, ownMb);
  return sidecarsMb < memoryMb ? [] : [tooSmall(type, memoryMb, sidecarsMb)];
}

/** The paths on which the health server answers probes. */
const probes: readonly string[] = ['/healthz', '/livez', '/readyz'];

export interface HealthSources {
  readonly beside: CloudProcess;
  readonly healthAddress: ListenAddress;
  /** Used in place of PORT. */
  readonly platformPort: number;
}

/** Finds contradictions between the platform's health check and the sidecar's health server. */
export function findHealthFaults({ beside, healthAddress, platformPort }: HealthSources): Finding[] {
  const { healthCheck, healthEndpoint, type } = beside;
  if (healthAddress.port !== platformPort) return [];
  if (healthCheck === 'process') return [unusedHealth(type)];
  const { host } = healthAddress;
  if (host === '::1' || host === 'localhost' || host?.startsWith('127.')) return [loopbackHealth(host)];
  if (healthCheck === 'port') return [];
  if (!probes.includes(healthEndpoint)) return [noSuchEndpoint(type, healthEndpoint)];
  return healthEndpoint === '/readyz' ? [readinessAsLiveness(type)] : [];
}

function nameTaken(place: string): Finding {
  return errorOf({
    id: 'doctor/processes/name-taken',
    found: `A process named \`${buildpackName}\` is in ${place}`,
    expected: 'The platform keeps one process of each name, so the sidecar would be lost, and no error would say so.',
    next: ['Rename that process.'],
  });
}

function sidecarNameTaken(): Finding {
  return errorOf({
    id: 'doctor/sidecars/name-taken',
    found: `manifest.yml declares a sidecar named \`${buildpackName}\`, and the buildpack brings one of that name`,
    expected: 'The platform refuses the push: it conflicts with an existing user-defined sidecar.',
    next: [
      'Take it out of manifest.yml.',
      `If an earlier push has made it: \`cf curl /v3/apps/$(cf app APP --guid)/sidecars\`, then \`cf curl -X DELETE /v3/sidecars/GUID\`.`,
    ],
  });
}

function unknownType(type: string): Finding {
  return warningOf({
    id: 'doctor/processes/unknown-type',
    found: `SIDECAR_FOR names ${type}, and neither the Procfile nor manifest.yml has such a process`,
    next: ['Correct SIDECAR_FOR, unless the final buildpack declares that type.'],
  });
}

function tooSmall(type: string, memoryMb: number, sidecarsMb: number): Finding {
  return errorOf({
    id: 'doctor/memory/too-small',
    found: `${type} has ${memoryMb} MB, and its sidecars take ${sidecarsMb} MB of them`,
    expected: `The platform refuses less than ${sidecarsMb + 1} MB, and what is left is all that the app itself gets.`,
    next: [`Raise \`memory\` of ${type} to what the app needs and ${sidecarsMb} MB, or lower SIDECAR_MEMORY.`],
  });
}

function unusedHealth(type: string): Finding {
  return warningOf({
    id: 'doctor/health-check/unused',
    found: `The sidecar serves its health on the platform's port, and the health check of ${type} is \`process\``,
    expected: 'The platform then asks no health endpoint, and a faulted plugin goes unnoticed.',
    next: ['Set `health-check-type: http` and `health-check-http-endpoint: /healthz`.'],
  });
}

function loopbackHealth(host: string): Finding {
  return errorOf({
    id: 'doctor/health-check/loopback',
    found: `The sidecar serves its health on the platform's port, but on ${host} only`,
    expected: 'The platform asks from outside, and every instance would fail its health check.',
    next: ['Set SIDECAR_HEALTH_ADDR to `:$PORT`.'],
  });
}

function noSuchEndpoint(type: string, endpoint: string): Finding {
  return errorOf({
    id: 'doctor/health-check/endpoint',
    found: `The health check of ${type} asks the sidecar for ${endpoint}, which answers 404`,
    expected: `There are ${probes.join(', ')}.`,
    next: ['Set `health-check-http-endpoint: /healthz`.'],
  });
}

function readinessAsLiveness(type: string): Finding {
  return warningOf({
    id: 'doctor/health-check/readiness',
    found: `The health check of ${type} is /readyz, which fails while the bus is away or no plugin is connected`,
    expected: 'The platform then restarts the app for something that a restart does not cure.',
    next: ['Set `health-check-http-endpoint: /healthz`, and /readyz as readiness check.'],
  });
}
