import { Labelled, type ValuesOf } from './labelled.ts';
import { Counter, Histogram } from './series.ts';
import { headLines, labelsText, sampleLine, textFormatType } from './text-format.ts';

/** A number as it is at a scrape. */
type Read = () => number | Promise<number>;

interface Metric {
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly lines: (name: string) => string[] | Promise<string[]>;
}

/** The metrics of one program: counted as things happen, or read at each scrape. All names begin with its prefix. */
export class MetricRegistry {
  readonly #prefix: string;
  readonly #metrics = new Map<string, Metric>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get contentType(): string {
    return textFormatType;
  }

  counter(name: string, help: string): Counter {
    const counter = new Counter();
    this.#add(name, { help, type: 'counter', lines: (whole) => counter.lines(whole, '') });
    return counter;
  }

  counters<const L extends readonly string[]>(name: string, help: string, labels: L): Labelled<Counter, L> {
    const counters = new Labelled(labels, () => new Counter());
    this.#add(name, { help, type: 'counter', lines: (whole) => counters.lines(whole) });
    return counters;
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const histogram = new Histogram(bounds);
    this.#add(name, { help, type: 'histogram', lines: (whole) => histogram.lines(whole, '') });
    return histogram;
  }

  histograms<const L extends readonly string[]>(
    name: string,
    help: string,
    { labels, bounds }: { readonly labels: L; readonly bounds: readonly number[] },
  ): Labelled<Histogram, L> {
    const histograms = new Labelled(labels, () => new Histogram(bounds));
    this.#add(name, { help, type: 'histogram', lines: (whole) => histograms.lines(whole) });
    return histograms;
  }

  gauge(name: string, help: string, read: Read): void {
    this.#add(name, { help, type: 'gauge', lines: async (whole) => [sampleLine(whole, '', await read())] });
  }

  /** A counter that another part keeps. */
  countedElsewhere(name: string, help: string, read: Read): void {
    this.#add(name, { help, type: 'counter', lines: async (whole) => [sampleLine(whole, '', await read())] });
  }

  /** `read` shows each number with its labels; those with the same labels are added up. */
  gauges<const L extends readonly string[]>(
    name: string,
    help: string,
    {
      labels,
      read,
    }: {
      readonly labels: L;
      readonly read: (show: (value: number, ...labels: ValuesOf<L>) => void) => void | Promise<void>;
    },
  ): void {
    const lines = async (whole: string): Promise<string[]> => {
      const sums = new Map<string, number>();
      await read((value, ...values) => {
        const text = labelsText(labels, values);
        sums.set(text, (sums.get(text) ?? 0) + value);
      });
      return [...sums].map(([text, sum]) => sampleLine(whole, text, sum));
    };
    this.#add(name, { help, type: 'gauge', lines });
  }

  /** Everything in the text format, read one after the other in the order of registration. @throws what a reading throws */
  async text(): Promise<string> {
    const parts: string[] = [];
    for (const [name, { help, type, lines }] of this.#metrics) {
      parts.push([...headLines(name, help, type), ...(await lines(name))].join('\n'));
    }
    return `${parts.join('\n\n')}\n`;
  }

  #add(name: string, metric: Metric): void {
    const whole = `${this.#prefix}${name}`;
    if (this.#metrics.has(whole)) throw new Error(`there are two metrics ${whole}`);
    this.#metrics.set(whole, metric);
  }
}
