import { silentLog } from '../base/log/log.ts';
import { sleep } from '../base/time/scheduler.ts';
import type { PolicyRule } from '../bus/access/policy.ts';
import { type RunningBus, serveBus } from '../bus/serve-bus.ts';
import { MemoryStore } from '../bus/store/in-memory/memory-store.ts';
import type { Grant } from '../contract/wire/topics/grants.ts';
import { checkArgument, checkMembers, checkOptions, text, whole } from '../plugin/arguments.ts';
import type { Log, Message, Plugin } from '../plugin/index.ts';
import { TestInstance } from './instance.ts';
import {
  type Grants,
  grantKinds,
  type InstanceOptions,
  instanceOptionKinds,
  type NextOptions,
  nextOptionKinds,
  type PlatformOptions,
} from './options.ts';
import { type PlatformTime, realTime, virtualTime } from './platform-time.ts';
import { PublishedMessages } from './published-messages.ts';
import { TestKitError } from './test-kit-error.ts';

const nextTimeoutMs = 2_000;
/** How long the sidecars have to lose or find the bus, and how often that is looked at. */
const busChange = { limitMs: 60_000, everyMs: 10 };
const advanceMsMax = 7 * 24 * 3_600_000;

/** A bus, and the instances that a test adds to it. */
export class TestPlatform {
  readonly #time: PlatformTime;
  readonly #log: Log;
  readonly #store: MemoryStore;
  readonly #published = new PublishedMessages();
  readonly #grants = new Map<string, Grants>();
  readonly #instances: TestInstance[] = [];
  #bus: RunningBus | undefined;
  #busAddress = '127.0.0.1:0';
  #starts = 0;
  #stopping: Promise<void> | undefined;

  private constructor({ time = 'virtual', seed = 1, log = silentLog }: PlatformOptions) {
    this.#time = time === 'virtual' ? virtualTime(seed) : realTime();
    this.#log = log;
    this.#store = new MemoryStore({ scheduler: this.#time.scheduler });
    this.#store.onAppend((added) => {
      for (const { envelope } of added) this.#published.add(envelope.bytes);
    });
  }

  /** @internal */
  static async start(options: PlatformOptions): Promise<TestPlatform> {
    const platform = new TestPlatform(options);
    await platform.#serve();
    return platform;
  }

  /**
   * Starts a sidecar, which is an instance of its own on the bus. `connect` of what it returns connects plugins.
   * @throws TypeError for an option of another kind or an unknown one; TestKitError when the sidecar does not start.
   */
  async addInstance(options: InstanceOptions = {}): Promise<TestInstance> {
    checkOptions('addInstance', options, instanceOptionKinds);
    const { instanceId = this.#freeId(), poolType = 'SignalPool', grants = {} } = options;
    checkMembers('addInstance', 'options.grants', grants, grantKinds);
    this.#refuseWhenStopped();
    if (!this.#bus) throw new TestKitError('an instance starts while there is a bus; call `startBus` first');
    this.#setGrants(instanceId, grants);
    this.#starts += 1;
    const around = {
      time: this.#time,
      log: this.#log,
      busAddress: this.#busAddress,
      startNumber: this.#starts,
      loadState: async (id: string) => (await this.#store.loadState(id))?.state,
      setGrants: (id: string, replaced: Grants) => this.#setGrants(id, replaced),
    };
    const instance = await TestInstance.start(around, { instanceId, poolType });
    this.#instances.push(instance);
    return instance;
  }

  /** Starts a sidecar and connects a plugin to it. @throws what `addInstance` and its `connect` throw. */
  async connect(options: InstanceOptions = {}): Promise<Plugin> {
    return (await this.addInstance(options)).connect();
  }

  /**
   * Takes the oldest message on a topic of the pattern that no earlier call took, also one that was published before the call.
   * @throws TestKitError when there is none in time. It says what was published instead.
   */
  next(pattern: string, options: NextOptions = {}): Promise<Message> {
    checkArgument('next', 'pattern', pattern, text);
    checkOptions('next', options, nextOptionKinds);
    const { sourceId, timeoutMs = nextTimeoutMs } = options;
    return this.#published.next({ pattern, sourceId }, timeoutMs);
  }

  /**
   * Lets milliseconds pass. On virtual time everything that is due happens in its order, without waiting; on real time this waits.
   * Only the platform's own time passes: for timers of the plugin, see `sleep`, or the timers of your test runner.
   */
  async advance(ms: number): Promise<void> {
    checkArgument('advance', 'ms', ms, whole(0, advanceMsMax));
    await this.#time.advance(ms);
  }

  /** Resolves when so many milliseconds have passed on the platform's clock: for the waits of a plugin that is given this function. */
  sleep(ms: number): Promise<void> {
    checkArgument('sleep', 'ms', ms, whole(0, advanceMsMax));
    return sleep(this.#time.scheduler, ms);
  }

  /** Takes the bus away, and resolves when every sidecar knows. What it has stored stays. */
  async stopBus(): Promise<void> {
    this.#bus?.close();
    this.#bus = undefined;
    await this.#until('the sidecars have lost the bus', (state) => state !== 'READY' && state !== 'RUNNING');
  }

  /**
   * Brings the bus back, and resolves when every sidecar has found it. On virtual time the time passes that they take, up to some
   * seconds.
   */
  async startBus(): Promise<void> {
    this.#refuseWhenStopped();
    if (!this.#bus) await this.#serve();
    await this.#until('the sidecars have found the bus', (state) => state !== 'DEGRADED');
  }

  /** Stops every instance as a platform does, and then the bus. A second call waits for the same stop. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Stops at the end of the block: `await using platform = await startPlatform()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#instances.map((instance) => instance.close()));
    this.#bus?.close();
  }

  async #serve(): Promise<void> {
    this.#bus = await serveBus({
      network: this.#time.network,
      address: this.#busAddress,
      store: this.#store,
      policy: this.#policy(),
      scheduler: this.#time.scheduler,
      log: this.#log,
    });
    this.#busAddress = this.#bus.address;
  }

  async #until(what: string, holds: (state: TestInstance['state']) => boolean): Promise<void> {
    const isThere = (): boolean => this.#instances.every((each) => each.isOver || holds(each.state));
    const endMs = this.#time.scheduler.nowMs() + busChange.limitMs;
    await this.#time.advance(0);
    while (!isThere()) {
      if (this.#time.scheduler.nowMs() > endMs)
        throw new TestKitError(`${busChange.limitMs} ms passed, and it is not so that ${what}`);
      await this.#time.advance(busChange.everyMs);
    }
  }

  #refuseWhenStopped(): void {
    if (this.#stopping) throw new TestKitError('the platform is stopped; start one for each test');
  }

  #freeId(): string {
    for (let index = 0; ; index += 1) if (!this.#grants.has(`test-${index}`)) return `test-${index}`;
  }

  #setGrants(instanceId: string, grants: Grants): void {
    this.#grants.set(instanceId, grants);
    this.#bus?.replacePolicy(this.#policy());
  }

  #policy() {
    return { deploymentId: 'test', rules: [...this.#grants].map(ruleFor) };
  }
}

function ruleFor([instanceId, { publish = ['**'], subscribe = ['**'] }]: readonly [string, Grants]): PolicyRule {
  const grants: Grant[] = [
    ...publish.map((pattern) => ({ pattern, action: 'publish' as const })),
    ...subscribe.map((pattern) => ({ pattern, action: 'subscribe' as const })),
  ];
  return { principals: ['*'], instances: [instanceId], pools: ['*'], grants };
}
