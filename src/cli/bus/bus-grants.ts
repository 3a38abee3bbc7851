import { Argument, type Command } from 'commander';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  DecideGrantsRequestSchema,
  ExplainGrantRequestSchema,
  type GrantStanding,
  ListGrantsRequestSchema,
  Standing,
} from '../../contract/wire/gen/meridian/bus/v1/grants_pb.ts';
import { grantMethods } from '../../contract/wire/methods.ts';
import type { Action, Grant } from '../../contract/wire/topics/grants.ts';
import { actionFromWire, actionToWire, grantsToWire } from '../../contract/wire/topics/grants-on-wire.ts';
import { usageExitCode } from '../command.ts';
import { timeOf } from '../shell/message-text.ts';
import type { AdminClient } from './admin-client.ts';
import { type AdminFlags, print, withAdminClient, withAdminFlags } from './admin-flags.ts';
import { type GrantRow, grantsTable } from './grants-table.ts';

const instanceArgument = new Argument('<instance>', 'its INSTANCE_ID');
const actions = ['publish', 'subscribe'] as const;

/** `meridian-sidecar bus grants …`: an administrator's questions and decisions, for a running bus. */
export function addGrantsCommand(bus: Command): void {
  const grants = bus.command('grants').description('list, explain, approve and revoke grants');
  withAdminFlags(grants.command('list').description('list requested grants and their status'))
    .option('--instance <id>', 'only those of this instance')
    .option('--undecided', 'only those that wait for an approval', false)
    .action((flags: AdminFlags & { instance?: string; undecided: boolean }) => list(flags));
  withAdminFlags(
    grants
      .command('approve')
      .usage('<instance> [action] [patterns...]')
      .description('approve grants that a rule with `approval: manual` allows, or that were revoked'),
  )
    .addArgument(instanceArgument)
    .addArgument(new Argument('[action]', 'unless --all is given').choices(actions))
    .argument('[patterns...]', 'patterns of topics')
    .option('--all', 'all undecided grants of the instance', false)
    .action((instance: string, action: Action | undefined, patterns: string[], flags: AdminFlags & { all: boolean }) =>
      withAdminClient(flags, async (client) => {
        const chosen =
          flags.all && action === undefined ? await undecidedOf(client, instance) : grantsOf(action, patterns);
        await decide(client, 'approve', { instance, grants: chosen }, flags);
      }),
    );
  withAdminFlags(
    grants
      .command('revoke')
      .usage('<instance> <action> <patterns...>')
      .description('revoke grants that share a topic with the patterns, until they are approved again'),
  )
    .addArgument(instanceArgument)
    .addArgument(new Argument('<action>').choices(actions))
    .argument('<patterns...>', 'patterns of topics')
    .action((instance: string, action: Action, patterns: string[], flags: AdminFlags) =>
      withAdminClient(flags, (client) =>
        decide(client, 'revoke', { instance, grants: grantsOf(action, patterns) }, flags),
      ),
    );
  withAdminFlags(
    grants
      .command('explain')
      .description('explain why an instance may or may not use a topic, and what would allow it'),
  )
    .addArgument(instanceArgument)
    .addArgument(new Argument('<action>').choices(actions))
    .argument('<topic>', 'a topic or a whole pattern')
    .action((instance: string, action: Action, topic: string, flags: AdminFlags) =>
      withAdminClient(flags, (client) => explain(client, { instance, action, topic }, flags)),
    );
}

function list(flags: AdminFlags & { instance?: string; undecided: boolean }): Promise<void> {
  return withAdminClient(flags, async (client) => {
    const request = create(ListGrantsRequestSchema, {
      instanceId: flags.instance ?? '',
      undecidedOnly: flags.undecided,
    });
    const rows = (await client.call(grantMethods.list, request)).grants.map(rowOf);
    print(
      flags.json
        ? `${JSON.stringify(rows, null, 2)}\n`
        : rows.length === 0
          ? 'no grants\n'
          : grantsTable(rows, process.stdout.columns),
    );
  });
}

async function decide(
  client: AdminClient,
  verb: 'approve' | 'revoke',
  { instance, grants }: { readonly instance: string; readonly grants: readonly Grant[] },
  flags: AdminFlags,
): Promise<void> {
  const request = create(DecideGrantsRequestSchema, { instanceId: instance, grants: grantsToWire(grants) });
  const rows = (await client.call(grantMethods[verb], request)).grants.map(rowOf);
  if (flags.json) return print(`${JSON.stringify(rows, null, 2)}\n`);
  for (const { action, pattern } of grants) print(`${verb}d ${action} ${pattern} of ${instance}\n`);
  print(
    rows.length > 0
      ? grantsTable(rows, process.stdout.columns)
      : `${instance} requests none of these grants now; the decision applies once it does\n`,
  );
}

async function explain(
  client: AdminClient,
  { instance, action, topic }: { readonly instance: string; readonly action: Action; readonly topic: string },
  flags: AdminFlags,
): Promise<void> {
  const request = create(ExplainGrantRequestSchema, { instanceId: instance, action: actionToWire(action), topic });
  const { admitted, reason, needed } = await client.call(grantMethods.explain, request);
  if (flags.json) return print(`${JSON.stringify({ admitted, reason, needed }, null, 2)}\n`);
  print(`${reason}\n${needed === '' ? '' : `needed: ${needed}\n`}`);
}

/** @throws UserFacingError when nothing is undecided, since the id may be mistyped. */
async function undecidedOf(client: AdminClient, instance: string): Promise<Grant[]> {
  const request = create(ListGrantsRequestSchema, { instanceId: instance, undecidedOnly: true });
  const grants = (await client.call(grantMethods.list, request)).grants.map(rowOf);
  if (grants.length > 0) return grants;
  throw new UserFacingError({
    id: 'grants/approve/nothing-undecided',
    found: `no grant of ${instance} waits for an approval`,
    next: ['List the grants that wait with `meridian-sidecar bus grants list --undecided`.'],
    exitCode: usageExitCode,
  });
}

/** @throws UserFacingError without an action or a pattern. */
function grantsOf(action: Action | undefined, patterns: readonly string[]): Grant[] {
  if (action !== undefined && patterns.length > 0) return patterns.map((pattern) => ({ action, pattern }));
  throw new UserFacingError({
    id: 'grants/approve/arguments',
    found: 'the command does not say what to approve',
    next: ['Name publish or subscribe and then patterns of topics, or give --all.'],
    exitCode: usageExitCode,
  });
}

const standings: Readonly<Record<Standing, string>> = {
  [Standing.UNSPECIFIED]: 'unknown',
  [Standing.GRANTED]: 'granted',
  [Standing.UNDECIDED]: 'undecided',
  [Standing.DENIED]: 'denied',
  [Standing.REVOKED]: 'revoked',
};

function rowOf({ instanceId, action, pattern, standing, why, decidedBy, decidedAtNs }: GrantStanding): GrantRow {
  return {
    instance: instanceId,
    action: actionFromWire(action) ?? 'publish',
    pattern,
    standing: standings[standing] ?? 'unknown',
    why,
    ...(decidedBy !== '' && { decidedBy, decidedAt: timeOf(decidedAtNs) }),
  };
}
