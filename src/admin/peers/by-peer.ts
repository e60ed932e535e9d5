/**
 * Finds out whether another node asks, and for whom. It proves that it is one of `shared` by the common key, by a
 * certificate, or by both, as the config says. What it may ask is in the rows of routes (`peers`), and the user's roles
 * and tenants apply as if the user asked here.
 */
import { events } from "../../common/log/events.ts";
import { headerOf, type Arrival, type Handler, type HeaderLine } from "../../common/message.ts";
import { json } from "../replies.ts";
import type { Authenticate, Rejected, Viewer } from "../viewer.ts";
import { ASKING, objectIn, readAsking } from "./asking.ts";
import { Challenges, isSameProof, NONCE, proofOfAsked, proofOfQuestion, type Exchange } from "./proofs.ts";

export const SCHEME = "Ocsgw-Peer";
/** The header by which an answering node names itself. */
export const NODE = "Ocsgw-Node";
/** A name of a node. */
const NAME = /^[\w.-]{1,253}$/;
/** Anybody can send invalid credentials: they must not fill the log. */
const LOG_EVERY_MS = 10_000;

/** Of this node, from its config. At least one of the two is required. */
export type PeerTrust = {
  readonly key: string | undefined;
  /** True: a peer needs a certificate of `shared.peers.tls.ca` that names it. */
  readonly needsCertificate: boolean;
};

type Deps = {
  /** The name of this node. */
  readonly node: string;
  /** Undefined while the config has no `shared.peers`. */
  readonly trust: () => PeerTrust | undefined;
  /** Host names by which the certificate of this node may name it, besides its own name. */
  readonly hostsOf: (node: string) => readonly string[];
};

export type Challenge = { readonly node: string; readonly challenge: string; readonly proof: string };

type Asked = Omit<Arrival, "gone">;

export class PeerDesk {
  readonly #deps: Deps;
  readonly #challenges = new Challenges();
  /** When a rejection was logged last. */
  #logged = -Infinity;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** The first half of the proof by key: see `proofs.ts`. Undefined where the config has no common key. */
  challenge(asking: string, nonce: string): Challenge | undefined {
    const key = this.#deps.trust()?.key;
    if (key === undefined || !NONCE.test(nonce)) return undefined;
    const { node } = this.#deps;
    const challenge = this.#challenges.make(asking, nonce);
    return { node, challenge, proof: proofOfAsked(key, { asking, asked: node, nonce, challenge }) };
  }

  /** Judges a request with the scheme of peers; hands all others on. */
  before(next: Authenticate): Authenticate {
    return (arrival) => (isOfPeer(arrival) ? this.#judge(arrival, credentialOf(arrival)[1] ?? "") : next(arrival));
  }

  /** Names this node in answers to others: two may announce one address by mistake. */
  named(handler: Handler): Handler {
    return async (arrival) => {
      const reply = await handler(arrival);
      return isOfPeer(arrival) ? { ...reply, headers: [...reply.headers, [NODE, this.#deps.node]] } : reply;
    };
  }

  #judge(arrival: Asked, given: string): Viewer | Rejected {
    const { node, nonce, challenge, proof } = objectIn(given);
    if (typeof node !== "string" || !NAME.test(node)) return rejected("the credential of a node is malformed");
    const viewer = headerOf(arrival.headers, ASKING) ?? "";
    const fault =
      this.#certificateFault(arrival, node) ??
      this.#keyFault(
        arrival,
        { asking: node, asked: this.#deps.node, ...texts({ nonce, challenge }) },
        {
          viewer,
          proof: typeof proof === "string" ? proof : "",
        },
      );
    if (fault !== undefined) {
      this.#log({ node, source: arrival.source, reason: fault });
      return rejected(`the node ${this.#deps.node} rejects this node's credential: ${fault}`);
    }
    return readAsking(viewer, node) ?? { rejected: json(400, { error: `${ASKING}: expected for whom the node asks` }) };
  }

  #log(rejection: { readonly node: string; readonly source: string; readonly reason: string }): void {
    const now = performance.now();
    if (now - this.#logged < LOG_EVERY_MS) return;
    this.#logged = now;
    events.peerRejected(rejection);
  }

  #certificateFault({ peer, peerNow }: Asked, node: string): string | undefined {
    const trust = this.#deps.trust();
    if (!trust) return "its config has no shared.peers";
    if (!trust.needsCertificate) return undefined;
    const shown = peerNow ? peerNow() : peer;
    if (!shown) return "it sent no client certificate, which shared.peers.tls asks for";
    if (shown.fault !== undefined) return `its client certificate is not valid: ${shown.fault}`;
    const names = [node, ...this.#deps.hostsOf(node)].map((name) => name.toLowerCase());
    return shown.names.some((name) => names.includes(name))
      ? undefined
      : "its client certificate names neither the node nor the host of its address (subject alternative name)";
  }

  #keyFault(
    { method, target }: Asked,
    exchange: Exchange,
    { viewer, proof }: { readonly viewer: string; readonly proof: string },
  ): string | undefined {
    const key = this.#deps.trust()?.key;
    if (key === undefined) return undefined;
    if (!isSameProof(proof, proofOfQuestion(key, exchange, { method, target, viewer })))
      return "it has another shared.peers.common_key";
    const fault = this.#challenges.fault(exchange);
    return fault && `its challenge is ${fault}; a question must follow within half a minute, once`;
  }
}

const credentialOf = ({ headers }: Pick<Arrival, "headers">): readonly string[] =>
  (headerOf(headers, "Authorization") ?? "").split(" ", 2);

const isOfPeer = (arrival: Pick<Arrival, "headers">): boolean =>
  credentialOf(arrival)[0]?.toLowerCase() === SCHEME.toLowerCase();

const texts = ({ nonce, challenge }: Readonly<Record<string, unknown>>): Pick<Exchange, "nonce" | "challenge"> => ({
  nonce: typeof nonce === "string" ? nonce : "",
  challenge: typeof challenge === "string" ? challenge : "",
});

const HEADERS: readonly HeaderLine[] = [["WWW-Authenticate", SCHEME]];
const rejected = (error: string): Rejected => ({ rejected: json(401, { error }, HEADERS) });
