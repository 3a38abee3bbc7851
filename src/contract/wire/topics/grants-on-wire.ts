import { create } from '../codec/message.ts';
import { Action, GrantSchema, type Grant as WireGrant } from '../gen/meridian/bus/v1/bus_pb.ts';
import type { Grant, WithheldGrant } from './grants.ts';

/** Grants in the Bus API's messages. */
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

/** Grants from the Bus API's messages. An unknown action grants nothing. */
export function grantsFromWire(grants: readonly WireGrant[]): Grant[] {
  return withheldFromWire(grants).map(({ pattern, action }) => ({ pattern, action }));
}

/** The same with the reason for each. */
export function withheldFromWire(grants: readonly WireGrant[]): WithheldGrant[] {
  return grants.flatMap(({ pattern, action: onWire, reason }): WithheldGrant[] => {
    const action = actionFromWire(onWire);
    return action === undefined ? [] : [{ pattern, action, reason }];
  });
}

/** Undefined if this version does not know the action. */
export function actionFromWire(action: Action): Grant['action'] | undefined {
  if (action === Action.PUBLISH) return 'publish';
  return action === Action.SUBSCRIBE ? 'subscribe' : undefined;
}
