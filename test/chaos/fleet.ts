import { once } from 'node:events';
import { appendFileSync, mkdirSync, watch, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../../src/contract/config/exit-codes.ts';
import { ownFreeAddress } from '../sidecar/own-loopback.ts';
import { MortalProcess } from './mortal-process.ts';

const dist = path.resolve(import.meta.dirname, '../../dist');

const policyText = `
deployment: chaos
rules:
  - principals: ['*']
    instances: ['*']
    pools: [SignalPool]
    publish: [chaos.**]
    subscribe: [chaos.**]
`;

/** A plugin of this folder, with what it takes after the path of its journal. */
export interface PluginProgram {
  readonly instance: string;
  readonly program: 'publisher' | 'ledger' | 'counter' | 'keeper';
  readonly args: readonly string[];
}

const programs: Readonly<Record<PluginProgram['program'], URL>> = {
  publisher: new URL('./plugins/publisher.ts', import.meta.url),
  ledger: new URL('./plugins/ledger.ts', import.meta.url),
  counter: new URL('./plugins/counter.ts', import.meta.url),
  keeper: new URL('./plugins/keeper.ts', import.meta.url),
};

/** A bus of one or more processes, and containers of a sidecar and a plugin each: every one a process of its own that can die. */
export class Fleet {
  readonly directory: string;
  /** The names of the bus's processes. */
  readonly buses: readonly string[];
  readonly #busAddresses: readonly string[];
  readonly #processes = new Map<string, MortalProcess>();
  readonly #ownEnds: string[] = [];
  #restarts = 0;

  private constructor(directory: string, busAddresses: readonly string[], store: readonly string[]) {
    this.directory = directory;
    this.#busAddresses = busAddresses;
    const policy = path.join(directory, 'policy.yml');
    writeFileSync(policy, policyText);
    this.buses = busAddresses.map((address, index) => {
      const name = index === 0 ? 'bus' : `bus ${index + 1}`;
      const args = ['bus', '--listen', address, '--policy', policy, '--store', ...store];
      this.#add(name, [path.join(dist, 'cli.mjs'), ...args], {});
      return name;
    });
  }

  /** Starts the bus, on a file unless another store is named; everything that the fleet writes goes into the directory. */
  static async start(
    directory: string,
    store: readonly string[] = [path.join(directory, 'bus.sqlite')],
    busCount = 1,
  ): Promise<Fleet> {
    mkdirSync(directory, { recursive: true });
    const addresses: string[] = [];
    for (let count = 0; count < busCount; count += 1) addresses.push(await ownFreeAddress());
    const fleet = new Fleet(directory, addresses, store);
    for (const bus of fleet.buses) fleet.#process(bus).start();
    return fleet;
  }

  /** How often a sidecar gave up on a bus that was killed while it started, and was started again as a platform does. */
  get restarts(): number {
    return this.#restarts;
  }

  /** What else ended although nobody killed it or asked it to stop. */
  get ownEnds(): readonly string[] {
    return this.#ownEnds;
  }

  /** Starts a sidecar, and returns the address for its plugin. */
  async startSidecar(instance: string): Promise<string> {
    const address = await ownFreeAddress();
    const sidecar = this.#add(`sidecar ${instance}`, [path.join(dist, 'sidecar.mjs')], {
      INSTANCE_ID: instance,
      POOL_TYPE: 'SignalPool',
      SIDECAR_BUS_API_URL: this.#busAddresses.join(','),
      SIDECAR_ADDR: address,
      SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
    });
    sidecar.start();
    return address;
  }

  /** Starts a plugin beside a sidecar of its own. */
  async startContainer({ instance, program, args }: PluginProgram): Promise<void> {
    const address = await this.startSidecar(instance);
    const command = [fileURLToPath(programs[program]), this.journalFile(instance), ...args];
    this.#add(`plugin ${instance}`, command, { SIDECAR_ADDR: address }).start();
  }

  journalFile(instance: string): string {
    return path.join(this.directory, `${instance}.jsonl`);
  }

  logFile(name: string): string {
    return path.join(this.directory, `${name.replace(' ', '-')}.log`);
  }

  /** Ends one process, `bus`, `sidecar INSTANCE` or `plugin INSTANCE`, with kill -9. */
  async kill(name: string): Promise<void> {
    this.note(`kill ${name} pid=${this.#process(name).pid}`);
    await this.#process(name).kill();
  }

  start(name: string): void {
    this.#process(name).start();
    this.note(`start ${name} pid=${this.#process(name).pid}`);
  }

  /** Resolves when one process prints something; a plugin may be silent for long. */
  async printed(name: string): Promise<void> {
    const watcher = watch(this.logFile(name));
    await once(watcher, 'change');
    watcher.close();
  }

  /** Asks one process to stop; resolves with its exit code, or the signal that ended it. */
  async stop(name: string): Promise<string> {
    this.note(`stop ${name}`);
    const how = await this.#process(name).stop();
    this.note(`stopped ${name} how=${how}`);
    return how;
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.kill()));
  }

  /** Adds a line to the timeline that lies beside the journals. */
  note(what: string): void {
    appendFileSync(path.join(this.directory, 'timeline.txt'), `${new Date().toISOString()} ${what}\n`);
  }

  #add(name: string, args: readonly string[], environment: Readonly<Record<string, string>>): MortalProcess {
    const onOwnEnd = (how: string): void => {
      this.note(`${name} ended by itself how=${how}`);
      if (how !== `${exitCodes.busUnreachable}`) {
        this.#ownEnds.push(`${name} (${how})`);
        return;
      }
      this.#restarts += 1;
      this.start(name);
    };
    const process = new MortalProcess({ args, environment, logFile: this.logFile(name), onOwnEnd });
    this.#processes.set(name, process);
    return process;
  }

  #process(name: string): MortalProcess {
    const process = this.#processes.get(name);
    if (!process) throw new Error(`there is no ${name}`);
    return process;
  }
}
