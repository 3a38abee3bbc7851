/** What a refusal or an error at the bus means and what to do. Its ids head the rows of a table in docs/troubleshooting.md. */
export const problemGuide = {
  'publish-refused': {
    means: 'the bus did not store a message, and told its plugin why',
    next: 'read the reason: for a grant, `meridian-sidecar bus grants explain INSTANCE publish TOPIC`; for a quota or a full store, docs/bus.md',
  },
  'call-refused': {
    means: 'a request was refused before a handler got it',
    next: 'read the reason; `meridian-sidecar bus grants explain INSTANCE publish TOPIC` shows the grants',
  },
  'subscription-refused': {
    means: 'a subscription or handler was not opened, or was ended',
    next: '`meridian-sidecar bus grants explain INSTANCE subscribe TOPIC`; for a quota, docs/bus.md',
  },
  'registration-refused': {
    means: 'a sidecar may not be this instance, or another one owns the id',
    next: "compare the instance, its pool and its principal with the rules of the bus's policy",
  },
  'client-refused': {
    means: 'a connection or call came without an accepted credential, or over a limit',
    next: "compare the credential with the policy's tokens and with --tls-client-ca",
  },
  'lease-ended': {
    means: 'no heartbeat came from a sidecar, so it lost its registration',
    next: 'look at the process and the network of that instance; it registers again by itself',
  },
  warning: { means: 'the bus logged a warning', next: 'read the reason, and the log of the bus around that time' },
  error: {
    means: 'the bus logged an error',
    next: 'read the reason, and the log of the bus around that time; look the id up in docs/errors.md if it has one',
  },
} as const;

export type ProblemKind = keyof typeof problemGuide;
