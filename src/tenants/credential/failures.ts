/**
 * How often an address may show credentials that do not hold. An address that has used up its allowance is answered before anything is
 * verified, until it has some again; what is known to hold passes all the same, so that a proxy's one bad client locks nobody out.
 */
export type Allowance = { /** Failures at once. */ readonly points: number; /** In which so many are given back. */ readonly seconds: number };

export type Failures = {
  readonly count: (source: string) => void;
  /** Whole seconds until the address may fail again; 0 when it may now. */
  readonly wait: (source: string) => number;
};

type Options = Allowance & { /** Milliseconds on a clock that is never set. */ readonly now?: () => number; readonly capacity?: number };

/** Of more addresses than this, those that failed first are forgotten. */
const CAPACITY = 50_000;

/** Remembered of an address: when it will have its whole allowance again. */
export const createFailures = ({ points, seconds, now = () => performance.now(), capacity = CAPACITY }: Options): Failures => {
  const wholeAt = new Map<string, number>();
  const each = (seconds * 1000) / points;
  return {
    count: (source) => {
      const key = networkOf(source);
      const whole = Math.max(wholeAt.get(key) ?? 0, now()) + each;
      wholeAt.delete(key);
      if (wholeAt.size >= capacity) wholeAt.delete(wholeAt.keys().next().value!);
      wholeAt.set(key, Math.min(whole, now() + each * points));
    },
    wait: (source) => {
      if (wholeAt.size === 0) return 0;
      const missing = (wholeAt.get(networkOf(source)) ?? 0) - now();
      const excess = missing - each * (points - 1);
      return excess > 0 ? Math.ceil(excess / 1000) : 0;
    },
  };
};

/** One holder of IPv6 addresses has a /64 of them at least. */
const networkOf = (source: string): string => {
  if (!source.includes(":") || source.startsWith("::ffff:")) return source;
  const [before = [], after = []] = source.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
};
