import { create } from '@bufbuild/protobuf';
import { Action, GrantSchema, type Grant as WireGrant } from './gen/meridian/bus/v1/bus_pb.ts';
import type { Grant, WithheldGrant } from './grants.ts';

/** Grants as the Bus API's messages carry them. */
export function grantsToWire(grants: readonly (Grant | WithheldGrant)[]): WireGrant[] {
  return grants.map((grant) =>
    create(GrantSchema, {
      pattern: grant.pattern,
      action: actionToWire(grant.action),
      reason: 'reason' in grant ? grant.reason : '',
    }),
  );
}

export function actionToWire(action: Grant['action']): Action {
  return action === 'publish' ? Action.PUBLISH : Action.SUBSCRIBE;
}

/** Grants out of the Bus API's messages; an action that this version does not know grants nothing. */
export function grantsFromWire(grants: readonly WireGrant[]): Grant[] {
  return withheldFromWire(grants).map(({ pattern, action }) => ({ pattern, action }));
}

/** The same with what stands against each. */
export function withheldFromWire(grants: readonly WireGrant[]): WithheldGrant[] {
  return grants.flatMap(({ pattern, action: onWire, reason }): WithheldGrant[] => {
    const action = actionFromWire(onWire);
    return action === undefined ? [] : [{ pattern, action, reason }];
  });
}

/** Undefined when this version does not know the action. */
export function actionFromWire(action: Action): Grant['action'] | undefined {
  if (action === Action.PUBLISH) return 'publish';
  return action === Action.SUBSCRIBE ? 'subscribe' : undefined;
}
