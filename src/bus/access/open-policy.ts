import type { Policy, PolicyRule } from './policy.ts';

/** For trials on one machine: everybody may be any instance, use every topic, and decide. */
export const openPolicy: Policy = {
  deploymentId: 'local',
  admins: ['*'],
  rules: [
    {
      principals: ['*'],
      instances: ['*'],
      pools: ['*'],
      grants: [
        { action: 'publish', pattern: '**' },
        { action: 'subscribe', pattern: '**' },
      ],
    },
  ],
};

/** Whether the policy lets every caller be any instance and use every topic, without an approval. */
export function isOpen({ rules }: Policy): boolean {
  return rules.some(isOpenRule);
}

function isOpenRule({ principals, instances, pools, grants, approval }: PolicyRule): boolean {
  const isForAll = [principals, instances, pools].every((globs) => globs.includes('*'));
  const everything = (['publish', 'subscribe'] as const).every((action) =>
    grants.some((grant) => grant.action === action && grant.pattern === '**'),
  );
  return isForAll && everything && approval !== 'manual';
}
