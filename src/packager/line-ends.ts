import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { UserFacingError } from '../base/user-facing-error.ts';
import { packagePaths } from '../buildpack/layout.ts';

/** Folders whose files a package or an image contains unchanged, for bash, Docker or the platform. */
const folders = ['bin', 'src/compose/image'];
const files = [packagePaths.version, packagePaths.manifest];

/** @throws UserFacingError when a script or list of the checkout has carriage returns: Linux would look for `bash\r`. */
export async function refuseCarriageReturns(root: string): Promise<void> {
  const inFolders = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(path.join(root, folder), { withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => `${folder}/${name}`);
    }),
  );
  const names = [...inFolders.flat(), ...files];
  const texts = await Promise.all(names.map((name) => readFile(path.join(root, name))));
  const spoiled = names.filter((_name, at) => texts[at]?.includes('\r'));
  if (spoiled.length === 0) return;
  throw new UserFacingError({
    id: 'packager/files/carriage-returns',
    found: `Lines end with a carriage return in ${spoiled.join(', ')}`,
    expected: 'They must end with a line feed alone, as in the repository: Linux cannot run such a script.',
    next: [
      'Clone again without core.autocrlf, or run `git rm -rq --cached . && git reset --hard` in a clean checkout.',
    ],
  });
}
