import { ownFreeAddress } from '../sidecar/own-loopback.ts';
import { type Program, runCli, runCliWith, writeTemporary } from '../sidecar/processes.ts';
import type { NatsServers } from './nats-server.ts';
import { newDeployment } from './open-store.ts';

const policyText = `
deployment: processes
admins: ['*']
rules:
  - { principals: ['*'], instances: ['*'], pools: [OMSPool], publish: [demo.**], subscribe: [demo.**] }
  - { principals: ['*'], instances: ['*'], pools: [OMSPool], publish: [ask.**], approval: manual }
`;

/** Several processes of one bus, which share a store on NATS. */
export class BusProcesses {
  /** `host:port` of each. */
  readonly addresses: readonly string[];
  /** `nats://…` and the options that belong to it. */
  readonly streamOptions: readonly string[];
  readonly #policy = writeTemporary('policy.yml', policyText);
  readonly #programs: Program[] = [];

  private constructor(addresses: readonly string[], store: readonly string[]) {
    this.addresses = addresses;
    this.streamOptions = store;
  }

  /** Starts them one after the other: the first one leads. */
  static async start(servers: NatsServers, count: number): Promise<BusProcesses> {
    const addresses: string[] = [];
    for (let left = count; left > 0; left -= 1) addresses.push(await ownFreeAddress());
    const replicas = `${servers.addresses.length}`;
    const store = [`nats://${servers.addresses.join(',')}`, '--store-replicas', replicas];
    const bus = new BusProcesses(addresses, [...store, '--deployment', newDeployment()]);
    for (const index of addresses.keys()) await bus.start(index);
    return bus;
  }

  /** Resolves when it leads or stands by. */
  async start(index: number): Promise<void> {
    const place = ['--listen', this.addresses[index] ?? '', '--policy', this.#policy, '--metrics', '127.0.0.1:0'];
    const program = runCli('bus', ...place, '--store', ...this.streamOptions);
    this.#programs[index] = program;
    await program.seen(/bus (?:listens|stands by) address=/);
  }

  /** All addresses, as SIDECAR_BUS_API_URL has them. */
  get url(): string {
    return this.addresses.join(',');
  }

  process(index: number): Program {
    const program = this.#programs[index];
    if (!program) throw new Error(`there is no process ${index}`);
    return program;
  }

  /** Where a process tells its metrics. */
  async metricsUrl(index: number): Promise<string> {
    const [, port = ''] = await this.process(index).seen(/metrics are served port=(\d+)/);
    return `http://127.0.0.1:${port}`;
  }

  /** Runs `bus …` at one process to its end. @returns its stdout. */
  async administer(index: number, ...args: readonly string[]): Promise<string> {
    const program = runCliWith({ SIDECAR_BUS_API_URL: this.addresses[index] ?? '' }, 'bus', ...args);
    const code = await program.exited;
    if (code !== 0) throw new Error(program.output);
    return program.stdout;
  }
}
