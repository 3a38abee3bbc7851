import { type Command, InvalidArgumentError, Option } from 'commander';
import { logLevels } from '../../base/log/log.ts';
import { formatDuration } from '../../base/time/duration.ts';
import { defaultDrainTimeoutMs } from '../../bus/bus.ts';
import type { BusProgramSettings } from '../../bus/run/bus-program-settings.ts';
import type { NatsStoreSettings } from '../../bus/run/nats-store.ts';
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
    | 'console'
    | 'audit'
    | 'advertise'
    | keyof NatsStoreSettings
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
  for (const option of [...placeOptions(), ...natsOptions(), ...observabilityOptions(), ...numberOptions()])
    command.addOption(option);
  return command;
}

function placeOptions(): Option[] {
  return [
    new Option(
      '--policy <file>',
      'YAML file with the rules of who may be which instance and use which topics; read again when it changes; without it everybody on this machine may do everything, and nobody else reaches the bus',
    ),
    new Option(
      '--store <file|memory|nats://host,…>',
      'where to store data: an SQLite file (created if missing), memory for trials, or the servers of a NATS JetStream',
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

/** How a store on NATS is reached. Secrets are in files, since everybody on a machine may read a command line. */
function natsOptions(): Option[] {
  return [
    new Option('--deployment <name>', 'with nats://: keeps the streams of several deployments apart')
      .argParser((text: string) => {
        if (/^[A-Za-z0-9_-]{1,32}$/.test(text)) return text;
        throw new InvalidArgumentError('It must be 1 to 32 characters of A-Z, a-z, 0-9, _ and -.');
      })
      .default('default'),
    new Option('--store-replicas <count>', 'with nats://: how many servers keep each message: 1, 3 or 5')
      .argParser((text: string) => {
        if (/^[135]$/.test(text)) return Number(text);
        throw new InvalidArgumentError('It must be 1, 3 or 5.');
      })
      .default(1),
    new Option(
      '--advertise <host:port>',
      'with nats://: where the other processes of this bus reach this one (default: where it listens)',
    ).argParser((text: string) => {
      if (/^(?:[\w.-]+|\[[\da-fA-F:]+\]):\d{1,5}$/.test(text)) return text;
      throw new InvalidArgumentError('It must be HOST:PORT.');
    }),
    new Option('--store-credentials <file>', 'with nats://: credentials file'),
    new Option('--store-nkey <file>', 'with nats://: file with the seed of an nkey'),
    new Option('--store-user <name>', 'with nats://: user'),
    new Option('--store-password-file <file>', 'with nats://: file with the password of that user'),
    new Option('--store-tls-ca <file>', 'with nats://: PEM file with the authorities of the servers'),
    new Option('--store-tls-certificate <file>', 'with nats://: PEM file with a client certificate'),
    new Option('--store-tls-key <file>', 'with nats://: PEM file with its key'),
  ];
}

function observabilityOptions(): Option[] {
  return [
    new Option('--log-level <level>', 'least important lines to print').choices(logLevels).default('info'),
    new Option('--log-format <format>', 'format of the lines').choices(['text', 'json']).default('text'),
    new Option('--metrics <host:port>', 'where to serve /metrics for Prometheus; without it, nowhere'),
    new Option(
      '--console <host:port>',
      'where to serve a page that shows the bus; a port alone is on loopback, and elsewhere it asks for an administrator; without it, nowhere',
    ),
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
