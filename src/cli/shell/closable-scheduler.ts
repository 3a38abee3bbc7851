import type { Scheduler, Timer } from '../../base/time/scheduler.ts';

/** A scheduler whose open timers end all at once, so that none of them keeps the process alive. */
export function closableScheduler(scheduler: Scheduler): { readonly scheduler: Scheduler; readonly close: () => void } {
  const open = new Set<Timer>();
  const setTimer: Scheduler['setTimer'] = (delayMs, callback) => {
    const inner = scheduler.setTimer(delayMs, () => {
      open.delete(timer);
      callback();
    });
    const timer: Timer = {
      cancel() {
        open.delete(timer);
        inner.cancel();
      },
    };
    open.add(timer);
    return timer;
  };
  return {
    scheduler: { ...scheduler, setTimer },
    close() {
      for (const timer of [...open]) timer.cancel();
    },
  };
}
