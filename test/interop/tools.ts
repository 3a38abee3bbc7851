import path from 'node:path';

/** Where the global setup puts what it builds. */
export const buildDir = path.resolve(import.meta.dirname, '../../build/interop');
export const toolFile = (name: 'ghz' | 'grpcurl' | 'h2spec'): string => path.join(buildDir, 'tools', name);
export const goPeerFile = path.join(buildDir, 'go-peer');
export const javaClassesDir = path.join(buildDir, 'java/classes');
export const javaLibraryDir = path.join(buildDir, 'java/lib');
export const javaClasspath = [javaClassesDir, path.join(javaLibraryDir, '*')].join(path.delimiter);
export const javaFile = 'java';
