import type { UserFacingError } from '../base/user-facing-error.ts';
import { settingFault } from '../contract/config/setting-reader.ts';
import type { Parser } from '../contract/config/setting-value.ts';

/** Looks options up and gathers their faults. An option with an empty value counts as absent, as `${NAME:-}` leaves it. */
export class OptionReader {
  readonly faults: UserFacingError[] = [];
  readonly #options: ReadonlyMap<string, readonly string[]>;

  constructor(options: ReadonlyMap<string, readonly string[]>) {
    this.#options = options;
  }

  raw(name: string): string | undefined {
    return this.#values(name)[0];
  }

  has(name: string): boolean {
    return this.#values(name).length > 0;
  }

  read<T>(name: string, parse: Parser<T>, fallback: T): T {
    const raw = this.raw(name);
    return raw === undefined ? fallback : (this.#check(name, raw, parse) ?? fallback);
  }

  list<T>(name: string, parse: Parser<T>): T[] {
    return this.#values(name).flatMap((raw) => this.#check(name, raw, parse) ?? []);
  }

  /** The option as a property of its own name, if it is there. */
  given<N extends string>(name: N): Partial<Record<N, string>> {
    const raw = this.raw(name);
    return raw === undefined ? {} : ({ [name]: raw } as Record<N, string>);
  }

  #values(name: string): string[] {
    return (this.#options.get(name) ?? []).map((raw) => raw.trim()).filter((raw) => raw !== '');
  }

  #check<T>(name: string, raw: string, parse: Parser<T>): T | undefined {
    const parsed = parse(raw);
    if (parsed.ok) return parsed.value;
    this.faults.push(
      settingFault({
        subject: name,
        fault: parsed.fault,
        found: `Option \`${name}\` is ${JSON.stringify(raw)}`,
        expected: `It must be ${parsed.expected}.`,
        next: `Correct option \`${name}\` and try again.`,
      }),
    );
    return undefined;
  }
}
