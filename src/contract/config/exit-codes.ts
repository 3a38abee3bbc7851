/** The exit codes of Meridian's programs. Each has one meaning for a supervisor of the process. */
export const exitCodes = {
  clean: 0,
  usage: 64,
  /** `audit verify`: lines of an audit log were changed, cut or added, or a point of a message is missing. */
  auditBroken: 65,
  /** `request`: nobody answers on the topic. */
  noHandler: 68,
  /** Steps 1 and 2: no connection to the Bus API in time, or it fails. */
  busUnreachable: 69,
  /** The plugin missed its health checks and `exitOnFault` is set. */
  pluginFaulted: 70,
  /** Step 7: the sidecar cannot accept plugins. */
  pluginPort: 71,
  /** A graceful stop, but the outcome of some publishes or acks is unknown. */
  unresolved: 74,
  /** Step 3: no administrator decided the grants within the grant timeout. */
  grantsUndecided: 75,
  /** Steps 2 and 3: the bus refused the registration or the grants. */
  refused: 77,
  configuration: 78,
  /** `run`: as a shell says it, https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02 */
  commandNotExecutable: 126,
  commandNotFound: 127,
} as const;
