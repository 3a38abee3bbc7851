import { buildpackName } from '../../buildpack/layout.ts';
import { errorOf, type Finding, warningOf } from '../finding.ts';
import { type CloudApp, ownSidecar } from './cloud-manifest.ts';

/** Usual names of this buildpack on a platform: the name itself, or the address of a zip or repository. */
const ownName = /meridian[-_]sidecar/i;

/** Whether an entry of `buildpacks` is this buildpack. */
export function isThisBuildpack(entry: string, calledName: string | undefined): boolean {
  return calledName === undefined ? ownName.test(entry) : entry === calledName;
}

/** Finds problems in the order of the buildpacks that prevent the start of the app or of its sidecar. */
export function findOrderFaults(app: CloudApp, calledName: string | undefined): Finding[] {
  const { buildpacks } = app;
  if (buildpacks.length === 0) return ownSidecar(app) ? [] : [unnamed()];
  const places = buildpacks.flatMap((entry, at) => (isThisBuildpack(entry, calledName) ? [at] : []));
  const last = buildpacks.length - 1;
  if (places.length === 0) return [absent(buildpacks, calledName ?? buildpackName)];
  return [
    ...(buildpacks.length === 1 ? [alone()] : places.includes(last) ? [isLast(buildpacks)] : []),
    ...(places.length > 1 ? [twice()] : []),
    ...(buildpacks.length >= 10 ? [tooMany(buildpacks.length)] : []),
  ];
}

const example = '`cf push -b meridian-sidecar -b nodejs_buildpack`';

function unnamed(): Finding {
  return warningOf({
    id: 'doctor/buildpacks/unnamed',
    found: 'manifest.yml names no `buildpacks`',
    expected: 'This buildpack is never found by detection; it must be named, before the final one.',
    next: [`List both under \`buildpacks\`, or push with both: ${example}.`],
  });
}

function absent(buildpacks: readonly string[], name: string): Finding {
  return errorOf({
    id: 'doctor/buildpacks/absent',
    found: `None of the buildpacks ${buildpacks.join(', ')} is ${name}, so the app gets no sidecar`,
    next: [
      `List ${name} before the final buildpack.`,
      'If it is called otherwise there, name it: `meridian-sidecar doctor --buildpack NAME`.',
    ],
  });
}

function alone(): Finding {
  return errorOf({
    id: 'doctor/buildpacks/alone',
    found: 'The only buildpack is this one, which cannot start an app',
    next: [`Name the buildpack of the plugin's language after it: ${example}.`],
  });
}

function isLast(buildpacks: readonly string[]): Finding {
  return errorOf({
    id: 'doctor/buildpacks/last',
    found: `The last buildpack is this one, after ${buildpacks.slice(0, -1).join(', ')}`,
    expected: 'The last one starts the app, which this one cannot.',
    next: [`Name it before the buildpack of the plugin's language: ${example}.`],
  });
}

function twice(): Finding {
  return errorOf({
    id: 'doctor/buildpacks/twice',
    found: 'This buildpack is listed twice',
    next: ['Name it once, before the final buildpack.'],
  });
}

function tooMany(many: number): Finding {
  return errorOf({
    id: 'doctor/buildpacks/ten',
    found: `The app has ${many} buildpacks`,
    expected: 'With ten or more, the platform loses the sidecars of the first ten and prints no error.',
    next: ['Push with nine buildpacks or fewer.'],
  });
}
