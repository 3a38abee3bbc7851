import { create } from '@bufbuild/protobuf';
import { Action, GrantSchema, type Grant as WireGrant } from './gen/meridian/bus/v1/bus_pb.ts';
import type { Grant } from './grants.ts';

/** Grants as the Bus API's messages carry them. */
export function grantsToWire(grants: readonly Grant[]): WireGrant[] {
  return grants.map(({ pattern, action }) =>
    create(GrantSchema, { pattern, action: action === 'publish' ? Action.PUBLISH : Action.SUBSCRIBE }),
  );
}

/** Grants out of the Bus API's messages; an action that this version does not know grants nothing. */
export function grantsFromWire(grants: readonly WireGrant[]): Grant[] {
  return grants.flatMap(({ pattern, action }): Grant[] => {
    if (action === Action.PUBLISH) return [{ pattern, action: 'publish' }];
    if (action === Action.SUBSCRIBE) return [{ pattern, action: 'subscribe' }];
    return [];
  });
}
