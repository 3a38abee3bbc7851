import { create } from '../../contract/wire/codec/message.ts';
import type { Action } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import {
  DecideGrantsReplySchema,
  type DecideGrantsRequest,
  ExplainGrantReplySchema,
  type GrantStanding,
  GrantStandingSchema,
  ListGrantsReplySchema,
  Standing,
} from '../../contract/wire/gen/meridian/bus/v1/grants_pb.ts';
import { grantMethods } from '../../contract/wire/methods.ts';
import type { Grant } from '../../contract/wire/topics/grants.ts';
import { actionFromWire, actionToWire } from '../../contract/wire/topics/grants-on-wire.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import { type CallContext, type Route, serveUnary } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import { allowingRule, type EvaluatedGrant, rulesFor } from '../access/access-decision.ts';
import type { RequireAdmin } from '../access/admin.ts';
import { instanceIdOf } from '../ownership/instance-id.ts';
import { type GrantDecision, StoreFullError } from '../store/store.ts';
import type { GrantDesk } from './grant-desk.ts';
import { explainAccess, nearestInPolicy } from './grant-explanation.ts';

export interface GrantServiceOptions {
  readonly desk: GrantDesk;
  readonly requireAdmin: RequireAdmin;
}

/** The RPCs for administrators. */
export function grantRoutes({ desk, requireAdmin }: GrantServiceOptions): Route[] {
  const decide = async (verdict: GrantDecision['verdict'], request: DecideGrantsRequest, call: CallContext) => {
    const by = requireAdmin(call);
    const decidable = { instanceId: instanceIdOf(request), grants: grantsOf(request) };
    if (verdict === 'approved') checkCeiling(desk, decidable);
    const touched = await desk.decide(verdict, decidable, by).catch(fullAsStatus);
    return create(DecideGrantsReplySchema, { grants: touched.map((grant) => standingOf(request.instanceId, grant)) });
  };
  return [
    serveUnary(grantMethods.list, async ({ instanceId, undecidedOnly }, call) => {
      requireAdmin(call);
      const all = [...ofRegistered(desk), ...ofAbsent(desk)].filter(
        (each) =>
          (instanceId === '' || each.instanceId === instanceId) &&
          (!undecidedOnly || each.standing === Standing.UNDECIDED),
      );
      return create(ListGrantsReplySchema, { grants: all });
    }),
    serveUnary(grantMethods.approve, (request, call) => decide('approved', request, call)),
    serveUnary(grantMethods.revoke, (request, call) => decide('revoked', request, call)),
    serveUnary(grantMethods.explain, async (request, call) => {
      requireAdmin(call);
      const instanceId = instanceIdOf(request);
      const wanted = grantOf({ action: request.action, pattern: request.topic });
      return create(
        ExplainGrantReplySchema,
        explainAccess(desk, { instanceId, wanted }, desk.registrationOf(instanceId)),
      );
    }),
  ];
}

/** @throws RpcError FAILED_PRECONDITION if the policy does not allow one of the grants to the instance. */
function checkCeiling(
  desk: GrantDesk,
  { instanceId, grants }: { readonly instanceId: string; readonly grants: readonly Grant[] },
): void {
  const rules = rulesFor(desk.policy, { ...desk.registrationOf(instanceId), instanceId });
  for (const grant of grants) {
    if (allowingRule(rules, grant)) continue;
    throw new RpcError(
      'FAILED_PRECONDITION',
      `no policy rule allows ${instanceId} to ${grant.action} ${grant.pattern}, and an approval never goes beyond the policy; ${nearestInPolicy(grant, rules)}`,
    );
  }
}

function ofRegistered(desk: GrantDesk): GrantStanding[] {
  return desk
    .registeredIds()
    .flatMap((instanceId) =>
      (desk.registrationOf(instanceId)?.access.judged ?? []).map((grant) => standingOf(instanceId, grant)),
    );
}

/** Decisions for instances that are not registered. They apply at registration. */
function ofAbsent(desk: GrantDesk): GrantStanding[] {
  return desk.decisions
    .filter(({ instanceId }) => desk.registrationOf(instanceId) === undefined)
    .map((decision) =>
      standingOf(decision.instanceId, {
        ...decision,
        decision,
        standing: decision.verdict === 'approved' ? 'granted' : 'revoked',
        why: `${decision.verdict} by ${decision.by}; not registered now`,
      }),
    );
}

const standingOnWire: Readonly<Record<EvaluatedGrant['standing'], Standing>> = {
  granted: Standing.GRANTED,
  undecided: Standing.UNDECIDED,
  denied: Standing.DENIED,
  revoked: Standing.REVOKED,
};

function standingOf(instanceId: string, { action, pattern, standing, why, decision }: EvaluatedGrant): GrantStanding {
  return create(GrantStandingSchema, {
    instanceId,
    action: actionToWire(action),
    pattern,
    standing: standingOnWire[standing],
    why,
    ...(decision && { decidedBy: decision.by, decidedAtNs: decision.decidedAtNs }),
  });
}

/** @throws RpcError INVALID_ARGUMENT */
function grantsOf({ grants }: DecideGrantsRequest): Grant[] {
  if (grants.length === 0) throw new RpcError('INVALID_ARGUMENT', 'there is no grant to decide on');
  return grants.map(grantOf);
}

/** @throws RpcError INVALID_ARGUMENT */
function grantOf({ action: onWire, pattern }: { readonly action: Action; readonly pattern: string }): Grant {
  const action = actionFromWire(onWire);
  if (action === undefined) throw new RpcError('INVALID_ARGUMENT', `action ${onWire} is neither publish nor subscribe`);
  const fault = patternProblem(pattern);
  if (fault !== undefined) throw new RpcError('INVALID_ARGUMENT', `"${pattern}" is not a pattern: it ${fault}`);
  return { action, pattern };
}

function fullAsStatus(error: unknown): never {
  if (error instanceof StoreFullError) throw new RpcError('RESOURCE_EXHAUSTED', error.message, { cause: error });
  throw error;
}
