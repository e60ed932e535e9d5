/**
 * Logins through the provider that have begun: what each is bound to, for ten minutes and one callback. The browser has
 * the id of a cookie only, of which the digest is kept. A browser may have several at once, one for each tab.
 */
import { hash, randomBytes } from "node:crypto";
import { networkOf } from "../../common/net-address.ts";
import type { Session } from "../sessions/session-store.ts";
import type { LoginSecrets } from "./provider.ts";

export type Attempt = LoginSecrets & {
  readonly redirectUri: string;
  /** A page of the console. */
  readonly returnTo: string;
  /** Whether the browser uses https. */
  readonly isSecure: boolean;
  /** Of the settings by which it began. */
  readonly generation: string;
  /** The session of this browser, which ends with a new login. */
  readonly before: Session | undefined;
};

type Kept = { readonly attempt: Attempt; readonly browser: string; readonly network: string; readonly until: number };
type KeptProblem = { readonly problem: string; readonly until: number };

type Options = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly mostOfOne?: number;
  readonly most?: number;
};

export const ATTEMPT_MS = 10 * 60_000;
const PROBLEM_MS = 60_000;
const MOST_PROBLEMS = 200;

export class LoginAttempts {
  readonly #now: () => number;
  readonly #mostOfOne: number;
  readonly #most: number;
  /** By the digest of their state, the oldest first. */
  readonly #attempts = new Map<string, Kept>();
  /** Why the last login of a browser failed, by the digest of its id. */
  readonly #problems = new Map<string, KeptProblem>();

  constructor({ now = () => performance.now(), mostOfOne = 200, most = 2000 }: Options = {}) {
    this.#now = now;
    this.#mostOfOne = mostOfOne;
    this.#most = most;
  }

  /**
   * Returns the id for the browser's cookie: the one that it has, if another of its logins waits; undefined while too
   * many logins of all networks wait. Beyond the maximum of one network its oldest one is void.
   */
  begin(attempt: Attempt, ids: readonly string[], source: string): string | undefined {
    for (const [state, { until }] of this.#attempts) if (until <= this.#now()) this.#attempts.delete(state);
    const network = networkOf(source);
    const own = [...this.#attempts].filter(([, each]) => each.network === network);
    if (own.length >= this.#mostOfOne) this.#attempts.delete(own[0]![0]);
    if (this.#attempts.size >= this.#most) return undefined;
    const waiting = new Set(own.map(([, { browser }]) => browser));
    const id = ids.find((each) => waiting.has(digestOf(each))) ?? newBrowser();
    this.#attempts.set(digestOf(attempt.state), {
      attempt,
      browser: digestOf(id),
      network,
      until: this.#now() + ATTEMPT_MS,
    });
    this.#problems.delete(digestOf(id));
    return id;
  }

  /** The attempt with this state, if this browser began it. Afterwards it is void. */
  take(state: string, ids: readonly string[]): Attempt | undefined {
    const kept = this.#attempts.get(digestOf(state));
    if (!kept || !ids.some((id) => digestOf(id) === kept.browser)) return undefined;
    this.#attempts.delete(digestOf(state));
    return this.#now() < kept.until ? kept.attempt : undefined;
  }

  /** Keeps a sentence for the page that the browser loads next. Returns the id for the browser's cookie. */
  keepProblem(problem: string, ids: readonly string[]): string {
    const id = ids[0] ?? newBrowser();
    if (this.#problems.size >= MOST_PROBLEMS) this.#problems.delete(this.#problems.keys().next().value!);
    this.#problems.set(digestOf(id), { problem, until: this.#now() + PROBLEM_MS });
    return id;
  }

  /** The sentence for this browser, once. */
  takeProblem(ids: readonly string[]): string | undefined {
    for (const digest of ids.map(digestOf)) {
      const kept = this.#problems.get(digest);
      this.#problems.delete(digest);
      if (kept && this.#now() < kept.until) return kept.problem;
    }
    return undefined;
  }
}

const newBrowser = (): string => randomBytes(32).toString("base64url");

const digestOf = (text: string): string => hash("sha256", text, "hex");
