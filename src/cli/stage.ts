import path from 'node:path';
import { stage } from '../local/stage.ts';
import { type AddCommand, collect, environmentOf } from './command.ts';

interface StageFlags {
  readonly out: string;
  readonly buildpack: readonly string[];
  readonly env: readonly string[];
}

export const addStageCommand: AddCommand = (program) => {
  program
    .command('stage')
    .description('build a droplet of an app with buildpacks, as Cloud Foundry does')
    .argument('<app>', 'directory of the app; it is only read')
    .requiredOption('-o, --out <dir>', 'receives droplet/ and result.json')
    .option('-b, --buildpack <dir>', 'directory of a buildpack; repeat it in order, the final one last', collect, [])
    .option('-e, --env <key=value>', 'variable for the buildpacks; wins over manifest.yml', collect, [])
    .action(async (appDir: string, flags: StageFlags) => {
      await stage({
        appDir,
        outDir: flags.out,
        buildpackDirs: flags.buildpack,
        env: environmentOf(flags.env),
        output: {
          stdout: (chunk) => process.stdout.write(chunk),
          stderr: (chunk) => process.stderr.write(chunk),
        },
      });
      process.stdout.write(`Droplet: ${path.join(flags.out, 'droplet')}\n`);
    });
};
