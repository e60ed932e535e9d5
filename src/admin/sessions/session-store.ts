/**
 * The sessions of the console, in memory only: a restart ends all of them. An id has 256 random bits and is sent as a
 * cookie; the store has only its digest. A session ends after some time without use, and in any case after a longer
 * one; and as soon as its holder may no longer log in. Its streams end too when the holder may see less than before.
 */
import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { maySee } from "../scope.ts";
import type { Viewer } from "../viewer.ts";

/** Milliseconds. */
export type SessionTimes = { readonly idle: number; readonly longest: number };

/**
 * Who a session belongs to. `viewer`: what the holder may do now; undefined once the session must end. `id`: sessions
 * with the same one belong together; the name if missing.
 */
export type SessionHolder = {
  readonly name: string;
  readonly id?: string;
  readonly viewer: () => Viewer | undefined;
};

export type Session = {
  readonly holder: SessionHolder;
  /** Sent in a header with every request that changes something: other sites cannot know it. */
  readonly csrf: string;
  /** Aborts when the session ends, and when its holder may see less; for later requests there is a new one then. */
  readonly ended: AbortSignal;
};

type Kept = {
  -readonly [Key in keyof Session]: Session[Key];
} & {
  readonly began: number;
  used: number;
  /** What the holder could do when that was last checked. */
  allowed: Viewer | undefined;
  ending: AbortController;
  readonly end: () => void;
};

type Options = {
  readonly times: () => SessionTimes;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly mostOfOne?: number;
  readonly most?: number;
};

/** How often sessions are ended that nobody asks for: streams of these sessions are open. */
const SWEEP_MS = 5000;

export class SessionStore {
  readonly #times: Options["times"];
  readonly #now: () => number;
  readonly #mostOfOne: number;
  readonly #most: number;
  /** By the digest of the id, the least recently used first. */
  readonly #sessions = new Map<string, Kept>();
  readonly #timer: NodeJS.Timeout;

  constructor({ times, now = () => performance.now(), mostOfOne = 10, most = 1000 }: Options) {
    this.#times = times;
    this.#now = now;
    this.#mostOfOne = mostOfOne;
    this.#most = most;
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Always a new id. Beyond the maximum of one holder or of all, the least recently used session ends. */
  open(holder: SessionHolder): { readonly id: string; readonly session: Session } {
    const ofHolder = [...this.#sessions.values()].filter((each) => idOf(each.holder) === idOf(holder));
    if (ofHolder.length >= this.#mostOfOne) ofHolder[0]!.end();
    if (this.#sessions.size >= this.#most) this.#sessions.values().next().value!.end();
    const id = randomBytes(32).toString("base64url");
    const digest = digestOf(id);
    const ending = new AbortController();
    const now = this.#now();
    const session: Kept = {
      holder,
      csrf: randomBytes(32).toString("base64url"),
      ended: ending.signal,
      ending,
      allowed: holder.viewer(),
      began: now,
      used: now,
      end: () => {
        this.#sessions.delete(digest);
        session.ending.abort();
      },
    };
    this.#sessions.set(digest, session);
    return { id, session };
  }

  /** `uses`: the request counts as use, and the session stays open for longer. */
  find(id: string, { uses }: { readonly uses: boolean }): Session | undefined {
    if (!ID.test(id)) return undefined;
    const digest = digestOf(id);
    const session = this.#sessions.get(digest);
    if (!session || this.#endIfOver(session)) return undefined;
    if (uses) {
      session.used = this.#now();
      this.#sessions.delete(digest);
      this.#sessions.set(digest, session);
    }
    return session;
  }

  /** Milliseconds until the session ends without use, and until it ends in any case. */
  left(session: Session): SessionTimes {
    const { began, used } = session as Kept;
    const { idle, longest } = this.#times();
    const inAnyCase = Math.max(0, Math.round(began + longest - this.#now()));
    return { idle: Math.max(0, Math.min(inAnyCase, Math.round(used + idle - this.#now()))), longest: inAnyCase };
  }

  end(session: Session): void {
    (session as Kept).end();
  }

  /** Ends all sessions of this holder. Returns their number. */
  endAllOf(of: Pick<SessionHolder, "name" | "id">): number {
    const own = [...this.#sessions.values()].filter(({ holder }) => idOf(holder) === idOf(of));
    for (const session of own) session.end();
    return own.length;
  }

  /** Ends the sessions that are over; to be called when users or times have changed. */
  sweep(): void {
    for (const session of this.#sessions.values()) this.#endIfOver(session);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const session of this.#sessions.values()) session.end();
  }

  #endIfOver(session: Kept): boolean {
    const allowed = session.holder.viewer();
    const isOver = this.left(session).idle === 0 || allowed === undefined;
    if (isOver) session.end();
    else if (session.allowed && isLess(allowed, session.allowed)) {
      session.ending.abort();
      session.ending = new AbortController();
      session.ended = session.ending.signal;
    }
    session.allowed = allowed;
    return isOver;
  }
}

const isLess = (now: Viewer, before: Viewer): boolean =>
  before.roles.some((role) => !now.roles.includes(role)) ||
  (now.tenants !== "all" && (before.tenants === "all" || before.tenants.some((dbid) => !maySee(now, dbid))));

const idOf = ({ id, name }: Pick<SessionHolder, "name" | "id">): string => id ?? name;

const ID = /^[A-Za-z0-9_-]{43}$/;

const digestOf = (id: string): string => hash("sha256", id, "hex");

/** Whether the request has the session's own token, compared in constant time. */
export const isCsrfOf = ({ csrf }: Session, given: string | undefined): boolean =>
  given !== undefined && timingSafeEqual(digestBytes(given), digestBytes(csrf));

const digestBytes = (text: string): Buffer => hash("sha256", text, "buffer");
