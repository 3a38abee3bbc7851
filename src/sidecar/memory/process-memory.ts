import { openSync, readFileSync, readSync } from 'node:fs';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseMemoryLimit } from '../../contract/config/memory-limit.ts';
import { defaultMemoryLimit, type MemoryLimit, type ProcessMemory } from './sidecar-memory.ts';

/** The files in which the kernel shows the limit of a process's own control group: version 2, then 1. */
const limitFiles = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'] as const;

/**
 * The memory of this process, limited by MEMORY_LIMIT, which Cloud Foundry sets for each process of a container, else by the
 * control group, else by the default.
 */
export function openProcessMemory(environment: NodeJS.ProcessEnv): ProcessMemory {
  const known = limitOf(environment) ?? groupLimit();
  const neededBytes = neededBytesReader();
  return {
    limit: known ?? defaultMemoryLimit,
    read: () => {
      const { used_heap_size: heapBytes, heap_size_limit: heapLimitBytes } = getHeapStatistics();
      const heap = { what: 'heap', usedBytes: heapBytes, limitBytes: heapLimitBytes };
      // Without a limit nothing kills a process for its resident memory.
      if (!known) return [heap];
      return [{ what: 'memory', usedBytes: neededBytes(), limitBytes: known.bytes }, heap];
    },
    collectGarbage: garbageCollector(),
  };
}

/**
 * The part of the runtime's file that is always in use. The kernel reclaims file pages before it kills, but the process would
 * read these again at once.
 */
const runtimePagesBytes = 24 * 1024 * 1024;

/** More than the kernel writes there: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
const statusBytesMax = 8 * 1024;

/**
 * Reads the memory that this process alone needs and the kernel cannot reclaim. The file stays open, since opening it takes as long as
 * reading it, and it is read many times a second.
 */
function neededBytesReader(): () => number {
  const file = openSync('/proc/self/status', 'r');
  const buffer = Buffer.alloc(statusBytesMax);
  return () => {
    const status = buffer.toString('latin1', 0, readSync(file, buffer, 0, statusBytesMax, 0));
    const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1];
    return kibibytes === undefined ? process.memoryUsage.rss() : Number(kibibytes) * 1024 + runtimePagesBytes;
  };
}

function limitOf({ MEMORY_LIMIT: text }: NodeJS.ProcessEnv): MemoryLimit | undefined {
  const bytes = parseMemoryLimit(text ?? '');
  return bytes === undefined ? undefined : { bytes, origin: 'MEMORY_LIMIT' };
}

/** The kernel answers at once, so nothing is won by not waiting for it. */
function groupLimit(): MemoryLimit | undefined {
  for (const origin of limitFiles) {
    const bytes = Number(textOf(origin).trim() || 'none');
    // Without a limit version 2 shows `max`, and version 1 a number beyond any machine.
    if (bytes > 0 && bytes < 2 ** 50) return { bytes, origin };
  }
  return undefined;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The collector that `--expose-gc` calls `gc`, without the option. It is made when it is first called, since that costs memory. */
function garbageCollector(): () => void {
  let collect: unknown;
  return () => {
    if (collect === undefined) {
      setFlagsFromString('--expose-gc');
      collect = runInNewContext('gc');
      setFlagsFromString('--no-expose-gc');
    }
    if (typeof collect === 'function') collect();
  };
}
