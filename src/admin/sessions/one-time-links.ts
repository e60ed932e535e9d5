/** Links that open a session once, for a limited time. Only digests of their tokens are kept. */
import { hash, randomBytes } from "node:crypto";

type Link<Holder> = { readonly holder: Holder; readonly until: number };

type Options = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
};

/** The oldest one is void when there are more. */
const MOST = 20;

export class OneTimeLinks<Holder> {
  readonly #now: () => number;
  readonly #links = new Map<string, Link<Holder>>();

  constructor({ now = () => performance.now() }: Options = {}) {
    this.#now = now;
  }

  /** Returns the token: 256 random bits in base64url. */
  create(holder: Holder, validMs: number): string {
    if (this.#links.size >= MOST) this.#links.delete(this.#links.keys().next().value!);
    const token = randomBytes(32).toString("base64url");
    this.#links.set(digestOf(token), { holder, until: this.#now() + validMs });
    return token;
  }

  /**
   * Undefined for a token that is unknown, used or expired. It is void afterwards, unless `giveBack` is called because
   * no session was opened.
   */
  redeem(token: string): { readonly holder: Holder; readonly giveBack: () => void } | undefined {
    const digest = digestOf(token);
    const link = this.#links.get(digest);
    this.#links.delete(digest);
    return link && this.#now() < link.until
      ? { holder: link.holder, giveBack: () => void this.#links.set(digest, link) }
      : undefined;
  }
}

/** The page of the console reads the token from the fragment, which no server and no log gets. */
export const consoleAddress = (url: string, token: string): string => `${url.replace(/\/$/, "")}/#k=${token}`;

const digestOf = (token: string): string => hash("sha256", token, "hex");
