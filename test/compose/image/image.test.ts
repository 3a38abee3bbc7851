import { describe, expect, test } from 'vitest';
import { type Docker, type DockerOutcome, dockerThrough } from '../../../src/compose/engine/docker.ts';
import { defaultImage, ensureImage } from '../../../src/compose/image/image.ts';

interface Answer extends Partial<DockerOutcome> {
  /** What the command prints line by line while it runs. */
  readonly lines?: readonly string[];
}

/** An engine whose answers are scripted by the first words of a command; an answer that is used up falls to the last one. */
function scriptedDocker(answers: Readonly<Record<string, readonly Answer[]>>): { docker: Docker; calls: string[] } {
  const calls: string[] = [];
  const left = new Map(Object.entries(answers).map(([command, all]) => [command, [...all]]));
  const docker = dockerThrough(async (args, { onLine } = {}) => {
    calls.push(args.join(' '));
    const [, queue = []] = [...left].find(([command]) => args.join(' ').startsWith(command)) ?? [];
    const { lines = [], ...outcome } = (queue.length > 1 ? queue.shift() : queue[0]) ?? { exitCode: 1 };
    for (const line of lines) onLine?.(line);
    return { exitCode: 0, stdout: '', stderr: '', ...outcome };
  });
  return { docker, calls };
}

const there = { stdout: 'sha256:1 linux/amd64\n' };
const absent = { exitCode: 1, stderr: 'No such image' };

async function ensure(docker: Docker, image: string, base?: string): Promise<{ id: string; reports: string[] }> {
  const reports: string[] = [];
  const report = (text: string): void => void reports.push(text);
  const id = await ensureImage({
    docker,
    image,
    contextDir: '/dist',
    enginePlatform: 'linux/x86_64',
    report,
    ...(base !== undefined && { base }),
  });
  return { id, reports };
}

describe('the image', () => {
  test.each([defaultImage, 'registry.example/sidecar:1'])(
    '%s is used as it is when the engine has it',
    async (image) => {
      const { docker, calls } = scriptedDocker({ 'image inspect': [there] });
      expect(await ensure(docker, image)).toEqual({ id: 'sha256:1', reports: [] });
      expect(calls).toEqual([`image inspect --format {{.Id}} {{.Os}}/{{.Architecture}} ${image}`]);
    },
  );

  test('of ours is built on the base when the engine lacks it, and each step is told', async () => {
    const lines = ['Sending build context', 'Step 2/3 : COPY image /a', ' ---> 12', '#7 [3/5] COPY b', '#8 DONE 0.1s'];
    const { docker, calls } = scriptedDocker({ 'image inspect': [absent, there], build: [{ lines }] });
    expect(await ensure(docker, defaultImage, 'node-base')).toEqual({
      id: 'sha256:1',
      reports: [
        `building ${defaultImage}`,
        `building ${defaultImage}: 2/3 COPY image /a`,
        `building ${defaultImage}: 3/5 COPY b`,
      ],
    });
    expect(calls[1]).toBe(`build --tag ${defaultImage} --build-arg BASE=node-base /dist`);
  });

  test('of somebody else is pulled when the engine lacks it', async () => {
    const lines = ['1: Pulling from library/x', '0123456789ab: Pull complete', 'Digest: sha256:9'];
    const { docker } = scriptedDocker({ 'image inspect': [absent, there], pull: [{ lines }] });
    expect(await ensure(docker, 'x')).toEqual({
      id: 'sha256:1',
      reports: ['pulling x', 'pulling x: 0123456789ab pull complete'],
    });
  });

  test.each([
    [defaultImage, 'compose/image/build', 'manifest unknown'],
    ['x', 'compose/image/pull', 'manifest unknown'],
  ])('%s that cannot be had ends with %s and what the engine said', async (image, id, reason) => {
    const failed = { exitCode: 1, stderr: `a\n${reason}\n\n` };
    const { docker } = scriptedDocker({ 'image inspect': [absent], build: [failed], pull: [failed] });
    await expect(ensure(docker, image)).rejects.toMatchObject({ id, message: expect.stringContaining(reason) });
  });
});
