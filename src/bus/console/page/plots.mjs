const samplesMax = 360;
/** Plots of a young bus are stretched, until they show this many samples. */
const samplesMin = 30;
const height = 40;
const svg = 'http://www.w3.org/2000/svg';

/** The small plots of the last hour, by table, name and what they show. */
export class Plots {
  /** The samples, oldest first. */
  #series = new Map();
  #drawn = new Map();

  /** Replaces all samples. */
  set(hour) {
    this.#series.clear();
    for (const [table, name, what, values] of each(hour)) this.#series.set(keyOf(table, name, what), values);
    this.#drawAll();
  }

  /** Adds one sample to each series. */
  add(sample) {
    for (const [table, name, what, value] of each(sample)) {
      const key = keyOf(table, name, what);
      this.#series.set(key, [...(this.#series.get(key) ?? []), value].slice(-samplesMax));
    }
    this.#drawAll();
  }

  /** Cells for a table, one for each of these series. */
  cells(table, name, whats) {
    return whats.map((what) => {
      const key = keyOf(table, name, what);
      if (!this.#series.has(key) && !this.#drawn.has(key)) return '';
      return { plot: this.#plotOf(key) };
    });
  }

  #plotOf(key) {
    const known = this.#drawn.get(key);
    if (known) return known;
    const plot = document.createElement('figure');
    const drawing = document.createElementNS(svg, 'svg');
    drawing.setAttribute('preserveAspectRatio', 'none');
    drawing.setAttribute('aria-hidden', 'true');
    drawing.append(document.createElementNS(svg, 'polyline'));
    plot.append(drawing, document.createElement('figcaption'));
    this.#drawn.set(key, plot);
    this.#draw(key, plot);
    return plot;
  }

  #drawAll() {
    for (const [key, plot] of this.#drawn) {
      if (this.#series.has(key)) this.#draw(key, plot);
      else this.#drawn.delete(key);
    }
  }

  #draw(key, plot) {
    const values = this.#series.get(key) ?? [];
    const width = Math.max(values.length, samplesMin);
    const top = Math.max(...values, 0);
    const points = values.map((value, index) => {
      const x = width - values.length + index + 0.5;
      const y = height - 1 - (top === 0 ? 0 : (value / top) * (height - 2));
      return `${x},${y.toFixed(1)}`;
    });
    plot.querySelector('svg').setAttribute('viewBox', `0 0 ${width} ${height}`);
    plot.querySelector('polyline').setAttribute('points', points.join(' '));
    plot.querySelector('figcaption').textContent = `now ${values.at(-1) ?? 0}, most ${top}`;
  }
}

function keyOf(table, name, what) {
  return JSON.stringify([table, name, what]);
}

function* each(tables) {
  for (const [table, series] of Object.entries(tables)) {
    for (const [name, values] of series) {
      for (const [what, value] of Object.entries(values)) yield [table, name, what, value];
    }
  }
}
