import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../../..');

/** Holds what the tests fetch, build and run; git ignores it. */
export const buildDir = path.join(root, 'build/compose');
