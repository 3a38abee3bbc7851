import type { Log } from '../../base/log/log.ts';
import { messageOf } from '../../base/user-facing-error.ts';

/** Functions that undo finished steps. They run in reverse when a later step fails. */
export class Rollback {
  readonly #log: Log;
  readonly #undos: { readonly what: string; readonly undo: () => Promise<void> }[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** `what` completes "undo: ", for the log. */
  add(what: string, undo: () => Promise<void>): void {
    this.#undos.push({ what, undo });
  }

  /** Undoes everything, the last step first. A failure is logged; the next `up` or `down` repairs the rest. */
  async run(): Promise<void> {
    for (const { what, undo } of this.#undos.splice(0).reverse()) {
      this.#log.info(`undo: ${what}`);
      await undo().catch((error: unknown) => this.#log.warn(`cannot undo: ${what}`, { reason: messageOf(error) }));
    }
  }
}
