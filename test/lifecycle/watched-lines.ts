/** Lines as they come, and the first that matches. */
export interface Watched {
  push(line: string): void;
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Calls back after each further line. */
  each(onLine: () => void): void;
}

export function watch(lines: string[]): Watched {
  const waiting = new Set<() => void>();
  return {
    push(line) {
      lines.push(line);
      for (const check of waiting) check();
    },
    line: (pattern) =>
      new Promise((resolve) => {
        let looked = 0;
        const check = (): void => {
          for (; looked < lines.length; looked += 1) {
            const match = pattern.exec(lines[looked] ?? '');
            if (!match) continue;
            waiting.delete(check);
            resolve(match);
            return;
          }
        };
        waiting.add(check);
        check();
      }),
    each: (onLine) => void waiting.add(onLine),
  };
}
