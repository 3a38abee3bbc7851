import { readFileSync } from 'node:fs';

/** Reads a file of this machine as text. @throws the system's error. */
export type ReadHostFile = (path: string) => string;

export const readHostFile: ReadHostFile = (path) => readFileSync(path, 'utf8');
