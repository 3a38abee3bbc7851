import { type LogLevel, logLevels } from '../../base/log/log.ts';

/**
 * Reads the log of the bus or the sidecar that `run` has started. Both log from level info on, because that is where they tell their
 * addresses. What the author did not ask for is not shown.
 */
export class ServiceLines {
  readonly #shownFrom: number;
  readonly #told = new Map<string, string>();

  constructor(shownFrom: LogLevel) {
    this.#shownFrom = logLevels.indexOf(shownFrom);
  }

  /** Whether the line is to be shown. */
  hear(line: string): boolean {
    const { level, message, fields } = entryIn(line);
    for (const [name, value] of fields) this.#told.set(`${message} ${name}`, value);
    return level === undefined || logLevels.indexOf(level) >= this.#shownFrom;
  }

  /** The field of the last line with this message. */
  told(message: string, field: string): string | undefined {
    return this.#told.get(`${message} ${field}`);
  }
}

interface Entry {
  readonly level: LogLevel | undefined;
  readonly message: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** A line of a log in either format. Any other line has no level. */
function entryIn(line: string): Entry {
  const [, level = '', rest = ''] = /^(DEBUG|INFO|WARN|ERROR) +(.*)$/.exec(line) ?? [];
  if (level === '') return jsonEntryIn(line);
  const fields = [...rest.matchAll(/ (\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value] as const);
  return { level: levelOf(level), message: rest.replace(/ \w+=.*$/, ''), fields };
}

function jsonEntryIn(line: string): Entry {
  try {
    const { level, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const texts = Object.entries(fields).map(([name, value]) => [name, String(value)] as const);
    return { level: levelOf(String(level)), message: String(message), fields: texts };
  } catch {
    return { level: undefined, message: '', fields: [] };
  }
}

function levelOf(text: string): LogLevel | undefined {
  return logLevels.find((level) => level === text.toLowerCase());
}
