import { UserFacingError } from '../../base/user-facing-error.ts';
import { version } from '../../base/version.ts';
import type { Docker, DockerOutcome } from '../engine/docker.ts';
import { checkPlatform } from '../engine/platform.ts';

/** The image of a service that names none. */
export const defaultImage = `meridian-sidecar:${version}`;

export interface ImageRequest {
  readonly docker: Docker;
  readonly image: string;
  /** The base image of the provider's image; absent: the Dockerfile's own. Only for building. */
  readonly base?: string;
  /** The context of a build: the folder with Dockerfile, bundles and `image/`. */
  readonly contextDir: string;
  /** The engine's own spelling; for an existing image. */
  readonly enginePlatform: string;
  /** The value of DOCKER_DEFAULT_PLATFORM. */
  readonly wantedPlatform?: string | undefined;
  /** Called with one short line for each slow step. */
  readonly report: (text: string) => void;
}

/**
 * Ensures that the engine has the image. A missing default image is built, and any other is pulled.
 * @returns the image's id, `sha256:…`.
 * @throws UserFacingError `compose/image/*`.
 */
export async function ensureImage(request: ImageRequest): Promise<string> {
  const { docker, image, enginePlatform: ofEngine, wantedPlatform: wanted } = request;
  const found = (await inspect(request)) ?? (await obtain(request));
  await checkPlatform({ docker, image, ofImage: found.platform, ofEngine, wanted });
  return found.id;
}

async function obtain(request: ImageRequest): Promise<InspectedImage> {
  if (request.image === defaultImage) await buildImage(request);
  else await pullImage(request);
  const found = await inspect(request);
  if (found !== undefined) return found;
  throw new UserFacingError({
    id: 'compose/image/missing',
    found: `the engine has no image ${request.image}, although it was pulled or built without an error`,
    next: ['See with `docker image ls` what the engine has, and try again.'],
  });
}

type BuildRequest = Omit<ImageRequest, 'enginePlatform' | 'wantedPlatform'>;

/**
 * Builds the image, even if the engine has one of that name.
 * @returns the image's id, `sha256:…`.
 * @throws UserFacingError `compose/image/build`.
 */
export async function buildImage({ docker, image, base, contextDir, report }: BuildRequest): Promise<string> {
  report(`building ${image}`);
  const baseArgs = base === undefined ? [] : ['--build-arg', `BASE=${base}`];
  const outcome = await docker.call(['build', '--tag', image, ...baseArgs, contextDir], {
    onLine: (line) => {
      const step = stepOf(line);
      if (step !== undefined) report(`building ${image}: ${step}`);
    },
  });
  if (outcome.exitCode !== 0) throw buildFailed(image, outcome);
  return docker.run(['image', 'inspect', '--format', '{{.Id}}', image]);
}

interface InspectedImage {
  readonly id: string;
  readonly platform: string;
}

async function inspect({ docker, image }: ImageRequest): Promise<InspectedImage | undefined> {
  const found = await docker.call(['image', 'inspect', '--format', '{{.Id}} {{.Os}}/{{.Architecture}}', image]);
  const [id = '', platform = ''] = found.stdout.trim().split(' ');
  return found.exitCode === 0 ? { id, platform } : undefined;
}

/** Gets the newest one of the registry. @throws UserFacingError `compose/image/pull`. */
export async function pullImage({
  docker,
  image,
  report,
}: Pick<ImageRequest, 'docker' | 'image' | 'report'>): Promise<void> {
  report(`pulling ${image}`);
  const outcome = await docker.call(['pull', image], {
    onLine: (line) => {
      const layer = /^([0-9a-f]{12}): (Pull complete|Already exists)/.exec(line.trim());
      if (layer) report(`pulling ${image}: ${layer[1]} ${layer[2]?.toLowerCase()}`);
    },
  });
  if (outcome.exitCode !== 0) throw pullFailed(image, outcome);
}

/** The next step of a build, as the classic builder (`Step 3/9 : COPY a b`) and BuildKit (`#7 [3/5] COPY a b`) print it. */
function stepOf(line: string): string | undefined {
  const [, at, instruction] = /^(?:Step (\d+\/\d+) : |#\d+ \[(?:\S+ )?(?=\d+\/\d+\] ))(.*)$/.exec(line.trim()) ?? [];
  if (instruction === undefined) return undefined;
  const step = at === undefined ? instruction.replace('] ', ' ') : `${at} ${instruction}`;
  return step.length > stepLengthMax ? `${step.slice(0, stepLengthMax - 1)}…` : step;
}

/** Compose shows it in one row of a terminal, after the name of the service. */
const stepLengthMax = 60;

function buildFailed(image: string, outcome: DockerOutcome): UserFacingError {
  return new UserFacingError({
    id: 'compose/image/build',
    found: `the engine did not build ${image}: ${lastLine(outcome)}`,
    expected: 'It is built on an image with Node 24, which the engine has or can pull.',
    next: [
      'Name a base that the engine has with the option `base`, or a finished image with the option `image`.',
      'Where no registry can be reached, make a base of local files: src/compose/image/offline-base.',
    ],
  });
}

function pullFailed(image: string, outcome: DockerOutcome): UserFacingError {
  return new UserFacingError({
    id: 'compose/image/pull',
    found: `the engine has no image ${image} and could not pull it: ${lastLine(outcome)}`,
    next: [`Correct the option \`image\`, or leave it out: then ${defaultImage} is built.`],
  });
}

function lastLine({ exitCode, stdout, stderr }: DockerOutcome): string {
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
  return lines.findLast((line) => line !== '') ?? `docker ended with ${exitCode} and said nothing`;
}
