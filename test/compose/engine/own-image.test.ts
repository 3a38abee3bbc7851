import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { root } from './build-dir.ts';
import { composes } from './compose-programs.ts';
import { composeProject, docker } from './compose-project.ts';
import { sidecarImage } from './images.ts';

const files = ['one-plugin.yaml', 'own-image.yaml'].map((name) => path.join(import.meta.dirname, name));

describe.each(composes)(
  'Docker Compose $version, for a service that names an image',
  ({ version, isNew, configDir }) => {
    const image = `own-sidecar-${version}:1`;

    test(isNew ? 'builds it, and the sidecar is made of it' : 'does not tell the provider of it', async () => {
      onTestFinished(() => void docker('image', 'rm', '--force', image));
      const project = composeProject({
        ...{ configDir, files, name: `own-image-${version.split('.')[0]}` },
        environment: { OWN_IMAGE: image, ROOT: root },
      });
      const { exitCode, stdout, stderr } = await project.compose('--progress=plain', 'up', '--detach');
      expect(exitCode, stderr).toBe(0);
      await project.logged(`${project.name}-plugin-1`, /^running$/m);
      const used = await docker('inspect', '--format', '{{.Config.Image}}', `${project.name}-sidecar-sidecar`);
      expect(used.stdout.trim()).toBe(isNew ? image : sidecarImage);
      const told = expect.stringContaining('without effect on a provider: environment, ports');
      if (isNew) expect(`${stdout}${stderr}`).toEqual(told);
      // It is there, so nothing is asked of a registry.
      expect(await project.compose('pull', 'sidecar')).toMatchObject({ exitCode: 0 });
    });
  },
);
