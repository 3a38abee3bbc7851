// `npm run gen:python`: generates the stubs of fixtures/python-plugin from the proto files.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { generateStubs, pluginDir } from './stubs.ts';
import { setup } from './virtual-environment.ts';

setup();
rmSync(path.join(pluginDir, 'meridian'), { recursive: true, force: true });
generateStubs(pluginDir);
