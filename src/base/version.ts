/** The bundler inserts it from the file VERSION. Absent when the sources run unbundled. */
declare const bundledVersion: string | undefined;

/** This program's version, such as `0.1.0`; `0.0.0-source` when it runs unbundled. */
export const version: string = typeof bundledVersion === 'string' ? bundledVersion : '0.0.0-source';
