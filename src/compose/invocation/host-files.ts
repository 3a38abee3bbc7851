import { readTextFileSync } from '../../base/files/read-text-file.ts';

/** Reads a file of this machine as text. @throws UnfitFileError, or the system's error. */
export type ReadHostFile = (path: string) => string;

export const readHostFile: ReadHostFile = (path) => readTextFileSync(path);
