import type { UserFacingError } from '../../base/user-facing-error.ts';
import { contextOf, type Setting } from '../../contract/config/settings/setting.ts';
import { settingFault } from '../../contract/config/settings/setting-reader.ts';

/** Looks up options and collects their problems. An option with an empty value counts as absent, as `${NAME:-}` leaves it. */
export class OptionReader {
  readonly errors: UserFacingError[] = [];
  readonly #context = contextOf({});
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

  /** The value of the setting's option; its default when the option is absent or wrong. */
  read<V>(setting: Setting<V>): V {
    return (this.list(setting)[0] ?? this.#preset(setting)) as V;
  }

  /** Every value of the setting's option. */
  list<V>(setting: Setting<V>): NonNullable<V>[] {
    const name = setting.option?.name ?? '';
    return this.#values(name).flatMap((raw) => (this.#check(name, raw, setting.parse) ?? []) as NonNullable<V>[]);
  }

  /** An object with the option under its name; empty when the option is absent. */
  given<N extends string>(name: N): Partial<Record<N, string>> {
    const raw = this.raw(name);
    return raw === undefined ? {} : ({ [name]: raw } as Record<N, string>);
  }

  #preset({ default: preset, parse }: Setting): unknown {
    const parsed = preset === undefined ? undefined : parse(preset, this.#context);
    return parsed?.ok ? parsed.value : undefined;
  }

  #values(name: string): string[] {
    return (this.#options.get(name) ?? []).map((raw) => raw.trim()).filter((raw) => raw !== '');
  }

  #check(name: string, raw: string, parse: Setting['parse']): unknown {
    const parsed = parse(raw, this.#context);
    if (parsed.ok) return parsed.value;
    this.errors.push(
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
