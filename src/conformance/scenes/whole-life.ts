import { sidecarMethods } from '../../contract/wire/methods.ts';
import type { Sidecar } from '../../sidecar/sidecar.ts';
import {
  calledBack,
  deliveries,
  healthChecks,
  isAttached,
  isV1Alone,
  joinedGroup,
  publishAttempts,
  saidGoodbye,
  subscriptions,
} from '../conduct.ts';
import { Input } from '../input.ts';
import { judgeEnvelopes, judgeSchemaVersions, judgeTimestamps } from '../message-checks.ts';
import {
  grantsOf,
  heartbeatPeriodMsMax,
  neverFaulted,
  omitted,
  registered,
  type Scenario,
  type SceneContext,
} from '../scenario.ts';
import { failed, passed, type ScenarioResult } from '../scenario-result.ts';
import type { TestBed } from '../test-bed.ts';

const answerTimeoutMs = 5_000;
const takeTimeoutMs = 1_000;
const drainTimeoutMs = 6_000;

/** The plugin starts beside its running sidecar, works, and is stopped together with it. */
export const wholeLife: Scenario = {
  name: 'the plugin starts, works and is stopped',
  judges: [
    ...(['register', 'schema-version', 'health-check', 'publish-envelope', 'dual-timestamps'] as const),
    ...(['subscribe-and-receive', 'graceful-shutdown', 'state-transitions'] as const),
  ],
  async play(context) {
    const { claims, profile, judge } = context;
    const bed = await context.openBed({
      grants: grantsOf(context),
      healthCheckTimeoutMs: answerTimeoutMs,
      faultThreshold: neverFaulted,
    });
    const { journal } = bed;
    await bed.startSidecar();
    const startedMs = journal.nowMs;
    await bed.startPlugin();
    const refusal = await registered(bed, context);
    profile.startupMs = journal.nowMs - startedMs;
    if (refusal !== undefined) return judge('register', failed(refusal));
    judge('register', passed(`admitted ${Math.round(profile.startupMs)} ms after its start`));

    const input = new Input(bed, claims.messages);
    await input.feedUntil(
      () =>
        publishAttempts(journal).some(({ answer }) => answer) &&
        deliveries(journal).some(({ takenAtMs }) => takenAtMs !== undefined) &&
        isAttached(journal),
      claims.stepTimeoutMs,
    );
    profile.isV1Alone = isV1Alone(journal);
    profile.publishes = publishAttempts(journal).length > 0;
    profile.joinsGroup = joinedGroup(journal) !== undefined;
    profile.takesCallbacks = isAttached(journal);
    judge('health-check', await healthVerdict(bed, context));
    judge('subscribe-and-receive', await subscriptionVerdict(bed, input, context));
    judgeMessages(bed, context);
    await input.letSettle();
    judge('graceful-shutdown', await shutdownVerdict(bed));
    judge('state-transitions', transitionsVerdict(bed));
  },
};

async function healthVerdict(bed: TestBed, { profile }: SceneContext): Promise<ScenarioResult> {
  const { journal } = bed;
  if (!isAttached(journal)) return heartbeatVerdict(bed, profile);
  const first = () => healthChecks(journal)[0];
  await journal.until(answerTimeoutMs + 1_000, () => first()?.answer !== undefined || bed.exit !== undefined);
  const { askedAtMs = 0, answer } = first() ?? {};
  if (!answer) return failed(`it ${bed.exit ?? `answered no health check within ${answerTimeoutMs} ms`}`);
  const tookMs = Math.round(answer.atMs - askedAtMs);
  if (tookMs > answerTimeoutMs) return failed(`it answered after ${tookMs} ms`);
  return answer.healthy ? passed(`answered after ${tookMs} ms`) : failed(`it answered "unhealthy" ${answer.detail}`);
}

async function heartbeatVerdict(bed: TestBed, profile: SceneContext['profile']): Promise<ScenarioResult> {
  const { journal } = bed;
  const beats = () => journal.received(sidecarMethods.heartbeat);
  const second = async () => journal.until(heartbeatPeriodMsMax, () => beats()[1] ?? bed.exit !== undefined);
  await journal.until(heartbeatPeriodMsMax, () => beats().length > 0 || bed.exit !== undefined);
  if (beats().length > 0) await second();
  if (bed.exit !== undefined) return failed(`it ${bed.exit}`);
  const [one, two] = beats();
  if (!one) return failed('it takes no callbacks and sends no heartbeats');
  if (!two) return failed(`no second heartbeat came within ${heartbeatPeriodMsMax} ms`);
  profile.heartbeatPeriodMs = Math.round(two.atMs - one.atMs);
  if (!one.message.healthy || !two.message.healthy) return failed('its heartbeats say that it is unhealthy');
  return passed(`heartbeats ${profile.heartbeatPeriodMs} ms apart`);
}

