/**
 * Counters, gauges and histograms with labels, and their text exposition (Prometheus format
 * 0.0.4). No clock and no globals: a registry belongs to one process part, and the caller
 * measures durations. Which names exist is its owner's business (K65).
 *
 * Label values are given in the order in which the label names were declared, because that is
 * cheap on hot paths: no object per observation.
 */
import { assert } from './assert';

/** What metrics of all types have. */
export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** A histogram also has its upper bounds, ascending, without the infinite one. */
export interface HistogramOptions extends MetricOptions {
  readonly buckets: readonly number[];
}

interface Metric {
  expose(): string;
}

/** A number per combination of label values that only rises. */
export class Counter implements Metric {
  readonly #options: MetricOptions;
  readonly #values = new Map<string, { readonly labels: readonly string[]; value: number }>();

  constructor(options: MetricOptions) {
    this.#options = options;
  }

  increment(labels: readonly string[] = [], by = 1): void {
    assert(by >= 0, 'a counter only rises', { name: this.#options.name, by });
    const entry = this.#values.get(seriesKey(this.#options, labels));
    if (entry === undefined) this.#values.set(labels.join('\0'), { labels, value: by });
    else entry.value += by;
  }

  /** The present value, 0 if it was never raised. */
  value(labels: readonly string[] = []): number {
    return this.#values.get(seriesKey(this.#options, labels))?.value ?? 0;
  }

  expose(): string {
    const lines = [...this.#values.values()].map(({ labels, value }) =>
      series(this.#options.name, this.#options.labelNames, labels, value),
    );
    return header(this.#options, 'counter') + lines.join('');
  }
}

/** A number per combination of label values that rises and falls, or is asked for when exposed. */
export class Gauge implements Metric {
  readonly #options: MetricOptions;
  readonly #values = new Map<string, { readonly labels: readonly string[]; value: number }>();
  #collect: ((gauge: Gauge) => void) | undefined;

  constructor(options: MetricOptions) {
    this.#options = options;
  }

  set(labels: readonly string[], value: number): void {
    const entry = this.#values.get(seriesKey(this.#options, labels));
    if (entry === undefined) this.#values.set(labels.join('\0'), { labels, value });
    else entry.value = value;
  }

  add(labels: readonly string[], by: number): void {
    this.set(labels, this.value(labels) + by);
  }

  value(labels: readonly string[] = []): number {
    return this.#values.get(seriesKey(this.#options, labels))?.value ?? 0;
  }

  /** Calls `collect` before each exposition, for values that something else already keeps. */
  onExpose(collect: (gauge: Gauge) => void): void {
    this.#collect = collect;
  }

  expose(): string {
    this.#collect?.(this);
    const lines = [...this.#values.values()].map(({ labels, value }) =>
      series(this.#options.name, this.#options.labelNames, labels, value),
    );
    return header(this.#options, 'gauge') + lines.join('');
  }
}

interface HistogramSeries {
  readonly labels: readonly string[];
  /** How many observations fell into each bucket itself; the last one is above all bounds. */
  readonly counts: number[];
  sum: number;
  count: number;
}

/** A distribution per combination of label values. */
export class Histogram implements Metric {
  readonly #options: HistogramOptions;
  readonly #series = new Map<string, HistogramSeries>();

  constructor(options: HistogramOptions) {
    this.#options = options;
  }

  observe(labels: readonly string[], value: number): void {
    const key = seriesKey(this.#options, labels);
    let entry = this.#series.get(key);
    if (entry === undefined) {
      const counts = new Array<number>(this.#options.buckets.length + 1).fill(0);
      entry = { labels, counts, sum: 0, count: 0 };
      this.#series.set(key, entry);
    }
    const found = this.#options.buckets.findIndex((bound) => value <= bound);
    const at = found === -1 ? this.#options.buckets.length : found;
    entry.counts[at] = (entry.counts[at] ?? 0) + 1;
    entry.sum += value;
    entry.count += 1;
  }

  /** How many observations were made. */
  count(labels: readonly string[] = []): number {
    return this.#series.get(seriesKey(this.#options, labels))?.count ?? 0;
  }

  expose(): string {
    const { name, labelNames = [], buckets } = this.#options;
    const parts = [header(this.#options, 'histogram')];
    for (const { labels, counts, sum, count } of this.#series.values()) {
      let below = 0;
      for (const [i, inBucket] of counts.entries()) {
        below += inBucket;
        const bound = i < buckets.length ? String(buckets[i]) : '+Inf';
        parts.push(series(`${name}_bucket`, [...labelNames, 'le'], [...labels, bound], below));
      }
      parts.push(series(`${name}_sum`, labelNames, labels, sum));
      parts.push(series(`${name}_count`, labelNames, labels, count));
    }
    return parts.join('');
  }
}

/** All metrics of one part of the program, exposed together. */
export class MetricsRegistry {
  readonly #metrics = new Map<string, Metric>();

  counter(options: MetricOptions): Counter {
    return this.#add(options.name, new Counter(options));
  }

  gauge(options: MetricOptions): Gauge {
    return this.#add(options.name, new Gauge(options));
  }

  histogram(options: HistogramOptions): Histogram {
    return this.#add(options.name, new Histogram(options));
  }

  /** The text that a scrape gets. */
  expose(): string {
    return [...this.#metrics.values()].map((metric) => metric.expose()).join('');
  }

  #add<T extends Metric>(name: string, metric: T): T {
    assert(/^[a-z_][a-z0-9_]*$/.test(name), 'a metric name is lower case with underscores', {
      name,
    });
    assert(!this.#metrics.has(name), 'a metric is declared once in a registry', { name });
    this.#metrics.set(name, metric);
    return metric;
  }
}

function seriesKey(options: MetricOptions, labels: readonly string[]): string {
  assert(labels.length === (options.labelNames?.length ?? 0), 'each label has its value', {
    name: options.name,
    labels: labels.length,
  });
  return labels.join('\0');
}

function header({ name, help }: MetricOptions, type: string): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

function series(
  name: string,
  labelNames: readonly string[] | undefined,
  labels: readonly string[],
  value: number,
): string {
  const pairs = (labelNames ?? []).map((label, i) => `${label}="${escapeLabel(labels[i] ?? '')}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
