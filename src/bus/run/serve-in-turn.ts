import { hostname } from 'node:os';
import { within } from '../../base/async/within.ts';
import { ratedLog } from '../../base/log/rated-log.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { sleep } from '../../base/time/scheduler.ts';
import { messageOf, type UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { Relay } from '../../transport/relay.ts';
import { connectionLimits } from '../connection-limits.ts';
import type { RunningBus } from '../serve-bus.ts';
import { StreamTaken } from '../store/jetstream/nats-fault.ts';
import type { BusProgramSettings } from './bus-program-settings.ts';
import { type BusFiles, readBusFiles } from './read-bus-files.ts';
import { type BusParts, cannotListen, drainUntilSignalled, nextSignal, serveUntil } from './serve-until.ts';

/** How long a connection waits for a process that leads. Sidecars try elsewhere after 5 s. */
const holdMs = 4_000;
/** Those who stand by have asked once more by then, and hold the connections of sidecars that were sent away. */
const toldMs = 300;
/** A process that stands by, and that NATS does not answer, ends after this. */
const stopTimeoutMs = 2_000;
/** When another process takes over at once, sidecars need not be kept for long. */
const handOverMs = 500;

/**
 * Serves the Bus API while this process leads its deployment. Until then, and whenever another process has taken over, it passes connections on
 * to the one that leads. Resolves after SIGTERM or SIGINT. @throws UserFacingError
 */
export async function serveInTurn(
  settings: BusProgramSettings,
  parts: BusParts,
  onFailure: (failure: UserFacingError) => void,
): Promise<void> {
  const { log, store } = parts;
  const stop = new AbortController();
  const signalled = nextSignal().then((signal) => {
    log.info('bus stops', { signal });
    stop.abort();
    return 'signal' as const;
  });
  const place = new StandByPlace(settings, parts);
  let files: BusFiles = parts;
  try {
    for (;;) {
      const taken = Promise.withResolvers<'taken'>();
      const opening = store.openInTurn({
        onLeader: (leader) => place.follow(leader),
        onFailure: (failure) => (failure instanceof StreamTaken ? taken.resolve('taken') : onFailure(failure)),
        signal: stop.signal,
      });
      if (!(await endedInTime(opening, signalled))) return;
      files = await readBusFiles(settings).catch((error: unknown) => {
        log.error('what has changed in the files of the bus cannot be used', { reason: messageOf(error) });
        return files;
      });
      const ended = await serveUntil(
        { ...settings, listen: place.free() },
        { ...parts, ...files },
        {
          onListening: (address) => store.listensAt(place.serve(address)),
          ended: Promise.race([signalled, taken.promise]),
          end: (bus, why) => (why === 'signal' ? handOver(bus, store.leave()) : Promise.resolve()),
        },
      );
      if (ended === 'signal') return;
      log.warn('another process of the bus leads now, and this one stands by');
      await store.close();
    }
  } finally {
    place.close();
  }
}

async function handOver(bus: RunningBus, isAnotherThere: boolean): Promise<void> {
  if (isAnotherThere) await sleep(realScheduler, toldMs);
  await drainUntilSignalled(bus, isAnotherThere ? handOverMs : undefined);
}

/** @returns whether this process leads. */
async function endedInTime(opening: Promise<boolean>, signalled: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settled = opening.finally(() => {
    isSettled = true;
  });
  void signalled.then(async () => {
    if (!isSettled)
      await within(
        realScheduler,
        stopTimeoutMs,
        settled.catch(() => {}),
      );
    // NATS does not answer. Nothing was asked of this process that it could still do.
    if (!isSettled) process.exit(exitCodes.clean);
  });
  return await settled;
}

/** Where a process listens: for connections that it passes on while it stands by, and for its own. */
class StandByPlace {
  readonly #settings: BusProgramSettings;
  readonly #parts: BusParts;
  #address: string;
  #relay: Relay | undefined;

  constructor(settings: BusProgramSettings, parts: BusParts) {
    this.#settings = settings;
    this.#parts = parts;
    const { listen } = settings;
    this.#address = listen.startsWith(':') ? `0.0.0.0${listen}` : listen;
  }

  /** Passes connections on to the leader. @throws UserFacingError `bus/listen/address` */
  async follow({ address, isLeaving }: { readonly address: string; readonly isLeaving: boolean }): Promise<void> {
    this.#relay ??= await this.#listen(address);
    const isOwn = address === this.#reachableAs(this.#address);
    this.#relay.goTo(isLeaving || isOwn || address === '' ? undefined : address);
  }

  /** Gives the address free. @returns it, with the port that was bound. */
  free(): string {
    this.#relay?.stopListening();
    return this.#address;
  }

  /** This process listens itself: connections that wait come to it. @returns where others reach it. */
  serve(address: string): string {
    this.#address = address;
    this.#relay?.goTo(address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:'));
    // What it holds goes on. The next one listens.
    this.#relay = undefined;
    return this.#reachableAs(address);
  }

  close(): void {
    this.#relay?.close();
  }

  async #listen(leader: string): Promise<Relay> {
    const log = ratedLog(this.#parts.log, { scheduler: realScheduler, lines: 1 });
    try {
      const relay = await Relay.listen({
        address: this.#address,
        scheduler: realScheduler,
        connectionsMax: connectionLimits.connections,
        holdMs,
        onUnreachable: (target, reason) =>
          log.warn('the process of the bus that leads cannot be reached', { address: target, reason }),
      });
      this.#address = relay.address;
      this.#parts.log.info('bus stands by', { address: relay.address, leader, store: this.#parts.store.place });
      return relay;
    } catch (error) {
      throw cannotListen(this.#address, error);
    }
  }

  #reachableAs(address: string): string {
    const { advertise } = this.#settings;
    return advertise ?? address.replace(/^(?:0\.0\.0\.0|\[::\]):/, `${hostname()}:`);
  }
}
