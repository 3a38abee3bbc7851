import type { GroupedBus } from '../memory/grouped-bus.ts';
import type { GroupedSidecar } from '../memory/grouped-sidecar.ts';
import type { HonestClient } from './honest-client.ts';

/** What is attacked, and who is served beside. All of them run for this attack alone. */
export interface Scene {
  /** In 256 MiB, with an SQLite store. */
  readonly bus: GroupedBus;
  /** In 128 MB. Its plugin is the honest client; instance `oms-1` of OMSPool. */
  readonly sidecar: GroupedSidecar;
  readonly honest: HonestClient;
}

/** One attack: every file in `attacks` exports a list of them, and hostile.test.ts runs all that it finds there. */
export interface Attack {
  /** What the attacker does, as the table has it. */
  readonly name: string;
  /** Whose memory and life the table is about. */
  readonly target: 'sidecar' | 'bus';
  /** Text of the bus's policy file; the one of the other tests when absent. */
  readonly policy?: string;
  /** More flags of the bus. */
  readonly busFlags?: () => readonly string[];
  /** More variables of the sidecar. */
  readonly sidecarEnvironment?: () => Readonly<Record<string, string>>;
  /**
   * Attacks until all is sent or refused, and asserts what only this attack could break. That the target lives and that
   * the honest client was served, with no message lost, is asserted for every attack.
   */
  run(scene: Scene): Promise<void>;
}
