/** One line of the text format of Prometheus. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Exposition {
  /** Type by name of the metric. */
  readonly types: ReadonlyMap<string, string>;
  readonly helps: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const samplePattern = new RegExp(`^(${metricName})(?:\\{(.*)\\})? (\\S+)$`);
const labelPattern = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/gy;

/**
 * Parses version 0.0.4 of https://prometheus.io/docs/instrumenting/exposition_formats/.
 * @throws Error with the first line that is not in the format, or belongs to no metric with a type and a help text.
 */
export function parseExposition(text: string): Exposition {
  const types = new Map<string, string>();
  const helps = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === 'HELP') helps.set(name, rest);
    else if (kind === 'TYPE') types.set(name, rest);
    else if (line !== '') samples.push(parseSample(line, types, helps));
  }
  return { types, helps, samples };
}

function parseSample(line: string, types: ReadonlyMap<string, string>, helps: ReadonlyMap<string, string>): Sample {
  const [, name = '', written = '', number = ''] = samplePattern.exec(line) ?? [];
  const value = number === '+Inf' ? Infinity : Number(number);
  const family = types.get(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');
  const pairs = [...written.matchAll(labelPattern)];
  const isWhole = pairs.map(([pair]) => pair).join('') === written;
  if (name === '' || number === '' || Number.isNaN(value) || !isWhole || !types.has(family) || !helps.has(family)) {
    throw new Error(`not in the text format: ${line}`);
  }
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, label = '', text = '']) => [label, unescaped(text)])),
    value,
  };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_all, character: string) => (character === 'n' ? '\n' : character));
}

/** The sum of every sample of the name whose labels include these; undefined when there is none. */
export function sampleSum(
  { samples }: Exposition,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

/** Reads the metrics of a running program. */
export async function scrape(url: string): Promise<Exposition> {
  const reply = await fetch(`${url}/metrics`);
  if (!reply.ok) throw new Error(`${url}/metrics answered ${reply.status}`);
  return parseExposition(await reply.text());
}
