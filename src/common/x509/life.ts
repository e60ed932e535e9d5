/** When to warn that a certificate expires soon. */

/** Two weeks: long enough to react, and short enough not to warn at every renewal. */
const SOON_MS = 14 * 86_400_000;

/**
 * The time from which a certificate that is valid from `from` to `to` "expires soon": two weeks before its end, or the
 * last third of its life if that is shorter. All in milliseconds since 1970.
 */
export const soonFrom = (from: number, to: number): number => to - Math.min(SOON_MS, (to - from) / 3);
