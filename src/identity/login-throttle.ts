/**
 * Limits how often a password may be tried: by the address and by the user's name, known or not. An attempt counts from
 * its start, so that many at once get no more than one after the other; a successful one is given back.
 *
 * A user who logged in from an address before has a limit of their own there, and the limits of all others do not
 * apply; and likewise one whose browser is known. So nobody else can lock them out of that browser: neither from
 * elsewhere, nor from the same address, which behind a proxy is everybody's, nor after a restart.
 */
import { networkOf } from "../common/net-address.ts";
import type { Limit } from "../tenancy/registry.ts";
import { Buckets } from "./token-bucket.ts";

export type LoginThrottle = {
  /**
   * Begins an attempt; or returns the whole seconds until one may begin. `browser`: the id of one in which this user
   * logged in before.
   */
  readonly begin: (name: string, source: string, browser?: string) => LoginAttempt | { readonly retryAfter: number };
  /** The same for a login through an OpenID provider, where no password can be guessed: limited by address only. */
  readonly beginAtProvider: (source: string) => LoginAttempt | { readonly retryAfter: number };
};

/** `succeeded`: to be called when the password was right. */
export type LoginAttempt = { readonly succeeded: () => void };

type Options = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly capacity?: number;
};

/** Failed attempts at once, and the seconds in which all of them are allowed again. */
export const LOGIN_LIMITS = {
  address: { points: 20, seconds: 600 },
  name: { points: 10, seconds: 1800 },
  /** Of one user in one browser, or from one address, where the user logged in before. */
  familiar: { points: 10, seconds: 600 },
  /** Through an OpenID provider, from one address: the provider and the journal must not be flooded. */
  provider: { points: 30, seconds: 60 },
} as const satisfies Readonly<Record<string, Limit>>;

type Asker = { readonly name: string; readonly network: string; readonly pair: string; readonly browser?: string };

/** Maximum addresses, names, and pairs of them remembered. */
const CAPACITY = 50_000;

export const createLoginThrottle = ({
  now = () => performance.now(),
  capacity = CAPACITY,
}: Options = {}): LoginThrottle => {
  const byAddress = new Buckets(LOGIN_LIMITS.address, capacity);
  const byName = new Buckets(LOGIN_LIMITS.name, capacity);
  const byPair = new Buckets(LOGIN_LIMITS.familiar, capacity);
  const byBrowser = new Buckets(LOGIN_LIMITS.familiar, capacity);
  const atProvider = new Buckets(LOGIN_LIMITS.provider, capacity);
  const limitsOf = ({ name, network, pair, browser }: Asker): readonly (readonly [Buckets, string])[] => {
    if (browser !== undefined) return [[byBrowser, JSON.stringify([name, browser])]];
    if (byPair.get(pair)) return [[byPair, pair]];
    return [
      [byAddress, network],
      [byName, name],
    ];
  };
  return {
    begin: (given, source, browser) => {
      const [name, network] = [given.toLowerCase(), networkOf(source)];
      const pair = JSON.stringify([name, network]);
      const limits = limitsOf({ name, network, pair, ...(browser !== undefined && { browser }) });
      const at = now();
      const wait = Math.max(...limits.map(([buckets, key]) => buckets.get(key)?.msUntilAvailable(at) ?? 0));
      if (wait > 0) return { retryAfter: Math.ceil(wait / 1000) };
      // Only now: attempts that are turned away must not make the throttle forget others.
      const applying = limits.map(([buckets, key]) => buckets.touch(key));
      for (const bucket of applying) bucket.take(at);
      return {
        succeeded: () => {
          for (const bucket of applying) bucket.putBack();
          byPair.touch(pair);
        },
      };
    },
    beginAtProvider: (source) => {
      const [network, at] = [networkOf(source), now()];
      const wait = atProvider.get(network)?.msUntilAvailable(at) ?? 0;
      if (wait > 0) return { retryAfter: Math.ceil(wait / 1000) };
      const bucket = atProvider.touch(network);
      bucket.take(at);
      return { succeeded: () => bucket.putBack() };
    },
  };
};
