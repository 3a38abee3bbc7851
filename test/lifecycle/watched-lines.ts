/** Lines as they come, and the first that matches. */
export interface Watched {
  push(line: string): void;
  line(pattern: RegExp): Promise<RegExpExecArray>;
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
        const check = (): void => {
          const match = lines.map((line) => pattern.exec(line)).find((found) => found !== null);
          if (!match) return;
          waiting.delete(check);
          resolve(match);
        };
        waiting.add(check);
        check();
      }),
  };
}
