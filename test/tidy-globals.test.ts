import { expect, test } from 'vitest';
import { sourcesIn } from './tidy-sources.ts';

const importing = (...modules: string[]): string => `(?:from|import)\\s*\\(?\\s*['"](?:${modules.join('|')})['"]`;

/** What ties code to this machine's time, chance, network, files or process, and what to use instead. */
const banned = {
  clock: {
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.(?:now|timeOrigin)\b/,
    instead: "the scheduler's `nowMs` and `wallTimeNs`",
  },
  timers: {
    pattern: new RegExp(
      `\\bset(?:Timeout|Interval|Immediate)\\b|\\bAbortSignal\\.timeout\\b|${importing('(?:node:)?timers(?:/promises)?')}`,
    ),
    instead: "the scheduler's `setTimer`, `sleep` and `every`",
  },
  chance: { pattern: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/, instead: "the scheduler's `random`" },
  network: {
    pattern: new RegExp(`${importing('node:(?:net|tls|dgram|dns|https?|http2)', '@grpc/grpc-js')}|\\bfetch\\(`),
    instead: "`transport`'s Network",
  },
  files: { pattern: new RegExp(importing('node:fs(?:/promises)?', 'fs-extra')), instead: 'texts or bytes passed in' },
  children: { pattern: new RegExp(importing('node:child_process')), instead: 'an adapter passed in' },
  process: {
    pattern: new RegExp(`\\bprocess\\.\\w|${importing('node:process')}`),
    instead: 'values passed in from the entry file',
  },
  console: { pattern: /\bconsole\./, instead: 'the log passed in' },
} as const;

type Banned = keyof typeof banned;

/**
 * The entry files and adapters, each with what it is there to use; a name that ends in `/` is a whole folder.
 * Add one only if that is its one purpose.
 */
const exempt: Readonly<Record<string, readonly Banned[]>> = {
  // What others wrote is read, and what lies among it is written, by these two alone.
  'src/base/files/': ['files'],
  'src/audit/last-chain.ts': ['files'],
  'src/base/log/line-file.ts': ['files'],
  'src/base/metrics/process-usage.ts': ['process'],
  'src/base/random.ts': ['chance'],
  'src/base/time/real-scheduler.ts': ['clock', 'timers'],
  // Turns of the event loop, not time: a simulation lets ready promises run between two virtual timers.
  'src/simulation/virtual-scheduler.ts': ['timers'],
  // Server-sent events need a connection that stays open, which the server of `transport/http` has not.
  'src/bus/console/console-server.ts': ['network'],
  // Runs in a browser.
  'src/bus/console/page/': ['network', 'timers'],
  // The bus as a program. It and the command that has it copy its store share a machine and nothing else.
  'src/bus/run/': ['files', 'process'],
  'src/bus/run/backup-socket.ts': ['network'],
  // Made with a mode of its own, which SQLite gives to what it writes beside it.
  'src/bus/store/sqlite/file/disk-reserve.ts': ['files'],
  'src/bus/store/sqlite/file/store-file.ts': ['files'],
  // Checks an address by Node's own rule for certificates.
  'src/bus/store/jetstream/nats-connection.ts': ['network'],
  // A file that is written whole before it has its name.
  'src/bus/store/migration/write-file.ts': ['files'],
  'src/bus/store/sqlite/file/held-files.ts': ['files'],
  // Each command is an entry: it gathers what the parts below need from the machine.
  'src/cli/': ['children', 'files', 'process'],
  'src/cli/status.ts': ['timers'],
  'src/cli/health-answer.ts': ['network'],
  // The text of a plugin's program.
  'src/cli/init/plugin-program.ts': ['console'],
  // The text of what a child process does first.
  'src/cli/run/dev-command.ts': ['timers'],
  'src/cli/run/is-free.ts': ['network'],
  'src/compose/engine/docker-cli.ts': ['children'],
  'src/compose/state/state-files.ts': ['files'],
  'src/contract/config/bus/binding-files.ts': ['files'],
  'src/doctor/container/network-probes.ts': ['network'],
  'src/local/droplet-files.ts': ['files'],
  'src/local/process-spawner.ts': ['children', 'process'],
  'src/local/run-script.ts': ['children'],
  'src/packager/build.ts': ['files'],
  // The name of what a bundle is not to read.
  'src/packager/bundle/bundle.ts': ['files'],
  'src/packager/bundle/bundled-packages.ts': ['files'],
  'src/packager/bundle/console-files.ts': ['files'],
  'src/packager/client/client-package.ts': ['files'],
  'src/packager/client/wheel.ts': ['files'],
  // Runs the compiler.
  'src/packager/client/declarations.ts': ['children', 'files', 'process'],
  'src/packager/client/tgz-file.ts': ['files'],
  'src/packager/image-context.ts': ['files'],
  'src/packager/line-ends.ts': ['files'],
  'src/packager/made-package.ts': ['files'],
  'src/packager/main.ts': ['console', 'process'],
  'src/packager/package.ts': ['files'],
  'src/packager/require-runtime.mjs': ['console', 'files', 'process'],
  // The text of what a bundle does first.
  'src/packager/required-node.ts': ['console', 'process'],
  'src/packager/runtime.ts': ['children', 'files'],
  // A measurement of programs, by the machine's own clock.
  'src/packager/bundle/weigh.ts': ['children', 'clock', 'files', 'process', 'timers'],
  'src/packager/zip-file.ts': ['files'],
  // A plugin author calls it with no wiring of their own, so it reads the plugin's environment and signals.
  'src/plugin/index.ts': ['process'],
  'src/sidecar/main.ts': ['clock', 'process'],
  'src/sidecar/memory/process-memory.ts': ['files', 'process'],
  'src/supply/main.ts': ['clock', 'files', 'process'],
  'src/supply/staged-files.ts': ['files'],
  // Real sockets on the machine's own clock; the in-process network of the simulation runs on any scheduler.
  'src/transport/http-tunnel.ts': ['network'],
  'src/transport/relay.ts': ['network'],
  'src/transport/grpc/': ['clock', 'network', 'process', 'timers'],
  'src/transport/http/': ['network'],
  'src/transport/http2/': ['network', 'timers'],
  'src/transport/tls/': ['network', 'process'],
};

const exemptions = Object.entries(exempt).flatMap(([place, all]) => all.map((what) => ({ place, what })));
const covers = (place: string, file: string): boolean =>
  place.endsWith('/') ? file.startsWith(place) : file === place;

const findings = sourcesIn('src').flatMap(({ file, code }) =>
  (Object.keys(banned) as Banned[]).filter((what) => banned[what].pattern.test(code)).map((what) => ({ file, what })),
);

test('only entry files and adapters touch time, chance, network, files, processes and the console', () => {
  const forbidden = findings
    .filter(({ file, what }) => !exemptions.some((each) => each.what === what && covers(each.place, file)))
    .map(({ file, what }) => `${file} uses ${what}; use ${banned[what].instead}`);
  expect(forbidden).toEqual([]);
});

test('no exemption is listed that nothing needs', () => {
  const idle = exemptions.filter(
    ({ place, what }) => !findings.some((finding) => finding.what === what && covers(place, finding.file)),
  );
  expect(idle).toEqual([]);
});
