import path from 'node:path';
import { buildDir } from './build-dir.ts';

/** Where the engine of these tests keeps everything. */
export const engineDir = path.join(buildDir, 'engine');

/** What DOCKER_HOST is for it. */
export const engineHost = `unix://${path.join(engineDir, 'socket')}`;
