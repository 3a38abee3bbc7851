import { manifestMegabytes } from '../../base/manifest-yaml.ts';
import { errorOf, type Finding } from '../finding.ts';
import { asMapping, type Mapping } from '../yaml-text.ts';

/** Finds parts of one application that `cf push` or Cloud Controller refuses, if a sidecar depends on them. */
export function findRefusals(app: Mapping): Finding[] {
  const name = String(app['name'] ?? '');
  const processes = app['processes'] ?? [];
  const places = [app, ...(Array.isArray(processes) ? processes.map(asMapping) : [])];
  return [
    ...(name === '' ? [refused('An application of manifest.yml', 'has no `name`', 'give it one')] : []),
    ...listFaults(app, name),
    ...processFaults(processes, name),
    ...places.flatMap((place) => placeFaults(place, name)),
    ...sidecarFaults(app['sidecars'], name),
    ...findForeignPlatform(app, name),
  ];
}

function listFaults(app: Mapping, name: string): Finding[] {
  const errors = ['buildpacks', 'processes', 'sidecars', 'services'].flatMap((key) =>
    app[key] === undefined || app[key] === null || Array.isArray(app[key])
      ? []
      : [refused(name, `has \`${key}\`, which is not a list`, 'write each on a line that begins with `- `')],
  );
  return app['buildpack'] !== undefined && app['buildpacks'] !== undefined
    ? [...errors, refused(name, 'has both `buildpack` and `buildpacks`', 'keep `buildpacks`')]
    : errors;
}

function processFaults(processes: unknown, name: string): Finding[] {
  const types = (Array.isArray(processes) ? processes : []).map((each) => String(asMapping(each)['type'] ?? ''));
  const repeated = types.filter((type, at) => type !== '' && types.indexOf(type) < at);
  return [
    ...(types.includes('') ? [refused(name, 'has a process without a `type`', 'give it one')] : []),
    ...[...new Set(repeated)].map((type) => refused(name, `has the process ${type} more than once`, 'join the two')),
  ];
}

const healthChecks: readonly unknown[] = ['port', 'process', 'http', 'none', undefined, null];

/** Of the application itself, which means its web process, or of another process. */
function placeFaults(place: Mapping, name: string): Finding[] {
  const instances = place['instances'] ?? 1;
  const check = place['health-check-type'];
  return [
    ...(typeof instances === 'number' && Number.isInteger(instances) && instances >= 0
      ? []
      : [refused(name, `has ${JSON.stringify(instances)} as \`instances\``, 'write a whole number')]),
    ...(healthChecks.includes(check)
      ? []
      : [refused(name, `has the health-check-type ${JSON.stringify(check)}`, 'write port, process or http')]),
  ];
}

function sidecarFaults(sidecars: unknown, name: string): Finding[] {
  return (Array.isArray(sidecars) ? sidecars : []).map(asMapping).flatMap((sidecar) => {
    const its = `has the sidecar ${String(sidecar['name'] ?? '(no name)')}`;
    const { memory, process_types: types } = sidecar;
    return [
      ...(['name', 'command'] as const).flatMap((key) =>
        sidecar[key] ? [] : [refused(name, `${its} without a \`${key}\``, 'give it one')],
      ),
      ...(Array.isArray(types) && types.length > 0
        ? []
        : [refused(name, `${its} without a list of \`process_types\``, 'write `process_types: [web]`')]),
      ...(memory === undefined || memory === null || manifestMegabytes(memory) !== undefined
        ? []
        : [
            refused(
              name,
              `${its} with the memory ${JSON.stringify(memory)}`,
              'write a number with a unit, such as 128M',
            ),
          ]),
    ];
  });
}

function refused(name: string, what: string, next: string): Finding {
  return errorOf({
    id: 'doctor/manifest/refused',
    found: `${name} ${what}`,
    expected: 'The platform refuses such a manifest.',
    next: [`In manifest.yml, ${next}.`],
  });
}

/** Stacks whose C library is older than the one that Node 24 is built for (2.28), and those that are not Linux. */
const unusableStacks = /^(?:cflinuxfs[23]|windows.*)$/;

function findForeignPlatform(app: Mapping, name: string): Finding[] {
  const stack = String(app['stack'] ?? '');
  const lifecycle = app['docker'] === undefined ? String(app['lifecycle'] ?? 'buildpack') : 'docker';
  return [
    ...(unusableStacks.test(stack) ? [wrongStack(name, stack)] : []),
    ...(lifecycle === 'buildpack' ? [] : [wrongLifecycle(name, lifecycle)]),
  ];
}

function wrongStack(name: string, stack: string): Finding {
  return errorOf({
    id: 'doctor/manifest/stack',
    found: `${name} is on the stack ${stack}, where the sidecar's runtime does not start`,
    expected: 'It needs a Linux with glibc 2.28 or later, such as cflinuxfs4.',
    next: ['Set `stack: cflinuxfs4`, or a later one.'],
  });
}

function wrongLifecycle(name: string, lifecycle: string): Finding {
  return errorOf({
    id: 'doctor/manifest/lifecycle',
    found: `${name} has the lifecycle ${lifecycle}, which runs no buildpack like this one`,
    expected: 'A sidecar comes from a supply buildpack, which only the lifecycle `buildpack` runs.',
    next: ['Take `lifecycle` or `docker` out, or put the sidecar into the image: docs/compose.md has how.'],
  });
}
