import { silentLog } from '../base/log/log.ts';
import { type RunningBus, serveBus } from '../bus/serve-bus.ts';
import { loadSidecarConfig } from '../contract/config/sidecar-config.ts';
import { EnvelopeSchema } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../contract/wire/read-message.ts';
import type { Grant } from '../contract/wire/topics/grants.ts';
import { patternProblem } from '../contract/wire/topics/topic.ts';
import { Plugin } from '../plugin/plugin.ts';
import { Sidecar } from '../sidecar/sidecar.ts';
import type { SidecarOptions } from '../sidecar/sidecar-parts.ts';
import { type GroupSubscription, isAttached } from './conduct.ts';
import { Journal } from './journal.ts';
import { joinGroup, type OtherMember } from './other-member.ts';
import type { ProcessEnd, RunningPlugin } from './running-plugin.ts';
import { freeAddress, inMemory, type OpenedStore, type Surroundings } from './surroundings.ts';
import { type Withhold, watchedNetwork } from './watched-network.ts';

export interface TestBedOptions {
  readonly grants: readonly Grant[];
  /** How long the plugin has to answer a health check, or to send its next heartbeat. */
  readonly healthCheckTimeoutMs: number;
  readonly faultThreshold: number;
}

const peerId = 'conformance-peer';
const memberId = 'conformance-member';
const everything: readonly Grant[] = [
  { pattern: '**', action: 'publish' },
  { pattern: '**', action: 'subscribe' },
];
const healthCheckEveryMs = 250;
const connectTimeoutMs = 10_000;
const goneTimeoutMs = 5_000;
const keptLines = 20;

/** A bus with an empty store, a sidecar, the plugin's process, and a peer that sends it messages; all on loopback. */
export class TestBed {
  readonly journal: Journal;
  readonly #around: Surroundings;
  readonly #options: TestBedOptions;
  readonly #opened: OpenedStore;
  readonly #stops: (() => unknown)[] = [];
  readonly #address: string;
  #notedTo = 0n;
  #bus: RunningBus | undefined;
  #sidecar: Sidecar | undefined;
  #peer: Promise<Plugin> | undefined;
  #running: RunningPlugin | undefined;
  #starts = 0;
  #sent = 0;
  #end: ProcessEnd | undefined;
  #lines: string[] = [];
  #withhold: Withhold = () => false;

  private constructor(around: Surroundings, options: TestBedOptions, address: string, opened: OpenedStore) {
    this.#around = around;
    this.#options = options;
    this.#address = address;
    this.journal = new Journal(around.scheduler);
    this.#opened = opened;
    opened.store.onAppend(() => void this.#noteStored());
  }

  /** Starts the bus and chooses the plugin's port, which stays closed until the sidecar starts. */
  static async open(around: Surroundings, options: TestBedOptions): Promise<TestBed> {
    const { openStore = async () => inMemory(around) } = around;
    const address = await freeAddress(around);
    const bed = new TestBed(around, options, address, await openStore());
    await bed.startBus();
    return bed;
  }

  /** How the plugin's process ended, in words; undefined while it runs. */
  get exit(): string | undefined {
    return this.#end && describeEnd(this.#end);
  }

  /** Whether it ended with exit code 0. */
  exitedWell(): boolean {
    return this.#end?.code === 0;
  }

  /** The index of the fact with which the plugin's current life began. */
  get life(): number {
    return this.journal.facts.findLastIndex(({ kind }) => kind === 'started');
  }

  /** The last lines that the plugin's process wrote. */
  get output(): readonly string[] {
    return this.#lines;
  }

  async startBus(): Promise<void> {
    const { network, scheduler, instanceId } = this.#around;
    const rule = { principals: ['*'], pools: ['*'] };
    this.#bus = await serveBus({
      network,
      address: this.#bus?.address ?? '127.0.0.1:0',
      store: this.#opened.store,
      policy: {
        deploymentId: 'conformance',
        rules: [
          { ...rule, instances: [instanceId, memberId], grants: this.#options.grants },
          { ...rule, instances: [peerId], grants: everything },
        ],
      },
      scheduler,
      log: silentLog,
    });
  }

  /** Stops the bus; its stored messages stay. */
  stopBus(): void {
    this.#bus?.close();
  }

