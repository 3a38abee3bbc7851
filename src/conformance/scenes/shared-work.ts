import { deliveries, joinedGroup } from '../conduct.ts';
import { Input } from '../input.ts';
import type { OtherMember } from '../other-member.ts';
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

const takeTimeoutMs = 1_000;
/** Members take turns, so the other one has a message after two. */
const messagesMax = 8;

/** Another member of the plugin's group takes messages and leaves. */
export const sharedWork: Scenario = {
  name: 'another member of its group leaves',
  judges: ['group-handover'],
  async play(context) {
    if (!context.profile.joinsGroup) return context.judge('group-handover', omitted(context, 'it joined no group'));
    const bed = await context.openBed({
      grants: grantsOf(context),
      healthCheckTimeoutMs: 5_000,
      faultThreshold: neverFaulted,
    });
    await bed.startSidecar();
    const fault = await startUntilRegistered(bed, context);
    const verdict = fault === undefined ? await handover(bed, context) : failed(fault);
    context.judge('group-handover', verdict);
  },
};

async function handover(bed: TestBed, context: SceneContext): Promise<ScenarioResult> {
  const { journal } = bed;
  const input = new Input(bed, context.claims.messages);
  await input.feedUntil(() => joinedGroup(journal) !== undefined, context.claims.stepTimeoutMs);
  const opened = joinedGroup(journal);
  if (!opened) return failed('it joined its group in the first run, and not in this one');
  const other = await bed.joinGroup(opened);
  await shareWith(other, bed, input, context);
  const left = [...other.held];
  if (left.length === 0) return failed(`the other member of ${opened.group} got no message`);
  other.leave();
  const leftMs = journal.nowMs;
  const isTaken = () => left.every((id) => takenAt(bed, id) !== undefined);
  await journal.until(takeTimeoutMs, () => isTaken() || bed.exit !== undefined);
  const tookMs = Math.round(journal.nowMs - leftMs);
  if (isTaken()) return passed(`took ${left.length} messages that another member had, after ${tookMs} ms`);
  if (bed.exit !== undefined) return failed(`it ${bed.exit}`);
  return failed(`a message that another member had was not acknowledged within ${takeTimeoutMs} ms`);
}

/** Sends messages until the other member has one. */
async function shareWith(other: OtherMember, bed: TestBed, input: Input, { claims }: SceneContext): Promise<void> {
  for (let sent = 0; sent < messagesMax && other.held.length === 0; sent += 1) {
    const id = await input.another();
    const arrived = () => other.held.length > 0 || deliveries(bed.journal).some((each) => idIn(each) === id);
    await bed.journal.until(claims.stepTimeoutMs, () => arrived() || bed.exit !== undefined);
  }
}

function takenAt(bed: TestBed, id: string): number | undefined {
  return deliveries(bed.journal).find((each) => idIn(each) === id)?.takenAtMs;
}

function idIn({ envelope }: ReturnType<typeof deliveries>[number]): string | undefined {
  return envelope.meta?.messageId;
}
