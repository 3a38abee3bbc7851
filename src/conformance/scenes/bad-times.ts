import { sleep } from '../../base/time/scheduler.ts';
import { sidecarMethods } from '../../contract/wire/methods.ts';
import { calledBack, healthChecks, isAttached } from '../conduct.ts';
import { Input } from '../input.ts';
import {
  faultOfWork,
  grantsOf,
  heartbeatPeriodMsMax,
  registered,
  type Scenario,
  type SceneContext,
  startUntilRegistered,
} from '../scenario.ts';
import { failed, passed, type ScenarioResult } from '../scenario-result.ts';
import type { TestBed } from '../test-bed.ts';

const answerTimeoutMs = 1_000;
const faultThreshold = 3;
/** For a plugin whose heartbeats were never seen. */
const usualHeartbeatMs = 5_000;

/** The sidecar starts late, the bus stops and restarts, and the plugin is suspended until it is faulted. */
export const badTimes: Scenario = {
  name: 'the sidecar comes late, the bus goes away, the plugin is suspended',
  judges: ['sidecar-readiness', 'degraded-state', 'faulted-state'],
  async play(context) {
    const { claims, profile, judge } = context;
    const bed = await context.openBed({
      grants: grantsOf(context),
      healthCheckTimeoutMs: profile.takesCallbacks ? answerTimeoutMs : heartbeatTimeoutMs(profile),
      faultThreshold,
    });
    judge('sidecar-readiness', await readinessVerdict(bed, context));
    const input = new Input(bed, claims.messages);
    await input.letSettle();
    judge('degraded-state', await inLife(bed, input, context, degradedVerdict));
    judge('faulted-state', await inLife(bed, input, context, faultedVerdict));
  },
};

/** How long a plugin without callbacks has for its next heartbeat. */
function heartbeatTimeoutMs({ heartbeatPeriodMs = usualHeartbeatMs }: SceneContext['profile']): number {
  return 1.5 * heartbeatPeriodMs;
}

async function readinessVerdict(bed: TestBed, context: SceneContext): Promise<ScenarioResult> {
  const { around, profile } = context;
  const { journal } = bed;
  // Attempts to connect are not visible from outside, so the plugin gets twice the time that its start takes.
  const delayMs = Math.min(5_000, Math.max(1_000, 2 * profile.startupMs));
  await bed.startPlugin();
  await Promise.race([sleep(around.scheduler, delayMs), journal.until(delayMs, () => bed.exit !== undefined)]);
  const earlyExit = bed.exit;
  await bed.startSidecar();
  if (earlyExit !== undefined) return failed(`without a sidecar it ${earlyExit}`);
  const fault = await registered(bed, context);
  if (fault !== undefined) return failed(`its sidecar came ${Math.round(delayMs)} ms late, and ${fault}`);
  const registeredAt = journal.facts.findIndex(
    (fact) => fact.kind === 'sent' && fact.path === sidecarMethods.register.path,
  );
  const early = journal.facts
    .slice(0, registeredAt)
    .find((fact) => fact.kind === 'called' && !isAllowedEarly(fact.path));
  if (early?.kind === 'called') return failed(`it called ${early.path.slice(1)} before it was registered`);
  return passed(`waited ${Math.round(delayMs)} ms, and registered first`);
}

function isAllowedEarly(path: string): boolean {
  return path === sidecarMethods.register.path || path.startsWith('/grpc.health.v1.');
}

/** Runs checks on a live, registered plugin; restarts it when it has ended. */
async function inLife(
  bed: TestBed,
  input: Input,
  context: SceneContext,
  judgeLife: (bed: TestBed, input: Input, context: SceneContext) => Promise<ScenarioResult>,
): Promise<ScenarioResult> {
  if (bed.exit !== undefined || bed.sidecarState !== 'RUNNING') {
    await bed.killPlugin();
    // A plugin that starts while the sidecar still looks for the bus is told so, which belongs to no test after that.
    await bed.journal.until(context.claims.stepTimeoutMs, () => bed.sidecarState !== 'DEGRADED');
    const fault = await startUntilRegistered(bed, context);
    if (fault !== undefined) return failed(fault);
    await input.letSettle();
  }
  return judgeLife(bed, input, context);
}

async function degradedVerdict(bed: TestBed, input: Input, context: SceneContext): Promise<ScenarioResult> {
  const { journal } = bed;
  const { stepTimeoutMs } = context.claims;
  if (!isAttached(journal, bed.life)) return failed('it takes no callbacks: its sidecar cannot tell it');
  const from = journal.facts.length;
  bed.stopBus();
  await journal.until(stepTimeoutMs, () => calledBack(journal, 'degrade', from) !== undefined);
  const away = journal.facts.length;
  const answers = () => healthChecks(journal, away).filter(({ answer }) => answer?.healthy);
  await journal.until(stepTimeoutMs, () => answers().length > 1 || bed.exit !== undefined);
  const [exit, answered] = [bed.exit, answers().length];
  await bed.startBus();
  await journal.until(stepTimeoutMs, () => calledBack(journal, 'resume', from) !== undefined || bed.exit !== undefined);
  if (exit !== undefined) return failed(`while the bus was away it ${exit}`);
  if (answered === 0) return failed('while the bus was away it answered no health check');
  if (calledBack(journal, 'resume', from) === undefined) return failed('it was not told that the bus is back');
  const fault = await faultOfWork(bed, input, context);
  return fault === undefined
    ? passed('told of both, answered health checks meanwhile, and works')
    : failed(`when the bus was back, ${fault}`);
}

async function faultedVerdict(bed: TestBed, input: Input, context: SceneContext): Promise<ScenarioResult> {
  const { journal } = bed;
  const { claims, profile } = context;
  if (!isAttached(journal, bed.life)) {
    // Its health is watched from its first heartbeat. If it were suspended before that, it would never be faulted.
    const beats = () => journal.received(sidecarMethods.heartbeat, bed.life).length > 0;
    await journal.until(heartbeatPeriodMsMax, () => beats() || bed.exit !== undefined);
    if (bed.exit !== undefined) return failed(`it ${bed.exit}`);
    if (!beats())
      return failed('it takes no callbacks and sent no heartbeat, so that its suspension could not be seen');
  }
  const timeoutMs = claims.stepTimeoutMs + (profile.takesCallbacks ? answerTimeoutMs : heartbeatTimeoutMs(profile));
  const becomes = (state: TestBed['sidecarState']) =>
    journal.until(timeoutMs, () => bed.sidecarState === state || bed.exit !== undefined);
  const frozenMs = journal.nowMs;
  bed.signalPlugin('SIGSTOP');
  await becomes('FAULTED');
  const faultedAfterMs = Math.round(journal.nowMs - frozenMs);
  const state = bed.sidecarState;
  bed.signalPlugin('SIGCONT');
  if (state !== 'FAULTED') return failed(`suspended for ${faultedAfterMs} ms, it was not faulted`);
  await becomes('RUNNING');
  if (bed.exit !== undefined) return failed(`resumed, it ${bed.exit}`);
  if (bed.sidecarState !== 'RUNNING') return failed(`resumed, it did not heal: its sidecar is ${bed.sidecarState}`);
  const fault = await faultOfWork(bed, input, context);
  return fault === undefined
    ? passed(`faulted after ${faultedAfterMs} ms without an answer, healed by one, and works`)
    : failed(`resumed, ${fault}`);
}
