import { writeFile } from 'node:fs/promises';
import { Option } from 'commander';
import { realScheduler } from '../base/time/real-scheduler.ts';
import { conformanceTests, type TestId } from '../conformance/conformance-tests.ts';
import { hasFailure, jsonOf, junitOf, tableOf } from '../conformance/report.ts';
import { runConformance } from '../conformance/run-conformance.ts';
import { grpcNetwork } from '../transport/grpc/network.ts';
import { type AddCommand, collect } from './command.ts';
import { type ClaimFlags, readClaims } from './conformance/conformance-claims.ts';
import { CommandProcesses } from './conformance/conformance-process.ts';

interface ConformanceFlags extends ClaimFlags {
  readonly instanceId: string;
  readonly poolType: string;
  readonly only: readonly TestId[];
  readonly json: boolean;
  readonly junit?: string;
}

/** `meridian-sidecar conformance`: exit 0 when the plugin fails no test, 1 when it does. */
export const addConformanceCommand: AddCommand = (program) => {
  program
    .command('conformance')
    .description("run Meridian's conformance tests on a plugin; exit 1 when it fails one")
    .argument('<command...>', 'command that starts the plugin, after `--`')
    .option('--instance-id <id>', 'INSTANCE_ID of the plugin', 'conformance-plugin')
    .option('--pool-type <type>', 'POOL_TYPE of the plugin', 'SignalPool')
    .option(
      '--grant <action:pattern>',
      'grant of the plugin, publish:PATTERN or subscribe:PATTERN; the tests expect that it is used',
      collect,
      [],
    )
    .option(
      '--message <topic=payload>',
      'message that the plugin is sent, instead of {} on its first subscription',
      collect,
      [],
    )
    .addOption(
      new Option('--only <name...>', 'run only these tests').choices(conformanceTests.map(({ id }) => id)).default([]),
    )
    .option('--strict', 'fail the tests of what the plugin never does', false)
    .option('--timeout <duration>', 'how long the plugin may take for one step, such as its start', '10s')
    .option('--json', 'print the results as JSON', false)
    .option('--junit <file>', 'also write the results as JUnit XML')
    .action((command: string[], flags: ConformanceFlags) => judgePlugin(command, flags));
};

async function judgePlugin(command: readonly string[], flags: ConformanceFlags): Promise<void> {
  const claims = readClaims(flags);
  const processes = new CommandProcesses(command);
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.once(signal, () => {
      processes.killAll();
      process.exit(128 + number);
    });
  }
  const results = await runConformance({
    ...claims,
    around: {
      network: grpcNetwork,
      scheduler: realScheduler,
      startPlugin: processes.start,
      instanceId: flags.instanceId,
      poolType: flags.poolType,
    },
    only: flags.only,
    onScene: (name) => process.stderr.write(`… ${name}\n`),
  });
  process.stdout.write(flags.json ? jsonOf(results) : tableOf(results, process.stdout.columns));
  if (flags.junit !== undefined) await writeFile(flags.junit, junitOf(results, command.join(' ')));
  process.exitCode = hasFailure(results) ? 1 : 0;
}
