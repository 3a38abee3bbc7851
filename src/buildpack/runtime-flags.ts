/**
 * What the runtime is told for every program of ours; docs/measurements.md has what each brings. The image's command,
 * `compose/image/meridian-sidecar`, repeats them, since it is a file by itself.
 */
export const runtimeFlags: readonly string[] = [
  '--max-semi-space-size=2',
  // V8 would otherwise let 32 MB of what sockets have read lie unused before it collects them: a multiple of this.
  '--scavenger-max-new-space-capacity-mb=1',
  // A thread that compiles beside the program leaves what it used for that behind in the C library's heap: 12 MB.
  '--no-concurrent-recompilation',
];
