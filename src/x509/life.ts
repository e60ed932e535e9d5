/** When a certificate should be replaced by now. */

/** Two weeks are enough to notice, and short enough not to warn at every renewal. */
const SOON_MS = 14 * 86_400_000;

/** From this time on a certificate that is valid from `from` to `to` ends soon; all in milliseconds since 1970. Short-lived ones: the last third of their life. */
export const soonFrom = (from: number, to: number): number => to - Math.min(SOON_MS, (to - from) / 3);
