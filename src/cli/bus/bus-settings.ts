import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatDuration } from '../../base/time/duration.ts';
import { defaultDrainTimeoutMs } from '../../bus/bus.ts';
import { defaultIdleExpiry } from '../../bus/store/idle-expiry.ts';
import { defaultDedupWindowMs, defaultRetention } from '../../bus/store/retention.ts';
import { byteCount, count, duration, type Parser } from '../../contract/config/settings/setting-value.ts';
import { limits } from '../../contract/wire/limits.ts';

/** The numbers of the Bus API, by the names that commander gives to their options. */
export interface BusSettingFlags {
  readonly lease: number;
  readonly drainTimeout: number;
  readonly subscriptionIdle: number;
  readonly subscriptionIdleMax: number;
  readonly dedupWindow: number;
  readonly keepMessages: number;
  readonly storeBytes: number;
}

/** Adds an option for each number. */
export function addBusSettings(command: Command): Command {
  const options = [
    milliseconds('lease', 'how long a registration lives without a heartbeat', limits.leaseMs),
    milliseconds('drain-timeout', 'how long a superseded sidecar may still write', defaultDrainTimeoutMs),
    milliseconds('subscription-idle', 'how long a position that nobody uses is kept', defaultIdleExpiry.idleMs),
    milliseconds(
      'subscription-idle-max',
      'the longest that a plugin may have such a position kept',
      defaultIdleExpiry.longestIdleMs,
    ),
    milliseconds('dedup-window', "how long a plugin's dedup key is remembered", defaultDedupWindowMs),
    new Option('--keep-messages <count>', 'how many of the newest messages are kept that nobody needs any more')
      .argParser(argumentOf(count))
      .default(defaultRetention.messages),
    new Option('--store-bytes <size>', 'the most that stored messages may hold; a full store refuses publishes')
      .argParser(argumentOf(byteCount))
      .default(defaultRetention.bytes, '256MiB'),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

function milliseconds(name: string, description: string, defaultMs: number): Option {
  return new Option(`--${name} <duration>`, description)
    .argParser(argumentOf(duration))
    .default(defaultMs, formatDuration(defaultMs));
}

function argumentOf<T>(parse: Parser<T>): (text: string) => T {
  return (text) => {
    const parsed = parse(text);
    if (parsed.ok) return parsed.value;
    throw new InvalidArgumentError(`It must be ${parsed.expected}.`);
  };
}
