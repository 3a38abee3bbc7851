import { expect, test } from 'vitest';
import type { GrantDecision } from '../../src/bus/store/store.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import type { CreateStore } from './store-fixtures.ts';

export function describeDecisions(createStore: CreateStore): void {
  const decision = (
    instanceId: string,
    pattern: string,
    { verdict = 'approved', by = 'ops' }: Partial<Pick<GrantDecision, 'verdict' | 'by'>> = {},
  ): GrantDecision => ({
    instanceId,
    action: 'publish',
    pattern,
    verdict,
    by,
    decidedAtNs: 1_790_000_000_123_456_789n,
  });

  test('decisions are kept as they were given, the latest last', async () => {
    const store = await createStore({ scheduler: new VirtualScheduler(1) });
    expect(await store.decisions()).toEqual([]);
    await store.recordDecisions([decision('one', 'a.*'), decision('two', 'a.*')]);
    await store.recordDecisions([{ ...decision('one', 'a.*'), action: 'subscribe' }]);
    expect(await store.decisions()).toEqual([
      decision('one', 'a.*'),
      decision('two', 'a.*'),
      { ...decision('one', 'a.*'), action: 'subscribe' },
    ]);
  });

  test('a later decision on the same grant takes the place of the earlier one, as the latest', async () => {
    const store = await createStore({ scheduler: new VirtualScheduler(1) });
    await store.recordDecisions([decision('one', 'a.*'), decision('one', 'b.*')]);
    await store.recordDecisions([decision('one', 'a.*', { verdict: 'revoked', by: 'else' })]);
    expect(await store.decisions()).toEqual([
      decision('one', 'b.*'),
      decision('one', 'a.*', { verdict: 'revoked', by: 'else' }),
    ]);
  });
}