async function subscriptionVerdict(bed: TestBed, input: Input, context: SceneContext): Promise<ScenarioResult> {
  const { journal } = bed;
  if (subscriptions(journal).length === 0) return omitted(context, 'it subscribed to nothing', 'subscribe');
  input.feed();
  const [sent] = await input.ids();
  if (sent === undefined) return failed('it subscribes to no topic of --message');
  const delivery = () => deliveries(journal).find(({ envelope }) => envelope.meta?.messageId === sent);
  await journal.until(takeTimeoutMs, () => delivery() !== undefined);
  await journal.until(takeTimeoutMs, () => delivery()?.takenAtMs !== undefined);
  const { atMs = 0, takenAtMs, envelope } = delivery() ?? {};
  const topic = envelope?.meta?.topic ?? 'its subscription';
  if (!envelope) return failed(`it gave no credit for a message within ${takeTimeoutMs} ms`);
  const tookMs = Math.round((takenAtMs ?? Number.POSITIVE_INFINITY) - atMs);
  if (tookMs <= takeTimeoutMs) return passed(`took a message on ${topic} after ${tookMs} ms`);
  const remedy = '--message gives it one that it knows';
  return failed(`a message on ${topic} was not acknowledged within ${takeTimeoutMs} ms; ${remedy}`);
}

function judgeMessages(bed: TestBed, context: SceneContext): void {
  const { journal } = bed;
  const { around, judge } = context;
  const envelopes = journal.facts.flatMap((fact) =>
    fact.kind === 'stored' && fact.envelope.meta?.publisherInstanceId === around.instanceId ? [fact.envelope] : [],
  );
  const refused = publishAttempts(journal).filter(({ answer }) => answer?.accepted === false);
  const version = journal.received(sidecarMethods.register)[0]?.message.schemaVersion ?? '';
  judge('schema-version', judgeSchemaVersions(version, envelopes));
  const nothing = omitted(context, 'it published nothing', 'publish');
  const why = refused[0]?.answer?.reason;
  const unheard = why === undefined ? nothing : failed(`everything that it published was refused: ${why}`);
  judge('publish-envelope', envelopes.length > 0 ? judgeEnvelopes(envelopes) : unheard);
  judge('dual-timestamps', envelopes.length > 0 ? judgeTimestamps(envelopes, refused) : unheard);
}

async function shutdownVerdict(bed: TestBed): Promise<ScenarioResult> {
  const { journal } = bed;
  if (bed.exit !== undefined) return failed(`it ${bed.exit} before it was told to stop`);
  const startedMs = journal.nowMs;
  // Platforms signal every process of the container at once.
  const sidecarStopped = bed.stopSidecar();
  bed.signalPlugin('SIGTERM');
  const exit = await journal.until(drainTimeoutMs, () => bed.exit);
  const tookMs = Math.round(journal.nowMs - startedMs);
  if (exit === undefined) await bed.killPlugin();
  const sidecarCode = await sidecarStopped;
  if (exit === undefined) return failed(`it still ran ${drainTimeoutMs} ms after SIGTERM`);
  if (!bed.exitedWell()) return failed(`it ${exit}`);
  if (!saidGoodbye(journal)) return failed('it exited without saying that it stopped, nor Leave');
  if (sidecarCode !== 0)
    return failed(`its sidecar would have exited with code ${sidecarCode}: something was unresolved`);
  const heard = calledBack(journal, 'stop') === undefined ? 'SIGTERM' : 'SIGTERM and on_stop';
  return passed(`exit 0, ${tookMs} ms after ${heard}`);
}

const namesInTest: Readonly<Record<Sidecar['state'], string>> = {
  STARTING: 'INITIALIZING',
  REGISTERING: 'INITIALIZING',
  RECOVERING: 'INITIALIZING',
  READY: 'READY',
  RUNNING: 'RUNNING',
  DEGRADED: 'DEGRADED',
  FAULTED: 'FAULTED',
  STANDBY: 'STANDBY',
  SHUTTING_DOWN: 'STOPPED',
  STOPPED: 'STOPPED',
};

function transitionsVerdict(bed: TestBed): ScenarioResult {
  const names = bed.journal.facts.flatMap((fact) => (fact.kind === 'state' ? [namesInTest[fact.state]] : []));
  const seen = names.filter((name, index) => name !== names[index - 1]).join(' → ');
  return seen === 'INITIALIZING → READY → RUNNING → STOPPED' ? passed(seen) : failed(seen);
}
