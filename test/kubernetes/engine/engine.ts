import { docker } from '../../compose/engine/compose-project.ts';

/** `docker ARGS` on the private engine, which must end with 0; returns what it printed. @throws Error with what it said. */
export async function engine(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await docker(...args);
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')} ended with ${exitCode}:\n${stdout}${stderr}`);
  return stdout.trim();
}
