import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Option } from 'commander';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { type AddCommand, usageExitCode } from '../command.ts';
import { cloudFoundryFiles, composeFiles, type Language, languages, type Project } from './project-files.ts';

interface Flags {
  readonly language: Language;
  readonly cf: boolean;
  readonly compose: boolean;
}

/** `meridian-sidecar init DIR`: the smallest plugin that passes the conformance tests. */
export const addInitCommand: AddCommand = (program) => {
  program
    .command('init')
    .description('make a new plugin that runs, and passes the conformance tests')
    .argument('<dir>', 'the folder to make; its name becomes that of the plugin')
    .addOption(
      new Option('-l, --language <language>', 'of the plugin').choices(Object.keys(languages)).default('javascript'),
    )
    .option('--cf', 'also what cf push needs', false)
    .option('--compose', 'also what Docker Compose needs', false)
    .action(async (dir: string, { language, cf, compose }: Flags) => {
      const folder = path.resolve(dir);
      const project = { name: nameOf(folder), language };
      const kind = languages[language];
      await makeEmpty(folder);
      const files = {
        ...kind.files(project),
        ...(cf && cloudFoundryFiles(project)),
        ...(compose && composeFiles(project)),
      };
      for (const copied of kind.copied) await copy(copied, folder);
      for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
      process.stdout.write(nextSteps(dir, project, Object.keys(files), { cf, compose }));
    });
};

const grammar = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;

/** It becomes a part of instance ids, of a package and of an app. */
function nameOf(folder: string): string {
  const name = path.basename(folder).toLowerCase();
  if (grammar.test(name)) return name;
  throw new UserFacingError({
    id: 'init/dir/name',
    found: `the folder is called "${path.basename(folder)}", which cannot be the name of a plugin`,
    expected: 'It must have 1 to 40 of `A-Z a-z 0-9 _ -` and begin with a letter or a digit.',
    next: ['Choose another name for the folder.'],
    exitCode: usageExitCode,
  });
}

async function makeEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw notAFolder(folder, error);
  });
  if ((await readdir(folder)).length === 0) return;
  throw new UserFacingError({
    id: 'init/dir/not-empty',
    found: `${folder} is not empty, and nothing in it was touched`,
    next: ['Name a folder that is empty or does not exist yet.'],
    exitCode: usageExitCode,
  });
}

function notAFolder(folder: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'init/dir/unusable',
    found: `${folder} cannot be made: ${(error as NodeJS.ErrnoException).code}`,
    next: ['Name a folder that is empty or does not exist yet, where this user may write.'],
    exitCode: usageExitCode,
  });
}

/** Copies what the clone of this program holds. */
async function copy({ from, to }: { readonly from: string; readonly to: string }, folder: string): Promise<void> {
  const source = path.join(import.meta.dirname, '..', from);
  try {
    await cp(source, path.join(folder, to), { recursive: true });
  } catch (error) {
    throw new UserFacingError({
      id: 'init/clone/missing',
      found: `what the plugin needs is not beside this program: ${(error as Error).message}`,
      expected: 'The command makes plugins from a clone of the buildpack in which `npm run build` was run.',
      next: ['Run it there.'],
      exitCode: exitCodes.configuration,
    });
  }
}

function nextSteps(
  dir: string,
  { language, name }: Project,
  files: readonly string[],
  { cf, compose }: { readonly cf: boolean; readonly compose: boolean },
): string {
  const { install, dev, test, conformance } = languages[language];
  const steps: readonly (readonly [string, string])[] = [
    [`cd ${dir} && ${install}`, ''],
    [dev, 'the plugin with a sidecar and a bus; it starts again when you save'],
    [test, 'its own test, without a network'],
    [conformance, "Meridian's conformance tests"],
    ...(cf ? [['cf push', `${name} on Cloud Foundry, when the bus in manifest.yml is yours`] as const] : []),
    ...(compose ? [['docker compose up --build', 'the same in containers'] as const] : []),
  ];
  const width = Math.max(...steps.map(([command]) => command.length));
  const lines = steps.map(([command, meaning]) => `  ${command.padEnd(width)}  ${meaning && `# ${meaning}`}`.trimEnd());
  return `${dir} has ${files.join(', ')}.\n\nNext:\n${lines.join('\n')}\n`;
}
