import { sidecarMethods } from '../contract/wire/methods.ts';
import type { Grant } from '../contract/wire/topics/grants.ts';
import { deliveries, healthChecks, isAttached } from './conduct.ts';
import type { TestId } from './conformance-tests.ts';
import type { Input, InputMessage } from './input.ts';
import { failed, notApplicable, type ScenarioResult } from './scenario-result.ts';
import type { Surroundings } from './surroundings.ts';
import type { TestBed, TestBedOptions } from './test-bed.ts';

/** The expectations that the command's options state. */
export interface Expectations {
  /** What the plugin may publish and subscribe to, and is expected to; empty: everything, and nothing is expected. */
  readonly grants: readonly Grant[];
  /** The messages to send; empty: one on its first subscription. */
  readonly messages: readonly InputMessage[];
  /** Whether the plugin also fails for omitted behaviour that nothing above expects. */
  readonly isStrict: boolean;
  /** How long the plugin may take for one step, such as its start. */
  readonly stepTimeoutMs: number;
}

/** Observations of the first scenario, for later ones. */
export interface Profile {
  isV1Alone: boolean;
  publishes: boolean;
  joinsGroup: boolean;
  /** Otherwise its heartbeats show its health. */
  takesCallbacks: boolean;
  /** From its start to its registration. */
  startupMs: number;
  /** The longest time between two heartbeats; undefined when it sent fewer than two. */
  heartbeatPeriodMs: number | undefined;
}

export interface SceneContext {
  readonly around: Surroundings;
  readonly claims: Expectations;
  readonly profile: Profile;
  /** Opens a test bed that is closed with the scenario. */
  readonly openBed: (options: TestBedOptions) => Promise<TestBed>;
  /** Records the result of one test. */
  readonly judge: (test: TestId, verdict: ScenarioResult) => void;
}

/** One life of the plugin, or a few, for several tests. */
export interface Scenario {
  /** For people who watch the run. */
  readonly name: string;
  readonly judges: readonly TestId[];
  readonly play: (context: SceneContext) => Promise<void>;
}

/** A plugin without callbacks that crashes because of an event does so within this time. */
const fallTimeoutMs = 1_000;

/** The longest allowed time between two heartbeats of a plugin without callbacks. */
export const heartbeatPeriodMsMax = 10_000;

/** More misses than a scenario can contain: for scenarios without a fault. */
export const neverFaulted = 1_000;

export const allTopics: readonly Grant[] = [
  { pattern: '**', action: 'publish' },
  { pattern: '**', action: 'subscribe' },
];

export function grantsOf({ claims }: SceneContext): readonly Grant[] {
  return claims.grants.length > 0 ? claims.grants : allTopics;
}

/** The result for omitted behaviour: a failure only where it is expected. */
export function omitted({ claims }: SceneContext, seen: string, action?: Grant['action']): ScenarioResult {
  const isExpected =
    claims.isStrict ||
    claims.grants.some((grant) => grant.action === action) ||
    (action === 'subscribe' && claims.messages.length > 0);
  return isExpected ? failed(seen) : notApplicable(seen);
}

/** Waits until the plugin has registered after the fact of this index; otherwise returns what happened instead. */
export async function registered(bed: TestBed, { claims }: SceneContext, from = 0): Promise<string | undefined> {
  const { journal } = bed;
  const reply = () => journal.sent(sidecarMethods.register, from)[0]?.message;
  await journal.until(claims.stepTimeoutMs, () => reply() !== undefined || bed.exit !== undefined);
  if (reply()?.admitted) return undefined;
  if (reply()) return `it was not admitted: ${reply()?.refusalReason}`;
  return `it ${bed.exit ?? `did not register within ${claims.stepTimeoutMs} ms`}`;
}

/** Starts the plugin, and restarts it when it ends, until it has registered; otherwise returns what happened instead. */
export async function startUntilRegistered(bed: TestBed, context: SceneContext): Promise<string | undefined> {
  const from = bed.journal.facts.length;
  await bed.startPlugin();
  return registered(bed, context, from);
}

/** Why the plugin does not count as healthy and working after this call; undefined when it does. */
export async function faultOfWork(bed: TestBed, input: Input, { claims }: SceneContext): Promise<string | undefined> {
  const { journal, life } = bed;
  const from = journal.facts.length;
  if (isAttached(journal, life)) {
    // Two, because a plugin that crashes because of the event may still answer one.
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
