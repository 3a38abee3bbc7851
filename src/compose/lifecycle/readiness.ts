import { UserFacingError } from '../../base/user-facing-error.ts';
import { defaultHealthPort } from '../../contract/config/settings/port-settings.ts';
import type { Docker } from '../engine/docker.ts';
import { type Provider, report } from '../provider.ts';

export interface ReadinessRequest {
  readonly ownerId: string;
  readonly sidecarId: string;
  readonly timeoutMs: number;
  /** What else may help when the sidecar does not become ready. */
  readonly hints: readonly string[];
  /** Throws when something else has failed that the sidecar needs to become ready. */
  readonly checkOthers: () => Promise<void>;
}

/** Interval between progress messages. */
const sliceMs = 5_000;

/**
 * Resolves once the sidecar accepts its plugin. A sidecar whose plugin is faulted has been ready, and replacing the plugin is
 * Compose's task. The question is asked from inside the network owner, which shares the sidecar's network and not its memory.
 * @throws UserFacingError `compose/sidecar/*`.
 */
export async function waitUntilReady(provider: Provider, request: ReadinessRequest): Promise<void> {
  const { docker, scheduler } = provider;
  const giveUp = new AbortController();
  const startedMs = scheduler.nowMs();
  const ended = docker.call(['wait', request.sidecarId], { signal: giveUp.signal }).then(({ stdout, exitCode }) => {
    // An aborted call says nothing about the sidecar.
    if (exitCode !== 0) return new Promise<never>(() => {});
    return Number(stdout.trim());
  });
  try {
    for (;;) {
      const leftMs = request.timeoutMs - (scheduler.nowMs() - startedMs);
      const answer = await Promise.race([
        ask(docker, request.ownerId, Math.min(sliceMs, leftMs), giveUp.signal),
        ended,
      ]);
      if (typeof answer !== 'number' && answer.isReady) return;
      await request.checkOthers();
      if (typeof answer === 'number') throw sidecarEnded(answer, await lastLines(docker, request.sidecarId), request);
      const seconds = Math.round((scheduler.nowMs() - startedMs) / 1_000);
      report(provider, `waiting for the sidecar, ${answer.state} (${seconds} s)`);
      if (scheduler.nowMs() - startedMs >= request.timeoutMs) {
        throw notReady(answer.state, await lastLines(docker, request.sidecarId), request);
      }
    }
  } finally {
    giveUp.abort();
  }
}

interface Answer {
  readonly isReady: boolean;
  readonly state: string;
}

async function ask(docker: Docker, ownerId: string, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
  const timeout = `${Math.max(100, Math.ceil(timeoutMs))}ms`;
  const command = ['meridian-sidecar', 'wait', '--address', `127.0.0.1:${defaultHealthPort}`, '--timeout', timeout];
  const { exitCode, stdout, stderr } = await docker.call(['exec', ownerId, ...command], { signal });
  const state = /\bit is ([A-Z_]+)/.exec(`${stdout}${stderr}`)?.[1];
  if (exitCode === 0 || state === 'FAULTED') return { isReady: true, state: state ?? 'READY' };
  if (exitCode !== notReadyExitCode) throw cannotAsk(exitCode, stderr);
  return { isReady: false, state: state ?? 'which does not answer yet' };
}

/** The exit code of `meridian-sidecar wait`. */
const notReadyExitCode = 75;

/** The last output of a container, on one line. */
export async function lastLines(docker: Docker, id: string): Promise<string> {
  const { stdout, stderr } = await docker.call(['logs', '--tail', '30', id]);
  // Errors go to stderr, and a person needs those first.
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
  const told = lines.filter((line) => line !== '');
  return told.slice(-4).join(' | ');
}

function sidecarEnded(exitCode: number, last: string, { hints }: ReadinessRequest): UserFacingError {
  return new UserFacingError({
    id: 'compose/sidecar/ended',
    found: `the sidecar ended with ${exitCode} while it started: ${last}`,
    next: ['Correct what it names, and try again.', ...hints],
  });
}

function notReady(state: string, last: string, { timeoutMs, hints }: ReadinessRequest): UserFacingError {
  return new UserFacingError({
    id: 'compose/sidecar/not-ready',
    found: `the sidecar was not ready within ${timeoutMs / 1_000} s, ${state}: ${last}`,
    next: ['Correct what its log names, or give it longer with the option `timeout`.', ...hints],
  });
}

function cannotAsk(exitCode: number, stderr: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/sidecar/unaskable',
    found: `the image cannot tell whether its sidecar is ready: \`meridian-sidecar wait\` ended with ${exitCode}: ${stderr.trim()}`,
    expected: 'An image for the provider has `sleep`, `sh` and `meridian-sidecar` on its PATH.',
    next: ['Name an image that is built by `meridian-sidecar compose image`, or leave the option `image` out.'],
  });
}
