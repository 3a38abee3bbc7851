import type { Policy } from './policy.ts';

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
