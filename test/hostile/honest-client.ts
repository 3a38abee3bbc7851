import path from 'node:path';
import { Program } from '../sidecar/processes.ts';

/** What the honest client had of its time, as its process prints it at the end. */
export interface HonestVerdict {
  readonly rounds: number;
  readonly slowestMs: number;
  /** Which answer took so long: `publish`, `delivery` or `probe`. */
  readonly slowest: string;
  readonly accepted: number;
  /** Messages that were accepted and not delivered. */
  readonly lost: number;
}

/**
 * A plugin in a process of its own, so that nothing the attacker does in this one delays it. In each round it publishes a
 * message until that is accepted, awaits its delivery, and probes the sidecar; it fails when an answer exceeds its deadline.
 */
export class HonestClient {
  readonly #program: Program;

  constructor(sidecar: { readonly address: string; readonly healthUrl: string }) {
    const script = path.join(import.meta.dirname, 'honest-plugin.ts');
    this.#program = new Program([script, sidecar.address, sidecar.healthUrl]);
  }

  /** Resolves after this many more whole rounds. @throws Error when it was not served. */
  async rounds(count: number): Promise<void> {
    // The round of now began before.
    const last = this.#round + count + 1;
    await this.#program.seen(new RegExp(`^round ${last}$`, 'm'));
  }

  /** Lets it go through one more whole round and ends it. @throws Error when it was not served. */
  async finish(): Promise<HonestVerdict> {
    this.#program.signal('SIGTERM');
    const [, verdict = ''] = await this.#program.seen(/^verdict (.*)$/m);
    return JSON.parse(verdict) as HonestVerdict;
  }

  get #round(): number {
    return this.#program.stdout.match(/^round /gm)?.length ?? 0;
  }
}
