import type { Invocation } from './invocation/invocation.ts';
import { down, stop } from './lifecycle/down.ts';
import { serviceLock } from './lifecycle/embedded-bus.ts';
import { pull } from './lifecycle/pull.ts';
import { up } from './lifecycle/up.ts';
import { type Provider, report } from './provider.ts';
import { withLock } from './state/lock.ts';

/** Longer than an `up` with the default timeout. */
const lockTimeoutMs = 120_000;

const commands = { up, down, stop, pull } as const;

/**
 * Runs one command of Compose under the lock of its service. It returns when everything is running or removed.
 * @throws the failure, after everything was rolled back.
 */
export async function runCommand(provider: Provider, invocation: Invocation): Promise<void> {
  const { state, scheduler, log } = provider;
  const { command, ignored } = invocation;
  log.info(`${command} begins`, { options: [...invocation.options.keys()].join(',') });
  for (const name of ignored) report(provider, `there is no option "${name}"; it is ignored`);
  await withLock(
    {
      state,
      name: serviceLock(invocation),
      scheduler,
      timeoutMs: lockTimeoutMs,
      report: (text) => report(provider, text),
    },
    () => commands[command](provider, invocation),
  );
  log.info(`${command} is done`);
}
