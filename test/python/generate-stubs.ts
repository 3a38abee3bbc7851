// `npm run gen:python`: generates the stubs of fixtures/python-plugin, and those of the package, from the proto files,
// and the page about the package's API.
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { apiPage, generatePackageStubs, generateStubs, packageDir, pluginDir } from './stubs.ts';
import { setup } from './virtual-environment.ts';

setup();
rmSync(path.join(pluginDir, 'meridian'), { recursive: true, force: true });
generateStubs(pluginDir);
generatePackageStubs(packageDir);
writeFileSync(path.resolve(import.meta.dirname, '../../docs/plugin-api-python.md'), apiPage());
