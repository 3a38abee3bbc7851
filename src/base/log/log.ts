import type { Writable } from 'node:stream';
import { styleText } from 'node:util';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Facts of one event, by name; undefined ones are left out. */
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** Writes one line per event. A log is passed in, never global. */
export interface Log {
  /** For finding a fault. */
  debug(message: string, fields?: LogFields): void;
  /** A normal event. */
  info(message: string, fields?: LogFields): void;
  /** A problem that needs attention, and stops nothing. */
  warn(message: string, fields?: LogFields): void;
  /** Something failed. */
  error(message: string, fields?: LogFields): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  readonly write: (line: string) => void;
  /** Nanoseconds since the Unix epoch. JSON lines carry it; for text lines the platform adds the time. */
  readonly wallTimeNs: () => bigint;
  /** The terminal that shows the lines. Text lines then begin with the time of day, and problems are coloured. Absent: there is none. */
  readonly terminal?: Writable | undefined;
}

const colours = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const;

/** A log of `LEVEL message key=value …` lines, or of JSON objects with `time`, `level`, `message` and the fields. */
export function createLog(options: LogOptions): Log {
  const threshold = logLevels.indexOf(options.level);
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (logLevels.indexOf(level) < threshold) return;
      const line =
        options.format === 'json'
          ? jsonLine(options, level, message, fields)
          : `${timeAndLevel(options, level)} ${textLine(message, fields)}`;
      options.write(line);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Discards every line. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

function timeAndLevel({ terminal, wallTimeNs }: LogOptions, level: LogLevel): string {
  const name = level.toUpperCase().padEnd(5);
  if (!terminal) return name;
  const timeOfDay = new Date(Number(wallTimeNs() / 1_000_000n)).toTimeString().slice(0, 8);
  return `${timeOfDay} ${styleText(colours[level], name, { stream: terminal })}`;
}

function textLine(message: string, fields: LogFields): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${quoteWhenNeeded(String(value))}`);
  return [oneLine(message), ...pairs].join(' ');
}

function jsonLine(options: LogOptions, level: LogLevel, message: string, fields: LogFields): string {
  const time = new Date(Number(options.wallTimeNs() / 1_000_000n)).toISOString();
  const own = { time, level, message };
  // First for readability, and again so that no field replaces one of these.
  return JSON.stringify({ ...own, ...fields, ...own }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

function quoteWhenNeeded(text: string): string {
  return /^[^\s\p{Cc}"=]+$/u.test(text) ? text : JSON.stringify(text);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' | ').replaceAll(/\p{Cc}+/gu, ' ');
}
