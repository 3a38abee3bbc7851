import { accepted, type Parser, parserOf, rejected } from './setting-value.ts';

/**
 * The smallest that survives the loads of `npm run bench:memory`. With 64 the kernel reclaims pages that the runtime needs all the time.
 */
export const leastMemoryMb = 96;

/** A sidecar's memory in whole megabytes. */
export const megabytes: Parser<number> = parserOf({ composeType: 'integer' }, (raw) =>
  typeof raw === 'string' && /^\d{1,6}$/.test(raw) && Number(raw) >= leastMemoryMb
    ? accepted(Number(raw))
    : rejected('not-megabytes', `a whole number of megabytes without a unit, at least ${leastMemoryMb}, such as 128`),
);

export const processTypes: Parser<readonly string[]> = (raw) => {
  const names = String(raw)
    .split(',')
    .map((name) => name.trim());
  return names.every((name) => /^[A-Za-z0-9_-]{1,255}$/.test(name))
    ? accepted([...new Set(names)])
    : rejected('malformed', 'comma-separated process types of `A-Z a-z 0-9 _ -`, such as `web,worker`');
};
