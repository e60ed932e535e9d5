/** The few statistics that the bench needs. */

/** The value below which `share` (0 to 1) of the values lie, by nearest rank. NaN for none. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
};

/** The mean of the two in the middle where the count is even. NaN for none. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
};

/** Jain's index: 1 when all have the same, 1/n when one has everything. */
export const jain = (values: readonly number[]): number => {
  const sum = values.reduce((a, b) => a + b, 0);
  return sum ** 2 / (values.length * values.reduce((a, b) => a + b ** 2, 0));
};

/** Mean and variance of a sample; `n` where it is told beside them. */
export type Moments = { readonly mean: number; readonly variance: number };
export type Sample = Moments & { readonly n: number };

export const momentsOf = (values: readonly number[]): Moments => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1) };
};

/** Two samples as one (Chan, Golub and LeVeque, 1979). */
export const pooled = (one: Sample, other: Sample): Sample => {
  const n = one.n + other.n;
  const apart = other.mean - one.mean;
  const squares = one.variance * (one.n - 1) + other.variance * (other.n - 1) + (apart ** 2 * one.n * other.n) / n;
  return { n, mean: (one.mean * one.n + other.mean * other.n) / n, variance: squares / (n - 1) };
};

/**
 * Welch's t: how far two means are apart, in units of what chance would do. Below 4.5 nobody can tell them apart (the
 * usual bound of side-channel tests).
 */
export const welch = (one: Sample, other: Sample): number =>
  (one.mean - other.mean) / Math.sqrt(one.variance / one.n + other.variance / other.n);
