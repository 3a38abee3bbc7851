import type { Grant } from '../contract/wire/grants.ts';
import { sidecarMethods } from '../contract/wire/methods.ts';
import { deliveries, healthChecks, isAttached } from './conduct.ts';
import type { TestId } from './conformance-tests.ts';
import type { Input, InputMessage } from './input.ts';
import type { Surroundings, TestBed, TestBedOptions } from './test-bed.ts';
import { failed, notApplicable, type Verdict } from './verdict.ts';

/** What the certifier says of the plugin. */
export interface Claims {
  /** What it may publish and subscribe to, and so is expected to; empty: everything, and nothing is expected. */
  readonly grants: readonly Grant[];
  /** What it is sent; empty: something on its first subscription. */
  readonly messages: readonly InputMessage[];
  /** Whether it fails what it does not do at all, even where nothing above says that it should. */
  readonly isStrict: boolean;
  /** How long the plugin may take for one step, such as to start. */
  readonly stepTimeoutMs: number;
}

/** What the first scene learns of the plugin, for the scenes after it. */
export interface Profile {
  isV1Alone: boolean;
  publishes: boolean;
  /** Otherwise it is judged by its heartbeats. */
  takesCallbacks: boolean;
  /** From its start to its registration. */
  startupMs: number;
  /** The longest that two heartbeats were apart; undefined when it sent fewer than two. */
  heartbeatPeriodMs: number | undefined;
}

export interface SceneContext {
  readonly around: Surroundings;
  readonly claims: Claims;
  readonly profile: Profile;
  /** Opens a test bed that is closed with the scene. */
  readonly openBed: (options: TestBedOptions) => Promise<TestBed>;
  /** Notes the verdict on one test. */
  readonly judge: (test: TestId, verdict: Verdict) => void;
}

/** One life of the plugin, or a few, in which several tests are judged. */
export interface Scene {
  /** What happens, for whoever watches the run. */
  readonly name: string;
  readonly judges: readonly TestId[];
  readonly play: (context: SceneContext) => Promise<void>;
}

/** How soon a plugin that takes no callbacks falls over something, if it does. */
const fallTimeoutMs = 1_000;

/** How far two heartbeats of a plugin that takes no callbacks may be apart. */
export const heartbeatPeriodMsMax = 10_000;

/** More misses than a scene can see: for scenes in which no fault is meant. */
export const neverFaulted = 1_000;

export const allTopics: readonly Grant[] = [
  { pattern: '**', action: 'publish' },
  { pattern: '**', action: 'subscribe' },
];

export function grantsOf({ claims }: SceneContext): readonly Grant[] {
  return claims.grants.length > 0 ? claims.grants : allTopics;
}

/** The verdict on something that the plugin does not do at all: a failure only where it was said that it should. */
export function omitted({ claims }: SceneContext, seen: string, action?: Grant['action']): Verdict {
  const isExpected =
    claims.isStrict ||
    claims.grants.some((grant) => grant.action === action) ||
    (action === 'subscribe' && claims.messages.length > 0);
  return isExpected ? failed(seen) : notApplicable(seen);
}

/** Waits until the plugin is admitted after the fact of this index; otherwise says what happened instead. */
export async function registered(bed: TestBed, { claims }: SceneContext, from = 0): Promise<string | undefined> {
  const { journal } = bed;
  const reply = () => journal.sent(sidecarMethods.register, from)[0]?.message;
  await journal.until(claims.stepTimeoutMs, () => reply() !== undefined || bed.exit !== undefined);
  if (reply()?.admitted) return undefined;
  if (reply()) return `it was not admitted: ${reply()?.refusalReason}`;
  return `it ${bed.exit ?? `did not register within ${claims.stepTimeoutMs} ms`}`;
}

/** Starts the plugin, and again when it does not live, until it is admitted; otherwise says what happened instead. */
export async function startUntilRegistered(bed: TestBed, context: SceneContext): Promise<string | undefined> {
  const from = bed.journal.facts.length;
  await bed.startPlugin();
  return registered(bed, context, from);
}

/** What keeps the plugin from being called well and working from here on; undefined when nothing does. */
export async function faultOfWork(bed: TestBed, input: Input, { claims }: SceneContext): Promise<string | undefined> {
  const { journal, life } = bed;
  const from = journal.facts.length;
  if (isAttached(journal, life)) {
    // Two, because a plugin that falls over what happened may still answer one.
    const isWell = () => healthChecks(journal, from).filter(({ answer }) => answer?.healthy).length > 1;
    await journal.until(claims.stepTimeoutMs, () => isWell() || bed.exit !== undefined);
    if (!isWell()) return `it ${bed.exit ?? 'answered no health check'}`;
  } else {
    await journal.until(fallTimeoutMs, () => bed.exit !== undefined);
    if (bed.exit !== undefined) return `it ${bed.exit}`;
  }
  const sent = await input.another();
  if (sent === undefined) return undefined;
  const isTaken = () => hasTaken(bed, sent);
  await journal.until(claims.stepTimeoutMs, () => isTaken() || bed.exit !== undefined);
  return isTaken() ? undefined : `it ${bed.exit ?? 'did not take a message'}`;
}

function hasTaken(bed: TestBed, messageId: string): boolean {
  return deliveries(bed.journal).some(
    ({ envelope, takenAtMs }) => envelope.meta?.messageId === messageId && takenAtMs !== undefined,
  );
}
