/**
 * Proofs that a node knows the common key (`shared.peers.common_key`). The key itself is never sent. The asking node
 * sends a nonce; the asked one answers with a challenge and proves first that it knows the key, so that no question
 * goes to a stranger whose address somebody put into the database. A proof of a question covers the challenge, which is
 * valid once and for half a minute of the asked node's own clock: clocks of the two machines may differ by minutes.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Names of both nodes, and what both added that is new. */
export type Exchange = {
  readonly asking: string;
  readonly asked: string;
  readonly nonce: string;
  readonly challenge: string;
};

/** `viewer`: the header that says for whom it is asked. */
export type ProvenQuestion = { readonly method: string; readonly target: string; readonly viewer: string };

/** 128 random bits. */
export const newNonce = (): string => randomBytes(16).toString("base64url");
export const NONCE = /^[\w-]{16,64}$/;

const mac = (key: string | Buffer, parts: readonly string[]): string =>
  createHmac("sha256", key).update(JSON.stringify(parts)).digest("base64url");

const exchangeParts = ({ asking, asked, nonce, challenge }: Exchange): string[] => [asking, asked, nonce, challenge];

/** What the asked node proves before it gets a question. */
export const proofOfAsked = (key: string, exchange: Exchange): string =>
  mac(key, ["asked node", ...exchangeParts(exchange)]);

export const proofOfQuestion = (key: string, exchange: Exchange, { method, target, viewer }: ProvenQuestion): string =>
  mac(key, ["question", ...exchangeParts(exchange), method, target, viewer]);

/** In constant time for texts of the same length; the length of a proof is no secret. */
export const isSameProof = (one: string, other: string): boolean => {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
};

const VALID_MS = 30_000;
const MOST_USED = 10_000;

/** Challenges that this run gave. Nothing is stored until a question with a valid proof came. */
export class Challenges {
  readonly #secret = randomBytes(32);
  readonly #now: () => number;
  /** Used ones, with the time at which they expire. */
  readonly #used = new Map<string, number>();

  /** `now`: milliseconds of a monotonic clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  make(asking: string, nonce: string): string {
    const until = Math.ceil(this.#now() + VALID_MS).toString();
    const random = newNonce();
    return [until, random, this.#tag(asking, nonce, until, random)].join(".");
  }

  /** Why the challenge is not valid for this node and nonce; undefined if it is, and then it is used up. */
  fault({ asking, nonce, challenge }: Omit<Exchange, "asked">): "unknown" | "expired" | "used" | undefined {
    const [until = "", random = "", tag = ""] = challenge.split(".");
    if (!isSameProof(tag, this.#tag(asking, nonce, until, random))) return "unknown";
    const now = this.#now();
    if (Number(until) < now) return "expired";
    for (const [each, end] of this.#used) if (end < now) this.#used.delete(each);
    // So many questions in half a minute are none of users: they are refused, rather than a challenge accepted twice.
    if (this.#used.has(challenge) || this.#used.size >= MOST_USED) return "used";
    this.#used.set(challenge, Number(until));
    return undefined;
  }

  #tag(...parts: readonly string[]): string {
    return mac(this.#secret, parts);
  }
}
