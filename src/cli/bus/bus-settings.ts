import { type Command, InvalidArgumentError, Option } from 'commander';
import { logLevels } from '../../base/log/log.ts';
import { formatDuration } from '../../base/time/duration.ts';
import { defaultDrainTimeoutMs } from '../../bus/bus.ts';
import type { BusProgramSettings } from '../../bus/run/run-bus.ts';
import { defaultIdleExpiry } from '../../bus/store/idle-expiry.ts';
import { defaultDedupWindowMs, defaultRetention } from '../../bus/store/retention.ts';
import { byteCount, count, duration, type Parser } from '../../contract/config/settings/setting-value.ts';
import { limits } from '../../contract/wire/limits.ts';

/** The flags of `bus`, by the names that commander gives to their options. */
export interface BusFlags
  extends Pick<
    BusProgramSettings,
    | 'store'
    | 'tlsCertificate'
    | 'tlsKey'
    | 'tlsClientCa'
    | 'keepMessages'
    | 'storeBytes'
    | 'logLevel'
    | 'logFormat'
    | 'metrics'
    | 'audit'
  > {
  readonly policy?: string;
  readonly listen?: string;
  readonly lease: number;
  readonly drainTimeout: number;
  readonly subscriptionIdle: number;
  readonly subscriptionIdleMax: number;
  readonly dedupWindow: number;
}

export function busSettingsOf(flags: BusFlags): BusProgramSettings {
  const { lease, drainTimeout, subscriptionIdle, subscriptionIdleMax, dedupWindow, policy, listen, ...sameNames } =
    flags;
  return {
    ...sameNames,
    policyFile: policy,
    listen: listen ?? (policy === undefined ? '127.0.0.1:8443' : ':8443'),
    leaseMs: lease,
    drainTimeoutMs: drainTimeout,
    subscriptionIdleMs: subscriptionIdle,
    subscriptionIdleMaxMs: subscriptionIdleMax,
    dedupWindowMs: dedupWindow,
  };
}

/** Adds the options of `bus`. */
export function addBusSettings(command: Command): Command {
  for (const option of [...placeOptions(), ...observabilityOptions(), ...numberOptions()]) command.addOption(option);
  return command;
}

function placeOptions(): Option[] {
  return [
    new Option(
      '--policy <file>',
      'YAML file with the rules of who may be which instance and use which topics; read again when it changes; without it everybody on this machine may do everything, and nobody else reaches the bus',
    ),
    new Option(
      '--store <file|memory>',
      'where to store data: an SQLite file (created if missing), or memory for trials',
    ).default('meridian-bus.sqlite'),
    new Option(
      '--listen <host:port>',
      'where to listen; port 0 takes a free one (default: :8443; without a policy 127.0.0.1:8443)',
    ),
    new Option('--tls-certificate <file>', 'PEM file with the certificate of the bus; read again when it changes'),
    new Option('--tls-key <file>', 'PEM file with its key'),
    new Option(
      '--tls-client-ca <file>',
      'PEM file with the authorities of client certificates; makes a credential mandatory',
    ),
  ];
}

function observabilityOptions(): Option[] {
  return [
    new Option('--log-level <level>', 'least important lines to print').choices(logLevels).default('info'),
    new Option('--log-format <format>', 'format of the lines').choices(['text', 'json']).default('text'),
    new Option('--metrics <host:port>', 'where to serve /metrics for Prometheus; without it, nowhere'),
    new Option('--audit <file|->', 'file that gets a JSON line for every message, or - for stdout; without it, none'),
  ];
}

function numberOptions(): Option[] {
  return [
    milliseconds('lease', 'how long a registration lives without a heartbeat', limits.leaseMs),
    milliseconds('drain-timeout', 'how long a superseded sidecar may still write', defaultDrainTimeoutMs),
    milliseconds(
      'subscription-idle',
      'how long to keep the cursor of a subscription that no plugin uses',
      defaultIdleExpiry.idleMs,
    ),
    milliseconds(
      'subscription-idle-max',
      'the longest that a plugin may have such a cursor kept',
      defaultIdleExpiry.longestIdleMs,
    ),
    milliseconds('dedup-window', "how long a plugin's dedup key is remembered", defaultDedupWindowMs),
    new Option('--keep-messages <count>', 'how many of the newest messages to keep although no subscription needs them')
      .argParser(argumentOf(count))
      .default(defaultRetention.messages),
    new Option('--store-bytes <size>', 'the most bytes that stored messages may take; a full store refuses publishes')
      .argParser(argumentOf(byteCount))
      .default(defaultRetention.bytes, '256MiB'),
  ];
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
