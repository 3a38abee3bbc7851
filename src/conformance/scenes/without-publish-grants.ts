import { publishAttempts } from '../conduct.ts';
import { Input } from '../input.ts';
import {
  allTopics,
  faultOfWork,
  grantsOf,
  neverFaulted,
  omitted,
  type Scenario,
  startUntilRegistered,
} from '../scenario.ts';
import { failed, passed } from '../scenario-result.ts';

/** The plugin may subscribe and not publish. */
export const withoutPublishGrants: Scenario = {
  name: 'the plugin may publish nothing',
  judges: ['acl-enforcement'],
  async play(context) {
    const { claims, profile, judge } = context;
    const mayOnly = (grants: typeof allTopics) => grants.filter(({ action }) => action === 'subscribe');
    const grants = mayOnly(grantsOf(context));
    const bed = await context.openBed({
      // Without any grant the plugin could not even register.
      grants: grants.length > 0 ? grants : mayOnly(allTopics),
      healthCheckTimeoutMs: 5_000,
      faultThreshold: neverFaulted,
    });
    await bed.startSidecar();
    const fault = await startUntilRegistered(bed, context);
    if (fault !== undefined) return judge('acl-enforcement', failed(fault));
    const input = new Input(bed, claims.messages);
    const rejected = () => publishAttempts(bed.journal).find(({ answer }) => answer?.accepted === false);
    await input.feedUntil(() => rejected() !== undefined, claims.stepTimeoutMs);
    if (!rejected() && !profile.publishes)
      return judge('acl-enforcement', omitted(context, 'it published nothing', 'publish'));
    const fallen = await faultOfWork(bed, input, context);
    if (fallen !== undefined) return judge('acl-enforcement', failed(`without publish grants, ${fallen}`));
    const topic = rejected()?.request.topic;
    judge(
      'acl-enforcement',
      passed(
        topic === undefined ? 'saw that it has no grant, and tried nothing' : `rejected on ${topic}, and it goes on`,
      ),
    );
  },
};
