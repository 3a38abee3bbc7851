import type { Grant } from './grants.ts';

/**
 * The command line by which an administrator approves the grants.
 * @example approvalCommand('oms-1', [{ action: 'publish', pattern: 'a.*' }])
 * // "meridian-sidecar bus grants approve oms-1 publish 'a.*'"
 */
export function approvalCommand(instanceId: string, grants: readonly Grant[]): string {
  const lines = (['publish', 'subscribe'] as const).flatMap((action) => {
    // A shell would replace an unquoted star by file names.
    const patterns = grants.filter((grant) => grant.action === action).map(({ pattern }) => `'${pattern}'`);
    if (patterns.length === 0) return [];
    return [`meridian-sidecar bus grants approve ${instanceId} ${action} ${patterns.join(' ')}`];
  });
  return lines.join(' && ');
}
