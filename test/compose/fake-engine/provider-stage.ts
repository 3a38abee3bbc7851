import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type Outcome, runCommand } from '../engine/run-command.ts';
import { type FakeEngine, fakeEngine, knownImage } from './fake-engine.ts';
import type { Call, Play } from './played-provider.ts';

export interface Stage {
  readonly engine: FakeEngine;
  /** `docker compose ARGS` of the project `stage`: the service `prov`, by the provider, and `app`, which depends on it. */
  readonly compose: (...args: string[]) => Promise<Outcome>;
  /** How the provider was called so far, without `metadata`. */
  readonly calls: () => readonly Call[];
}

export interface StageOptions {
  /** The configuration folder of the Docker Compose to use. */
  readonly configDir: string;
  readonly play?: Play;
  /** In place of the provider that plays. */
  readonly provider?: string;
  /** `provider.options`, as YAML on one line. */
  readonly options?: string;
  /** A line of `app` that gives it variables of its own. */
  readonly appEnvironment?: string;
}

/**
 * Docker Compose 5.6 lets dependents go on before it cancels them for the failure of their provider (`run` in its pkg/compose/executor.go),
 * so that one of them may still be created, without variables of the provider, and is never started. 2.40.3 creates none.
 */
export function expectNothingOfDependents({ engine }: Stage, isNewCompose: boolean): void {
  const slippedThrough = { 'stage-app-1': ['OWN=value'] };
  const created = Object.fromEntries(engine.created);
  expect(isNewCompose ? [{}, slippedThrough] : [{}]).toContainEqual(created);
}

/** Real Compose before an engine that is not, with a provider of the test's. */
export async function stage({
  configDir,
  play = {},
  provider,
  options = '{}',
  appEnvironment = 'environment: {OWN: value}',
}: StageOptions): Promise<Stage> {
  const dir = mkdtempSync(path.join(tmpdir(), 'compose-'));
  const at = (name: string): string => path.join(dir, name);
  const engine = await fakeEngine(dir);
  onTestFinished(async () => {
    await engine.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const played = [
    process.execPath,
    path.join(import.meta.dirname, 'played-provider.ts'),
    at('play.json'),
    at('calls.jsonl'),
  ];
  writeFileSync(at('play.json'), JSON.stringify(play));
  writeFileSync(at('played'), `#!/bin/sh\nexec ${played.map((word) => `'${word}'`).join(' ')} "$@"\n`);
  chmodSync(at('played'), 0o755);
  writeFileSync(
    at('compose.yaml'),
    `
name: stage
services:
  prov:
    provider: {type: ${provider ?? at('played')}, options: ${options}}
  app:
    image: ${knownImage}
    network_mode: none
    ${appEnvironment}
    depends_on: [prov]
`,
  );
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: dir,
    DOCKER_CONFIG: configDir,
    DOCKER_HOST: engine.host,
  };
  return {
    engine,
    compose: (...args) => runCommand(['docker', 'compose', '--file', at('compose.yaml'), ...args], environment),
    calls() {
      const lines = existsSync(at('calls.jsonl')) ? readFileSync(at('calls.jsonl'), 'utf8').trim().split('\n') : [];
      return lines.map((line) => JSON.parse(line) as Call).filter((call) => call.arguments?.[1] !== 'metadata');
    },
  };
}
