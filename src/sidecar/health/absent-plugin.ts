import type { Log } from '../../base/log/log.ts';
import { every, type Scheduler } from '../../base/time/scheduler.ts';
import type { SidecarLifecycle } from '../lifecycle/sidecar-state.ts';

const lookEveryMs = 60_000;

export interface AbsenceOptions {
  readonly lifecycle: SidecarLifecycle;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** The address that plugins connect to. */
  readonly address: string;
}

/** Warns once when the sidecar is ready and no plugin has registered for a minute. @returns a function that ends the watch. */
export function watchForPlugin({ lifecycle, scheduler, log, address }: AbsenceOptions): () => void {
  const timer = every(scheduler, lookEveryMs, () => {
    if (lifecycle.state !== 'READY') return;
    log.warn(
      'no plugin has registered since the sidecar became ready; it should connect to the address in SIDECAR_ADDR',
      {
        address,
      },
    );
    end();
  });
  const forget = lifecycle.onChange(() => {
    if (lifecycle.conditions.pluginRegistered) end();
  });
  const end = (): void => {
    timer.cancel();
    forget();
  };
  return end;
}
