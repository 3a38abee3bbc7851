/** Put in place by the bundler from the file VERSION; absent when the sources run as they are. */
declare const bundledVersion: string | undefined;

/** This program's version, such as `0.1.0`; `0.0.0-source` when it runs unbundled. */
export const version: string = typeof bundledVersion === 'string' ? bundledVersion : '0.0.0-source';
