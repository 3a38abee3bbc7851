import { readFileSync } from 'node:fs';

/** Linux tells processor time to programs in hundredths of a second on x64 and arm64, whatever its own clock is. */
export const clockTickMs = 10;

/** The processor's time that all threads of a process have taken so far; https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may hold blanks; user and system time are fields 14 and 15, and the bracket closes field 2.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * clockTickMs;
}
