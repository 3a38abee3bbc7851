import { type ServerInfo, TimeoutError } from '@nats-io/transport-node';
import { type Scheduler, sleep } from '../../../base/time/scheduler.ts';
import { limits } from '../../../contract/wire/limits.ts';
import {
  JetStreamError,
  jetStreamCodes,
  oldestServer,
  oldServer,
  smallPayload,
  streamDiffers,
  streamFault,
  streamMissing,
} from './nats-fault.ts';
import type { Stream } from './stream.ts';

export interface StreamSettings {
  readonly subjects: string;
  readonly replicas: number;
  /** The most bytes of the whole stream. */
  readonly bytes: number;
}

/** A state with its other fields. */
const payloadMin = limits.stateBytes + 128 * 1024;

/** @throws UserFacingError */
export function checkServer(info: ServerInfo | undefined): void {
  const { version = '0', max_payload: payload = 0 } = info ?? {};
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = oldestServer;
  if (payload < payloadMin) throw smallPayload({ found: payload, wanted: payloadMin });
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) throw oldServer(version);
}

/** Checks the stream and never changes it. `ifMissing`: whether it is made if there is none. @throws UserFacingError */
export async function makeStream(
  stream: Stream,
  settings: StreamSettings,
  ifMissing: 'make' | 'refuse',
  scheduler: Scheduler,
): Promise<void> {
  const existing = await patiently({ stream, scheduler }, () => configOf(stream));
  if (existing) {
    const differences = differencesOf(existing, settings);
    if (differences.length > 0) throw streamDiffers(stream.name, differences);
    return;
  }
  if (ifMissing === 'refuse') throw streamMissing(stream.name);
  await patiently({ stream, scheduler }, () =>
    stream.request(`STREAM.CREATE.${stream.name}`, configFor(stream.name, settings)),
  );
}

/** While servers elect a leader, which takes 4 to 9 s, nobody answers, or they say that they cannot now. */
const patienceMs = 30_000;
const askAgainAfterMs = 250;

/** Asks again while there is no answer. Repeating these requests changes nothing. @throws UserFacingError */
async function patiently<T>(
  { stream, scheduler }: { readonly stream: Stream; readonly scheduler: Scheduler },
  ask: () => Promise<T>,
): Promise<T> {
  const endMs = scheduler.nowMs() + patienceMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isPassing =
        error instanceof TimeoutError || (error instanceof JetStreamError && error.code === jetStreamCodes.notNow);
      if (!isPassing || scheduler.nowMs() >= endMs) throw streamFault(stream.name, error);
      await sleep(scheduler, askAgainAfterMs);
    }
  }
}

async function configOf(stream: Stream): Promise<Record<string, unknown> | undefined> {
  try {
    return (await stream.request(`STREAM.INFO.${stream.name}`))['config'] as Record<string, unknown>;
  } catch (error) {
    if (error instanceof JetStreamError && error.code === jetStreamCodes.streamNotFound) return undefined;
    throw error;
  }
}

/** What the store stands on. */
const needed = {
  retention: 'limits',
  storage: 'file',
  discard: 'new',
  max_age: 0,
  max_msgs: -1,
  max_msgs_per_subject: -1,
  allow_direct: true,
  allow_rollup_hdrs: true,
  allow_atomic: true,
  allow_msg_ttl: true,
} as const;

function configFor(name: string, { subjects, replicas, bytes }: StreamSettings): Record<string, unknown> {
  return { name, subjects: [subjects], num_replicas: replicas, max_bytes: bytes, ...needed };
}

/** Where an existing stream differs from the settings. */
function differencesOf(existing: Record<string, unknown>, { subjects, replicas, bytes }: StreamSettings): string[] {
  const wanted = { ...needed, subjects: [subjects], num_replicas: replicas };
  const differences = Object.entries(wanted)
    .map(([name, value]) => ({ name, is: JSON.stringify(existing[name] ?? false), wanted: JSON.stringify(value) }))
    .filter((each) => each.is !== each.wanted)
    .map((each) => `${each.name} is ${each.is}, and ${each.wanted} is wanted`);
  const { max_bytes: mostBytes } = existing;
  if (typeof mostBytes === 'number' && mostBytes >= 0 && mostBytes < bytes) {
    differences.push(`max_bytes is ${mostBytes}, and at least ${bytes} is wanted`);
  }
  return differences;
}
