import type { AcknowledgedPositions } from '../../contract/wire/acknowledged-positions.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { LoadStateRequestSchema, SaveStateRequestSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { busMethods } from '../../contract/wire/methods.ts';
import type { BusClient } from './bus-client.ts';

export interface RecoveredState {
  readonly found: boolean;
  readonly state: Uint8Array;
  readonly revision: bigint;
}

/**
 * The plugin's durable state. It is loaded at startup, and saved by compare-and-set so that it never overwrites another
 * owner's.
 */
export class PluginState {
  readonly #link: BusClient;
  readonly #instanceId: string;
  #recovered: RecoveredState | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: BusClient, instanceId: string) {
    this.#link = link;
    this.#instanceId = instanceId;
  }

  /**
   * Reads from the bus, since an older owner may save until drained; while the bus is unreachable, returns the last known
   * state. @throws RpcError when the state was never read.
   */
  load(): Promise<RecoveredState> {
    return this.#inTurn(async () => {
      try {
        return await this.#ask();
      } catch (error) {
        if (this.#recovered) return this.#recovered;
        throw error;
      }
    });
  }

  /**
   * Stores the state and the acknowledgements in one operation, and returns the new revision.
   * @throws RpcError RESOURCE_EXHAUSTED over 1 MiB, ABORTED when another owner saved meanwhile, UNAVAILABLE.
   */
  save(state: Uint8Array, acknowledge: readonly AcknowledgedPositions[]): Promise<bigint> {
    return this.#inTurn(() => this.#save(state, acknowledge));
  }

  /** One after the other: each save needs the revision that the operation before it wrote or read. */
  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#last.then(operation);
    this.#last = result.catch(() => {});
    return result;
  }

  async #ask(): Promise<RecoveredState> {
    const request = create(LoadStateRequestSchema, { instanceId: this.#instanceId, epoch: this.#link.epoch });
    const { found, state, revision } = await this.#link.unary(busMethods.loadState, request);
    this.#recovered = { found, state, revision };
    return this.#recovered;
  }

  async #save(state: Uint8Array, acknowledge: readonly AcknowledgedPositions[]): Promise<bigint> {
    const { revision: expectedRevision } = this.#recovered ?? (await this.#ask());
    const request = create(SaveStateRequestSchema, {
      instanceId: this.#instanceId,
      epoch: this.#link.epoch,
      expectedRevision,
      state,
      acknowledge: acknowledge.map((each) => ({ ...each, positions: [...each.positions] })),
    });
    try {
      const { revision } = await this.#link.unary(busMethods.saveState, request);
      this.#recovered = { found: true, state, revision };
      return revision;
    } catch (error) {
      // After a failure it is unknown whether the state was stored, so the next save reads it first.
      this.#recovered = undefined;
      throw error;
    }
  }
}
