import { realScheduler } from '../../base/time/real-scheduler.ts';
import { exitCodeOf, type UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { ConsoleRecorder } from '../console/console-recorder.ts';
import { openBusLog, printFailure } from './bus-log.ts';
import { openObservability } from './bus-observability.ts';
import type { BusProgramSettings } from './bus-program-settings.ts';
import { BusStore } from './bus-store.ts';
import { warnOfEmptyRules } from './policy-file.ts';
import { readBusFiles } from './read-bus-files.ts';
import { serveInTurn } from './serve-in-turn.ts';
import { type BusParts, drainUntilSignalled, nextSignal, serveUntil } from './serve-until.ts';

/**
 * Serves the Bus API until SIGTERM or SIGINT. If it cannot, prints the reason to stderr. Sets the exit code of the process.
 */
export async function runBus(settings: BusProgramSettings): Promise<void> {
  try {
    const recorder = settings.console === undefined ? undefined : new ConsoleRecorder(realScheduler);
    const log = recorder?.logTo(openBusLog(settings)) ?? openBusLog(settings);
    const files = await readBusFiles(settings);
    warnOfEmptyRules(files.policy.policy, log);
    const store = new BusStore(settings, log);
    const observability = await openObservability(settings, log, store);
    const onFailure = (failure: UserFacingError): void => endAtOnce(failure, settings);
    try {
      await (store.isShared ? serveInTurn : serveAlone)(
        settings,
        { log, ...files, store, observability, recorder },
        onFailure,
      );
    } finally {
      await Promise.all([observability.close(), store.close()]);
    }
    // Even if the log did not accept every line.
    process.exitCode = exitCodes.clean;
  } catch (error) {
    printFailure(error, settings);
    process.exitCode = exitCodeOf(error);
  }
}

async function serveAlone(
  settings: BusProgramSettings,
  parts: BusParts,
  onFailure: (failure: UserFacingError) => void,
): Promise<void> {
  await parts.store.open(onFailure);
  await serveUntil(settings, parts, {
    ended: nextSignal(),
    end(bus, signal) {
      parts.log.info('bus stops', { signal });
      return drainUntilSignalled(bus);
    },
  });
}

/** After the store failed, the outcome of writes in progress is unknown, and the bus can promise nothing more. */
function endAtOnce(failure: UserFacingError, settings: BusProgramSettings): void {
  printFailure(failure, settings);
  process.exit(exitCodeOf(failure));
}
