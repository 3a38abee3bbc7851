import { readFileSync } from 'node:fs';

const bytesPerKb = 1_024;

/** Resident memory of a process in MB (1,000,000 bytes), as it is (`VmRSS`) or as it was at most (`VmHWM`). */
export function residentMb(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * bytesPerKb) / 1_000_000;
}