  async startSidecar(): Promise<void> {
    const { network, instanceId, poolType } = this.#around;
    const watched = watchedNetwork(network, this.journal, (path, answer) => this.#withhold(path, answer));
    const sidecar = this.#createSidecar(watched, {
      INSTANCE_ID: instanceId,
      POOL_TYPE: poolType,
      SIDECAR_ADDR: this.#address,
    });
    this.#sidecar = sidecar;
    sidecar.onState((state) => this.journal.note({ kind: 'state', state }));
    await sidecar.start();
  }

  get sidecarState(): Sidecar['state'] | undefined {
    return this.#sidecar?.state;
  }

  /** Resolves with the exit code of the sidecar. */
  async stopSidecar(): Promise<number> {
    return (await this.#sidecar?.stop('SIGTERM')) ?? 0;
  }

  /** Keeps answers for which this returns true from the plugin. */
  withhold(withhold: Withhold): void {
    this.#withhold = withhold;
  }

  /** @throws the adapter's error when the command cannot be started. */
  async startPlugin(): Promise<void> {
    const { startPlugin, instanceId, poolType } = this.#around;
    this.#starts += 1;
    const start = this.#starts;
    const lines: string[] = [];
    this.#lines = lines;
    this.#end = undefined;
    this.journal.note({ kind: 'started', start });
    const started = await startPlugin({
      environment: {
        INSTANCE_ID: instanceId,
        POOL_TYPE: poolType,
        SIDECAR_ADDR: this.#address,
        MERIDIAN_SIDECAR_ADDRESS: this.#address,
      },
      onLine(line) {
        lines.push(line);
        if (lines.length > keptLines) lines.shift();
      },
    });
    this.#running = started;
    void started.ended.then((end) => {
      if (this.#running === started) this.#end = end;
      this.journal.note({ kind: 'exited', start });
    });
  }

  signalPlugin(signal: 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#running?.signalGroup(signal);
  }

  /** Sends SIGTERM to the plugin, and resolves when it has ended or the time has passed. */
  async terminatePlugin(timeoutMs: number): Promise<void> {
    this.signalPlugin('SIGTERM');
    await this.journal.until(timeoutMs, () => this.exit !== undefined);
  }

  /** Kills the plugin's whole process group, and resolves when the sidecar knows that it is gone. */
  async killPlugin(): Promise<void> {
    const { life } = this;
    this.#running?.signalGroup('SIGKILL');
    await this.#running?.ended;
    // The end of a plugin without callbacks is not visible.
    await this.journal.until(goneTimeoutMs, () => !isAttached(this.journal, life));
  }

  /** Publishes a message as another instance, and resolves with its id. @throws Error when the bus does not accept it. */
  async send(topic: string, payload: Uint8Array): Promise<string> {
    this.#peer ??= this.#startPeer();
    this.#sent += 1;
    // Each of its own key, so that the members of a group share them.
    const about = { payloadType: 'application/octet-stream', partitionKey: `${this.#sent}` };
    const reply = await (await this.#peer).publish(topic, payload, about);
    if (reply.outcome === 'accepted') return reply.messageId;
    throw new Error(`the message to ${topic} was not accepted: ${reply.reason}`);
  }

  /** Joins the plugin's group as another instance of its pool. @throws RpcError */
  async joinGroup(group: GroupSubscription): Promise<OtherMember> {
    const { network, poolType } = this.#around;
    return joinGroup(network, await this.#startOtherSidecar(memberId, poolType), group);
  }

  async close(): Promise<void> {
    this.#running?.signalGroup('SIGKILL');
    await this.#running?.ended;
    const stopped = this.#sidecar?.stop('the scenario is over');
    // No plugin is left to drain.
    this.#sidecar?.hurry();
    await stopped;
    for (const stop of this.#stops.toReversed()) await stop();
    this.#bus?.close();
    await this.#opened.close();
  }

  async #noteStored(): Promise<void> {
    const messages = await this.#opened.store.read(this.#notedTo, 1_024);
    for (const { envelope, position } of messages) {
      // Two appends may read the same messages.
      if (position <= this.#notedTo) continue;
      this.#notedTo = position;
      this.journal.note({ kind: 'stored', envelope: readMessage(EnvelopeSchema, envelope.bytes) });
    }
  }

  async #startPeer(): Promise<Plugin> {
    const { network, scheduler } = this.#around;
    const address = await this.#startOtherSidecar(peerId, 'ConformancePool');
    const plugin = await Plugin.connect({
      network,
      scheduler,
      log: silentLog,
      address,
      schemaVersion: '1.0.0',
      waitTimeoutMs: connectTimeoutMs,
    });
    this.#stops.push(() => plugin.stop('the scenario is over'));
    return plugin;
  }

  /** Resolves with the address for its plugin. */
  async #startOtherSidecar(instanceId: string, poolType: string): Promise<string> {
    const sidecar = this.#createSidecar(this.#around.network, {
      INSTANCE_ID: instanceId,
      POOL_TYPE: poolType,
      SIDECAR_ADDR: '127.0.0.1:0',
    });
    await sidecar.start();
    this.#stops.push(() => sidecar.stop('the scenario is over'));
    return sidecar.pluginAddress();
  }

  #createSidecar(network: SidecarOptions['network'], environment: Record<string, string>): Sidecar {
    const { scheduler } = this.#around;
    const { healthCheckTimeoutMs, faultThreshold } = this.#options;
    const config = loadSidecarConfig({
      environment: { SIDECAR_BUS_API_URL: this.#bus?.address ?? '', ...environment },
      configFile: {
        path: 'conformance.yml',
        text: [
          `intervals: { health_check: ${healthCheckEveryMs}ms }`,
          `timeouts: { health_check: ${Math.round(healthCheckTimeoutMs)}ms }`,
          `fault_threshold: ${faultThreshold}`,
          'reconnect: { first: 50ms, max: 250ms }',
        ].join('\n'),
      },
      checkPattern: patternProblem,
      startedAtMs: Number(scheduler.wallTimeNs() / 1_000_000n),
    });
    return new Sidecar({
      config,
      network,
      scheduler,
      log: silentLog,
      // Nothing probes it: the sidecar's state has the same information.
      serveHttp: async ({ port }) => ({ port, close: async () => {} }),
      readCredential: async () => ({}),
    });
  }
}

function describeEnd({ code, signal }: ProcessEnd): string {
  return signal === undefined ? `exited with code ${code}` : `was ended by ${signal}`;
}
