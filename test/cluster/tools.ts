import path from 'node:path';

/** Where the global setup puts what it builds. */
export const buildDir = path.resolve(import.meta.dirname, '../../build/cluster');
export const serverFile = path.join(buildDir, 'tools/nats-server');
