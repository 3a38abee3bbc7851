import type { RunningSidecar } from '../sidecar/processes.ts';
import { GroupedProgram } from './grouped-program.ts';
import type { MemoryGroup } from './memory-group.ts';

export interface GroupedSidecar extends RunningSidecar {
  readonly grouped: GroupedProgram;
  readonly group: MemoryGroup;
  /** The most memory so far that was its own, without the pages of files. */
  ownPeakBytes(): number;
  /** Ends it and removes its group. */
  end(): Promise<void>;
}

/** Starts a sidecar as a droplet does, by its wrapper, in a control group. */
export async function startGroupedSidecar(
  bus: string,
  { limitMb, ...environment }: { readonly limitMb: number } & Readonly<Record<string, string | number>>,
): Promise<GroupedSidecar> {
  const grouped = new GroupedProgram(['run'], {
    limitMb,
    INSTANCE_ID: 'oms-1',
    POOL_TYPE: 'OMSPool',
    SIDECAR_BUS_API_URL: bus,
    SIDECAR_ADDR: '127.0.0.1:0',
    SIDECAR_HEALTH_ADDR: '127.0.0.1:0',
    ...environment,
  });
  const { program, group } = grouped;
  await program.seen(/startup 8\/8/);
  const [, port = ''] = await program.seen(/health server listens port=(\d+)/);
  const [, address = ''] = await program.seen(/plugin port listens address=(\S+)/);
  return {
    program,
    address,
    healthUrl: `http://127.0.0.1:${port}`,
    grouped,
    group,
    ownPeakBytes: () => grouped.ownPeakBytes,
    end: () => grouped.end(),
  };
}
