import { logLevels } from '../../../base/log/log.ts';
import { instanceIdWhenUnset, resolvedInstanceId } from '../instance-id.ts';
import { requestedGrants } from '../requested-grants.ts';
import { type SettingGroup, type SettingValues, setting } from './setting.ts';
import {
  byteCount,
  count,
  countUpTo,
  duration,
  flag,
  oneOf,
  percent,
  poolType,
  rejected,
  tags,
  text,
} from './setting-value.ts';

const everywhere = ['staging', 'run'] as const;

function ms(key: string, preset: string, meaning: string) {
  return setting({ key, default: preset, meaning, parse: duration });
}

function number(key: string, preset: string, meaning: string, parse = count) {
  return setting({ key, default: preset, meaning, parse });
}

/** What the bus can do for one sidecar: larger settings would break a promise. A test compares them with the limits on the wire. */
export const settingLimits = {
  /** Publishes of one sidecar that the bus recognises when they are repeated. Any beyond could be stored twice. */
  outboxMessages: 65_536,
  /** Unacknowledged messages of one subscription. More credit would have no effect. */
  creditMessages: 4_096,
} as const;

function bytes(key: string, preset: string, meaning: string) {
  return setting({ key, default: preset, meaning, parse: byteCount });
}

/** The sidecar's own settings. */
export const sidecarSettings = {
  instanceId: setting({
    variable: 'INSTANCE_ID',
    key: 'instance_id',
    option: {
      name: 'instance-id',
      meaning: 'Unique name of this instance',
      default: "the project's name, a hyphen, the service's name",
    },
    meaning: 'Unique name of this instance; may hold {space} {app} {process} {index}',
    isRequired: true,
    onCloudFoundry: '{app}-{index}, with -{process} before the index when that is not web',
    example: 'oms-1',
    readBy: everywhere,
    parse: resolvedInstanceId,
    whenUnset: instanceIdWhenUnset,
    whenWrong: '',
  }),
  poolType: setting({
    variable: 'POOL_TYPE',
    key: 'pool_type',
    option: { name: 'pool-type', meaning: 'Classification of the plugin' },
    meaning: 'Classification of the plugin',
    isRequired: true,
    example: 'OMSPool',
    readBy: everywhere,
    parse: poolType,
    whenUnset: () => rejected('missing', 'set, to the classification of the plugin, such as `OMSPool`'),
    whenWrong: '',
  }),
  image: setting({
    variable: 'IMAGE',
    key: 'image',
    meaning: 'Container image reference, for information only',
    example: 'registry.example/oms:1.2.0',
    parse: text,
  }),
  requestedGrants: setting({
    variable: 'REQUESTED_GRANTS',
    key: 'requested_grants',
    option: { name: 'requested-grants' },
    meaning: 'JSON array of {topic, action} grants to ask the bus for',
    default: '[]',
    example: '[{"topic":"platform.data.*","action":"publish"}]',
    readBy: everywhere,
    parse: requestedGrants,
  }),
  tags: setting({
    variable: 'TAGS',
    key: 'tags',
    option: { name: 'tags' },
    meaning: 'Comma-separated capability tags',
    default: '',
    example: 'eod,yahoo',
    readBy: everywhere,
    parse: tags,
  }),
  connectTimeoutMs: setting({
    variable: 'SIDECAR_CONNECT_TIMEOUT',
    key: 'timeouts.connect',
    option: { name: 'connect-timeout' },
    meaning: 'How long step 1 tries to reach the bus',
    default: '30s',
    example: '1m',
    parse: duration,
  }),
  // Cloud Foundry gives an app 60 s to start by default. The sidecar must report the reason before that.
  grantTimeoutMs: setting({
    variable: 'SIDECAR_GRANT_TIMEOUT',
    key: 'timeouts.grant',
    option: { name: 'grant-timeout', default: 'for ever' },
    meaning: 'How long step 3 waits for a decision on the grants',
    unset: 'for ever',
    onCloudFoundry: '50s',
    example: '10m',
    parse: duration,
  }),
  exitOnFault: setting({
    variable: 'SIDECAR_EXIT_ON_FAULT',
    key: 'exit_on_fault',
    option: { name: 'exit-on-fault', default: 'false' },
    meaning: 'true: exit 70 once the plugin is faulted, so that the platform restarts both',
    default: 'false',
    onCloudFoundry: 'true',
    example: 'true',
    parse: flag,
  }),
  logLevel: setting({
    variable: 'SIDECAR_LOG_LEVEL',
    key: 'log_level',
    option: { name: 'log-level' },
    meaning: 'debug, info, warn or error',
    default: 'info',
    example: 'debug',
    parse: oneOf(logLevels),
  }),
  logFormat: setting({
    variable: 'SIDECAR_LOG_FORMAT',
    key: 'log_format',
    option: { name: 'log-format' },
    meaning: 'text or json',
    default: 'text',
    example: 'json',
    parse: oneOf(['text', 'json']),
  }),
  auditLog: setting({
    variable: 'SIDECAR_AUDIT_LOG',
    key: 'audit_log',
    meaning: 'File that takes one JSON line per message published and delivered; - for stdout',
    unset: 'none',
    example: '/var/log/meridian/audit.log',
    parse: text,
  }),
  callTimeoutMs: ms('timeouts.call', '5s', 'Timeout of a call that names none'),
  maxCallTimeoutMs: ms('timeouts.max_call', '60s', 'The longest timeout of a call'),
  healthCheckTimeoutMs: ms('timeouts.health_check', '5s', 'How long the plugin may take to answer a health check'),
  healthCheckEveryMs: ms('intervals.health_check', '10s', 'How often the plugin is asked for its health'),
  renewEveryMs: ms('intervals.renew', '3s', 'How often the sidecar renews its lease at the bus'),
  faultThreshold: number('fault_threshold', '3', 'Health checks missed in a row that make the plugin FAULTED'),
  shutdown: {
    totalMs: ms('shutdown.total', '8s', 'How long a graceful stop may take; its parts must fit into it'),
    drainMs: ms('shutdown.drain', '6s', 'How long the plugin may take to finish what is in flight'),
    flushMs: ms('shutdown.flush', '1s', 'How long the sidecar waits for answers of the bus'),
    deregisterMs: ms('shutdown.deregister', '500ms', 'How long releasing the instance id may take'),
    closeMs: ms('shutdown.close', '500ms', 'How long closing the ports may take'),
  },
  outbox: {
    messages: number(
      'outbox.messages',
      '1024',
      `Publishes that may wait for the answer of the bus, at most ${settingLimits.outboxMessages}`,
      countUpTo(settingLimits.outboxMessages),
    ),
    bytes: bytes('outbox.bytes', '8MiB', 'Bytes of those publishes'),
    ageMs: ms('outbox.age', '30s', 'How long a publish may wait before its outcome counts as unknown'),
  },
  credits: {
    messages: number(
      'credits.messages',
      '256',
      `Messages that one subscription may have in flight to the sidecar, at most ${settingLimits.creditMessages}`,
      countUpTo(settingLimits.creditMessages),
    ),
    bytes: bytes('credits.bytes', '4MiB', 'Bytes of those messages'),
  },
  v1BufferBytes: bytes(
    'v1_buffer',
    '4MiB',
    'Bytes that may wait for one slow v1 stream; messages that do not fit are dropped and reported',
  ),
  maxClockSkewMs: ms('max_clock_skew', '5s', 'How far ts_event of a message may be ahead of the clock'),
  reconnect: {
    firstDelayMs: ms('reconnect.first', '100ms', 'Bound of the first random delay before the bus is tried again'),
    maxDelayMs: ms('reconnect.max', '5s', 'The most that this bound may double to'),
  },
  memory: {
    heldBytes: setting({
      key: 'memory.held',
      meaning: 'Bytes of messages that the sidecar may hold, half of them in each direction',
      unset: 'by the memory limit; 16MiB in 128 MB',
      example: '16MiB',
      parse: byteCount,
    }),
    shedAtPercent: setting({
      key: 'memory.shed_at',
      default: '85%',
      meaning: 'Share of the memory limit from which new publishes and calls are refused',
      parse: percent,
    }),
    resumeAtPercent: setting({
      key: 'memory.resume_at',
      default: '75%',
      meaning: 'Share of the memory limit below which they are accepted again',
      parse: percent,
    }),
  },
  metrics: {
    topics: number('metrics.topics', '100', 'Topics with metrics of their own; all others are counted together'),
  },
} as const satisfies SettingGroup;

/** The values of the settings that only the sidecar reads. */
export type SidecarSettings = SettingValues<typeof sidecarSettings>;
