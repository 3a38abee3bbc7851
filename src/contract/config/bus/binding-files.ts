import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { readTextFile } from '../../../base/files/read-text-file.ts';
import { messageOf } from '../../../base/user-facing-error.ts';
import { type Environment, readVariable } from '../environment.ts';
import type { BindingFolder, BindingSources } from './service-binding.ts';

/**
 * Reads the bound services from all places that a platform may use: SERVICE_BINDING_ROOT, VCAP_SERVICES_FILE_PATH and VCAP_SERVICES.
 * Unreadable sources are listed, not thrown.
 */
export async function readBindingSources(environment: Environment): Promise<BindingSources> {
  const documents: { source: string; text: string }[] = [];
  const folders: BindingFolder[] = [];
  const unreadable: { source: string; reason: string }[] = [];
  const named = async (source: string, read: (place: string) => Promise<void>): Promise<void> => {
    const place = readVariable(environment, source);
    if (place === undefined) return;
    await read(place).catch((error: unknown) => unreadable.push({ source, reason: messageOf(error) }));
  };
  await named('SERVICE_BINDING_ROOT', async (root) => void folders.push(...(await readFolders(root))));
  await named('VCAP_SERVICES_FILE_PATH', async (file) => {
    documents.push({ source: 'VCAP_SERVICES_FILE_PATH', text: await readTextFile(file) });
  });
  const text = readVariable(environment, 'VCAP_SERVICES');
  if (text !== undefined) documents.push({ source: 'VCAP_SERVICES', text });
  return { documents, folders, unreadable };
}

async function readFolders(root: string): Promise<BindingFolder[]> {
  // Names with a leading dot belong to Kubernetes: it uses them to replace a whole folder at once.
  const names = (await readdir(root)).filter((name) => !name.startsWith('.')).sort();
  const folders = await Promise.all(names.map((name) => readFolder(path.join(root, name))));
  return folders.filter(({ files }) => files.size > 0);
}

async function readFolder(folder: string): Promise<BindingFolder> {
  const files = new Map<string, string>();
  for (const name of await readdir(folder).catch(nothingIn)) {
    const file = path.join(folder, name);
    if (!(await stat(file)).isDirectory()) files.set(name, await readTextFile(file));
  }
  return { path: folder, files };
}

/** A file beside the folders is not a binding. */
function nothingIn(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOTDIR') return [];
  throw error;
}
