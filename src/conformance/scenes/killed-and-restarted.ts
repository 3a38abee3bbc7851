import { pluginMethods, sidecarMethods } from '../../contract/wire/methods.ts';
import { publishAttempts } from '../conduct.ts';
import { Input } from '../input.ts';
import { judgeDedupKeys } from '../message-checks.ts';
import {
  grantsOf,
  neverFaulted,
  omitted,
  type Scenario,
  type SceneContext,
  startUntilRegistered,
} from '../scenario.ts';
import { failed, passed, type ScenarioResult } from '../scenario-result.ts';
import type { TestBed } from '../test-bed.ts';

/**
 * The plugin is killed just before it learns that its first message is stored, restarted, killed when it has saved, and
 * restarted.
 */
export const killedAndRestarted: Scenario = {
  name: 'the plugin is killed after it published, and after it saved state',
  judges: ['dedup-key', 'state-save-load'],
  async play(context) {
    const { judge } = context;
    const bed = await context.openBed({
      grants: grantsOf(context),
      healthCheckTimeoutMs: 5_000,
      faultThreshold: neverFaulted,
    });
    await bed.startSidecar();
    const input = new Input(bed, context.claims.messages);
    const publishing = await killAtFirstPublish(bed, input, context);
    const again = await liveUntilSaved(bed, input, context);
    const fault = publishing.fault ?? again.fault;
    if (fault !== undefined) {
      for (const test of killedAndRestarted.judges) judge(test, failed(fault));
      return;
    }
    const [before, after] = [publishAttempts(bed.journal).slice(0, publishing.attempts), again.attempts];
    const publishes = before.length + after.length > 0;
    judge('dedup-key', publishes ? judgeDedupKeys(before, after) : omitted(context, 'it published nothing', 'publish'));
    judge('state-save-load', await loadVerdict(bed, input, context, again.saved));
  },
};

/** The plugin is killed before it knows that its message was stored, so it has to publish it again. */
async function killAtFirstPublish(bed: TestBed, input: Input, context: SceneContext) {
  const { journal } = bed;
  const answers = new Set<string>([sidecarMethods.publish.path, pluginMethods.publish.path]);
  bed.withhold((path) => answers.has(path));
  const fault = await startUntilRegistered(bed, context);
  const isStored = () => publishAttempts(journal).some(({ answer }) => answer?.accepted);
  await input.feedUntil(isStored, context.claims.stepTimeoutMs);
  await bed.killPlugin();
  bed.withhold(() => false);
  return { fault, attempts: publishAttempts(journal).length };
}

async function liveUntilSaved(bed: TestBed, input: Input, context: SceneContext) {
  const { journal } = bed;
  const { stepTimeoutMs } = context.claims;
  const from = journal.facts.length;
  const saves = () => journal.sent(pluginMethods.saveState, from);
  const fault = await startUntilRegistered(bed, context);
  const { publishes } = context.profile;
  await input.feedUntil(
    () => saves().length > 0 && (!publishes || publishAttempts(journal, from).some(({ answer }) => answer)),
    stepTimeoutMs,
  );
  // Its publishes about another message are other events, whatever their payload.
  const attempts = publishAttempts(journal, from);
  // The life before this one may have handled the message already, with all that follows from it.
  if (saves().length === 0) await input.another();
  await input.feedUntil(() => saves().length > 0, stepTimeoutMs);
  // Some plugins save only when they stop.
  if (saves().length === 0) await bed.terminatePlugin(stepTimeoutMs);
  await bed.killPlugin();
  const confirmed = saves().at(-1)?.call;
  const saved = journal.received(pluginMethods.saveState).find(({ call }) => call === confirmed)?.message.state;
  return { fault, attempts, saved };
}

async function loadVerdict(
  bed: TestBed,
  input: Input,
  context: SceneContext,
  saved: Uint8Array | undefined,
): Promise<ScenarioResult> {
  if (saved === undefined) return omitted(context, 'it saved no state');
  const { journal } = bed;
  const { stepTimeoutMs } = context.claims;
  const from = journal.facts.length;
  const fault = await startUntilRegistered(bed, context);
  if (fault !== undefined) return failed(`started again, ${fault}`);
  const loads = () => journal.sent(pluginMethods.loadState, from);
  const saves = () => journal.received(pluginMethods.saveState, from);
  const hasBegun = () => loads().length > 0 || saves().length > 0;
  await input.feedUntil(hasBegun, stepTimeoutMs);
  // Some plugins load state only when they have work to do.
  if (!hasBegun()) await input.another();
  await input.feedUntil(hasBegun, stepTimeoutMs);
  const [load] = loads();
  if (!load) return failed(`it saved ${saved.length} bytes and, started again, did not ask for them`);
  const [save] = saves();
  if (save && save.atMs < load.atMs) return failed('started again, it saved other state before it asked');
  if (Buffer.compare(load.message.state, saved) !== 0)
    return failed('the state that it was given is not the one it saved');
  return passed(`${saved.length} bytes saved, and asked for by the next start`);
}
