import path from 'node:path';
import { Program } from '../../sidecar/processes.ts';

const client = path.resolve(import.meta.dirname, '../../../dist/meridian-plugin/meridian-plugin.mjs');

/** A plugin's process on the shipped client: the code finds `connect`, and `plugin` once it is connected. */
export function spawnPlugin(sidecar: string, code: string): Program {
  const source = `
    const { connect } = await import(process.env.CLIENT);
    const plugin = await connect();
    ${code}
  `;
  return new Program(['--input-type=module', '--eval', source], { CLIENT: client, SIDECAR_ADDR: sidecar });
}
