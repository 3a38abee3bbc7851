import path from 'node:path';
import { messageOf, UserFacingError } from '../base/user-facing-error.ts';
import { packDroplet } from '../local/droplet-archive.ts';
import { readTextIfPresent, writeText } from '../local/droplet-files.ts';
import { dropletManifest } from '../local/droplet-manifest.ts';
import { stage } from '../local/stage.ts';
import { type AddCommand, collect, environmentOf } from './command.ts';

interface StageFlags {
  readonly out: string;
  readonly buildpack: readonly string[];
  readonly env: readonly string[];
  readonly droplet?: string;
  readonly manifest?: string;
}

export const addStageCommand: AddCommand = (program) => {
  program
    .command('stage')
    .description('build a droplet of an app with buildpacks, as Cloud Foundry does')
    .argument('<app>', 'directory of the app; it is only read')
    .requiredOption('-o, --out <dir>', 'folder to create, for droplet/ and result.json')
    .option('-b, --buildpack <dir>', 'directory of a buildpack; repeat it in order, the final one last', collect, [])
    .option('-e, --env <key=value>', 'variable for the buildpacks; wins over manifest.yml', collect, [])
    .option('--droplet <file.tgz>', 'pack the droplet into this file, for `cf push --droplet`')
    .option(
      '--manifest <file.yml>',
      "write a manifest for `cf push --droplet`: the app's own, with start commands and sidecars",
    )
    .action(async (appDir: string, flags: StageFlags) => {
      const result = await stage({
        appDir,
        outDir: flags.out,
        buildpackDirs: flags.buildpack,
        env: environmentOf(flags.env),
        output: {
          stdout: (chunk) => process.stdout.write(chunk),
          stderr: (chunk) => process.stderr.write(chunk),
        },
      });
      const dropletDir = path.join(flags.out, 'droplet');
      process.stdout.write(`Droplet: ${dropletDir}\n`);
      if (flags.droplet !== undefined) {
        await packDroplet(path.resolve(dropletDir), path.resolve(flags.droplet), process.env);
        process.stdout.write(`Packed: ${flags.droplet}\n`);
      }
      if (flags.manifest !== undefined) {
        const manifest = await readTextIfPresent(path.join(appDir, 'manifest.yml'), appDir);
        const appName = path.basename(path.resolve(appDir));
        await writeText(flags.manifest, dropletManifest({ manifest, appName, result })).catch((error: unknown) => {
          throw manifestNotWritten(flags.manifest ?? '', error);
        });
        process.stdout.write(`Manifest: ${flags.manifest}\n`);
      }
    });
};

function manifestNotWritten(file: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'stage/manifest/write',
    found: `The manifest was not written to ${file}: ${messageOf(error)}`,
    next: ['Give a place that can be written to: --manifest FILE.yml.'],
    exitCode: 74,
  });
}
