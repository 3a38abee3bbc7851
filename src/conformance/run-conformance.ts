import { type ConformanceTest, conformanceTests, type TestId } from './conformance-tests.ts';
import type { Expectations, Profile, Scenario, SceneContext } from './scenario.ts';
import { failed, notApplicable, type ScenarioResult } from './scenario-result.ts';
import { badTimes } from './scenes/bad-times.ts';
import { killedAndRestarted } from './scenes/killed-and-restarted.ts';
import { sharedWork } from './scenes/shared-work.ts';
import { wholeLife } from './scenes/whole-life.ts';
import { withoutPublishGrants } from './scenes/without-publish-grants.ts';
import type { Surroundings } from './surroundings.ts';
import { TestBed } from './test-bed.ts';

/** The scenarios, in order. The first always runs: the others use its observations. */
const scenes: readonly Scenario[] = [wholeLife, killedAndRestarted, badTimes, withoutPublishGrants, sharedWork];

export interface ConformanceOptions extends Expectations {
  readonly around: Surroundings;
  /** Only these tests; empty: all. */
  readonly only: readonly TestId[];
  /** Called when a scenario begins, to show progress. */
  readonly onScene: (name: string) => void;
}

export interface TestResult extends ScenarioResult {
  readonly test: ConformanceTest;
  /** Since the previous result. */
  readonly durationMs: number;
  /** The last lines of the plugin's output when it failed; otherwise empty. */
  readonly output: readonly string[];
}

/** Runs the plugin through the scenarios and returns the results. @throws any error that is not the plugin's. */
export async function runConformance(options: ConformanceOptions): Promise<readonly TestResult[]> {
  const results = new Map<TestId, TestResult>();
  const wanted = conformanceTests.filter(({ id }) => options.only.length === 0 || options.only.includes(id));
  const profile: Profile = {
    isV1Alone: false,
    publishes: false,
    joinsGroup: false,
    takesCallbacks: true,
    startupMs: 0,
    heartbeatPeriodMs: undefined,
  };
  for (const scene of scenes) {
    const isNeeded = scene === wholeLife || scene.judges.some((id) => applies(wanted, id, profile));
    if (!isNeeded || results.get('register')?.outcome === 'failed') continue;
    options.onScene(scene.name);
    await play(scene, options, profile, results);
  }
  return wanted.map((test) => {
    if (profile.isV1Alone && test.beyondV1 !== undefined) {
      return without(test, notApplicable(`it speaks contract v1 alone, and ${test.beyondV1}`));
    }
    return results.get(test.id) ?? without(test, failed('not reached: it did not register'));
  });
}

function applies(wanted: readonly ConformanceTest[], id: TestId, profile: Profile): boolean {
  return wanted.some((test) => test.id === id && !(profile.isV1Alone && test.beyondV1 !== undefined));
}

async function play(
  scene: Scenario,
  options: ConformanceOptions,
  profile: Profile,
  results: Map<TestId, TestResult>,
): Promise<void> {
  const { around } = options;
  let lastMs = around.scheduler.nowMs();
  let bed: TestBed | undefined;
  const context: SceneContext = {
    around,
    claims: options,
    profile,
    async openBed(bedOptions) {
      bed = await TestBed.open(around, bedOptions);
      return bed;
    },
    judge(id, verdict) {
      const test = conformanceTests.find((each) => each.id === id);
      if (!test) return;
      const nowMs = around.scheduler.nowMs();
      const output = verdict.outcome === 'failed' ? [...(bed?.output ?? [])] : [];
      results.set(id, { ...verdict, test, durationMs: Math.round(nowMs - lastMs), output });
      lastMs = nowMs;
    },
  };
  try {
    await scene.play(context);
  } finally {
    await bed?.close();
  }
}

function without(test: ConformanceTest, verdict: ScenarioResult): TestResult {
  return { ...verdict, test, durationMs: 0, output: [] };
}
