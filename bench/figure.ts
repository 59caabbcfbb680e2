/** One line of the table of figures (design, "What must hold"). */
export interface Figure {
  name: string;
  /** What is measured, in a few words. */
  what: string;
  unit: string;
  goal: string;
  /** Whether a value meets the goal. */
  meets(value: number): boolean;
  /** Measures it; the figure is the median of what comes back. */
  measure(): Promise<Measurement>;
}

export interface Measurement {
  values: number[];
  /** What it was measured against, side by side, or what a reader should know. */
  comparedWith?: string;
}

/** One measured figure, as it is written to the JSON file. */
export interface Result {
  name: string;
  value: number;
  unit: string;
  goal: string;
  met: boolean;
  n: number;
  min: number;
  median: number;
  max: number;
  compared_with?: string;
}

export async function result(figure: Figure): Promise<Result> {
  const { values, comparedWith } = await figure.measure();
  const sorted = values.toSorted((a, b) => a - b);
  const median = middle(sorted);
  return {
    name: figure.name,
    value: median,
    unit: figure.unit,
    goal: figure.goal,
    met: figure.meets(median),
    n: sorted.length,
    min: sorted[0] ?? Number.NaN,
    median,
    max: sorted.at(-1) ?? Number.NaN,
    ...(comparedWith !== undefined && { compared_with: comparedWith }),
  };
}

/** The median of numbers that are in order. */
export function middle(sorted: number[]): number {
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  return Number.isInteger(half) ? ((sorted[half - 1] ?? Number.NaN) + upper) / 2 : upper;
}
