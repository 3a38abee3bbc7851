interface Description {
  readonly name: string;
  readonly group: 'lifecycle' | 'messages';
  /** The behaviour of a plugin that passes. */
  readonly sentence: string;
  /** Why the test does not apply to a plugin that uses contract v1 only; absent: it applies. */
  readonly beyondV1?: string;
}

/** Meridian's conformance tests for a plugin beside its sidecar, in the order of Meridian's own list. */
const descriptions = {
  register: {
    name: 'Register',
    group: 'lifecycle',
    sentence: 'registers with the sidecar when it starts, and is admitted',
  },
  'state-transitions': {
    name: 'State transitions',
    group: 'lifecycle',
    sentence: 'takes its sidecar through INITIALIZING, READY, RUNNING and STOPPED, once each',
  },
  'degraded-state': {
    name: 'Degraded state',
    group: 'lifecycle',
    sentence: 'stays, and answers health checks, while the bus is away, and works when it is back',
    beyondV1: 'contract v1 has no callback that tells a plugin of it',
  },
  'health-check': {
    name: 'Health check',
    group: 'lifecycle',
    sentence: 'answers a health check within 5 s; with contract v1, sends heartbeats at most 10 s apart',
  },
  'graceful-shutdown': {
    name: 'Graceful shutdown',
    group: 'lifecycle',
    sentence: 'on SIGTERM drains, says that it has stopped, and exits with code 0 within the drain of 6 s',
  },
  'state-save-load': {
    name: 'State save/load',
    group: 'lifecycle',
    sentence: 'started again, asks for the state that it saved before it saves another',
    beyondV1: 'contract v1 has no state',
  },
  'sidecar-readiness': {
    name: 'Sidecar readiness',
    group: 'lifecycle',
    sentence: 'started before its sidecar, waits for it, and does nothing before it is registered',
  },
  'faulted-state': {
    name: 'Faulted state',
    group: 'lifecycle',
    sentence: 'suspended until it is faulted and then resumed, is healthy and works again',
  },
  'publish-envelope': {
    name: 'Publish envelope',
    group: 'messages',
    sentence: 'publishes messages with every required field',
  },
  'subscribe-and-receive': {
    name: 'Subscribe and receive',
    group: 'messages',
    sentence: 'acknowledges a message on what it subscribes to within 1 s; with contract v1, takes it from the stream',
  },
  'dual-timestamps': {
    name: 'Dual timestamps',
    group: 'messages',
    sentence: 'publishes messages with ts_event and ts_init set and ts_init not before ts_event',
    beyondV1: 'contract v1 has no field for the time of an event',
  },
  'acl-enforcement': {
    name: 'ACL enforcement',
    group: 'messages',
    sentence: 'keeps working when its publish grants are revoked and its publishes are rejected',
  },
  'dedup-key': {
    name: 'Dedup key',
    group: 'messages',
    sentence: 'gives every message a key, and the same key when it publishes the same event again',
    beyondV1: 'contract v1 has no field for the key',
  },
  'group-handover': {
    name: 'Group handover',
    group: 'messages',
    sentence: 'in a group, acknowledges within 1 s what another member that leaves had',
    beyondV1: 'contract v1 has no groups',
  },
  'schema-version': {
    name: 'Schema version',
    group: 'messages',
    sentence: 'gives a semantic version at Register and, as its own or by that, on every message',
  },
} as const satisfies Record<string, Description>;

/** The name of a test on a command line, in JSON and in the code. */
export type TestId = keyof typeof descriptions;

export interface ConformanceTest extends Description {
  readonly id: TestId;
}

export const conformanceTests: readonly ConformanceTest[] = Object.entries(descriptions).map(([id, description]) => ({
  ...description,
  id: id as TestId,
}));
