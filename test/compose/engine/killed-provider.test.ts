import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { composes } from './compose-programs.ts';
import { type ComposeProject, composeProject } from './compose-project.ts';

const onePlugin = path.join(import.meta.dirname, 'one-plugin.yaml');
const realDocker = execFileSync('which', ['docker'], { encoding: 'utf8' }).trim();

interface KillableProject extends ComposeProject {
  /** Kills the provider at its step of that number. @returns whether it came so far. */
  readonly isKilledAt: (step: number, ...args: string[]) => Promise<boolean>;
}

function killableProject(configDir: string, name: string): KillableProject {
  const project = composeProject({ configDir, name, files: [onePlugin] });
  const dir = mkdtempSync(path.join(tmpdir(), 'killing-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  symlinkSync(path.join(import.meta.dirname, 'killing-docker.sh'), path.join(dir, 'docker'));
  const countFile = path.join(dir, 'count');
  const killing = { COUNT_FILE: countFile, DOCKER: realDocker, PATH: `${dir}:/usr/bin:/bin`, TAGS: 'changed' };
  return {
    ...project,
    async isKilledAt(step, ...args) {
      writeFileSync(countFile, '');
      const { exitCode } = await project.composeWith({ ...killing, KILL_AT: String(step) }, ...args);
      const steps = readFileSync(countFile, 'utf8').trim().split('\n');
      expect(exitCode === 0, `${args[0]}, killed at ${step} of ${steps.join('; ')}`).toBe(steps.length < step);
      return exitCode !== 0;
    },
  };
}

// What the provider does is its own, so each step is killed under one Compose or the other.
const [oldest, newest] = composes;

test(`an up that was killed at any step is completed by the next, with Docker Compose ${oldest.version}`, async () => {
  const project = killableProject(oldest.configDir, 'killed-up');
  for (let step = 1; await project.isKilledAt(step, 'up', '--detach'); step += 1) {
    await project.composed('up', '--detach');
    expect(await project.containers()).toEqual(complete(project));
    await project.composed('down', '--timeout', '1');
  }
});

test(`an up that was killed at any step is removed by down, with Docker Compose ${newest.version}`, async () => {
  const project = killableProject(newest.configDir, 'killed-then-down');
  for (let step = 1; await project.isKilledAt(step, 'up', '--detach'); step += 1) {
    await project.composed('down');
    expect(await project.containers()).toEqual([]);
  }
});

test(`a change that was killed at any step is completed by the next up, with Docker Compose ${newest.version}`, async () => {
  const project = killableProject(newest.configDir, 'killed-change');
  let step = 0;
  do {
    step += 1;
    await project.composed('up', '--detach');
    expect(await project.containers()).toEqual(complete(project));
  } while (await project.isKilledAt(step, 'up', '--detach'));
});

test(`a down that was killed at any step is completed by the next, with Docker Compose ${oldest.version}`, async () => {
  const project = killableProject(oldest.configDir, 'killed-down');
  const isKilledAt = async (step: number): Promise<boolean> => {
    await project.composed('up', '--detach');
    return await project.isKilledAt(step, 'down', '--timeout', '1');
  };
  for (let step = 1; await isKilledAt(step); step += 1) {
    await project.composed('down');
    expect(await project.containers()).toEqual([]);
  }
});

/** What there is when all is up. */
function complete({ name }: ComposeProject): string[] {
  return [`${name}-meridian-bus`, `${name}-plugin-1`, `${name}-sidecar-1`, `${name}-sidecar-sidecar`];
}
