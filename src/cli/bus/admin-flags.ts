import type { Command } from 'commander';
import { AdminClient } from './admin-client.ts';

/** The flags of every command with which an administrator asks a running bus. */
export interface AdminFlags {
  readonly bus?: string;
  readonly json: boolean;
}

export function withAdminFlags(command: Command): Command {
  return command
    .option(
      '--bus <address>',
      'address of the Bus API (default: SIDECAR_BUS_API_URL); the credential comes from the variables of a sidecar',
    )
    .option('--json', 'print JSON', false);
}

export async function withAdminClient(flags: AdminFlags, work: (client: AdminClient) => Promise<void>): Promise<void> {
  const client = await AdminClient.connect(flags.bus, process.env);
  try {
    await work(client);
  } finally {
    client.close();
  }
}

export function print(text: string): void {
  process.stdout.write(text);
}
