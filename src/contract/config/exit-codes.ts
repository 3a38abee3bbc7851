/** The exit codes of Meridian's programs; each means one thing to whoever supervises the process. */
export const exitCodes = {
  clean: 0,
  usage: 64,
  /** Steps 1 and 2: no connection to the Bus API in time, or one that fails. */
  busUnreachable: 69,
  /** The plugin missed its health checks and `exitOnFault` is set. */
  pluginFaulted: 70,
  /** Step 7: plugins cannot be accepted. */
  pluginPort: 71,
  /** Stopped in order, but with publishes or acknowledgements whose outcome is unknown. */
  unresolved: 74,
  /** Step 3: nobody decided the grants within the grant timeout. */
  grantsUndecided: 75,
  /** Steps 2 and 3: the bus refused the registration or the grants. */
  refused: 77,
  configuration: 78,
} as const;
