import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What apps and buildpacks may expect of a stack, and Python, which a final buildpack would bring. */
const packages = [
  'bash',
  'dash',
  'coreutils',
  'findutils',
  'grep',
  'sed',
  'gzip',
  'tar',
  'curl',
  'procps',
  'libstdc++6',
  'python3',
];
/** Packages only come along to set up a system with dpkg, which this is not. */
const unneeded = /^(?:perl|libperl|usrmerge|dpkg|debconf)/;
const noDocuments = ['doc', 'man', 'locale', 'info'].map((name) => `--exclude=./usr/share/${name}`);

/** The user that the platform runs everything as. */
export const vcap = { name: 'vcap', uid: 2000 } as const;

/** Makes an image of Debian packages with the platform's user, without any registry of images. */
export async function importStackImage(engineHost: string, image: string): Promise<void> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'meridian-stack-'));
  try {
    const root = path.join(dir, 'root');
    await makeTree(root);
    for (const file of await downloadPackages(dir)) {
      const unpack = `dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink ${noDocuments.join(' ')}`;
      await run('bash', ['-eo', 'pipefail', '-c', unpack, 'bash', file, root]);
    }
    await addUser(root);
    await compressQuickly(root);
    await run('bash', [
      '-eo',
      'pipefail',
      '-c',
      'tar -C "$1" -c . | docker --host "$2" import - "$3"',
      'bash',
      root,
      engineHost,
      image,
    ]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

// Debian's packages still name /bin and /lib, which have long been links into /usr.
async function makeTree(root: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(path.join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, path.join(root, name));
  }
  // dash itself is set up by a script that is not run here.
  await symlink('dash', path.join(root, 'usr/bin/sh'));
}

/** Downloads the packages with all they depend on, as if nothing were installed; returns the files. */
async function downloadPackages(dir: string): Promise<string[]> {
  const status = path.join(dir, 'status');
  const archives = path.join(dir, 'archives');
  await writeFile(status, '');
  await mkdir(path.join(archives, 'partial'), { recursive: true });
  const places = [`Dir::State::status=${status}`, `Dir::Cache::archives=${archives}/`, 'APT::Sandbox::User=root'];
  const options = [
    ...places.flatMap((place) => ['-o', place]),
    '-y',
    '-q',
    '--download-only',
    '--no-install-recommends',
  ];
  const install = (): Promise<unknown> => run('apt-get', [...options, 'install', ...packages]);
  // A new machine may never have read the lists of packages.
  await install().catch(async () => {
    await run('apt-get', ['update', '-q']);
    await install();
  });
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb') && !unneeded.test(name));
  return names.map((name) => path.join(archives, name));
}

/** Compressing droplets well is most of what a staging costs, and nothing that anybody looks at here. */
async function compressQuickly(root: string): Promise<void> {
  const file = path.join(root, 'usr/local/bin/gzip');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, '#!/bin/sh\nexec /usr/bin/gzip -1 "$@"\n', { mode: 0o755 });
}

async function addUser(root: string): Promise<void> {
  await mkdir(path.join(root, 'home', vcap.name), { recursive: true });
  await chown(path.join(root, 'home', vcap.name), vcap.uid, vcap.uid);
  const users = [`root:x:0:0::/root:/bin/bash`, `${vcap.name}:x:${vcap.uid}:${vcap.uid}::/home/${vcap.name}:/bin/bash`];
  await writeFile(path.join(root, 'etc/passwd'), `${users.join('\n')}\n`);
  await writeFile(path.join(root, 'etc/group'), `root:x:0:\n${vcap.name}:x:${vcap.uid}:\n`);
}
