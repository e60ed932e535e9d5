/**
 * All nodes that share one database, and one question to all of them. The own one is asked first: what it refuses,
 * because the question is invalid or the user may not ask it, is asked nowhere else. The others are asked at once, each
 * with a time limit of its own, so that one that hangs delays nobody for longer. An answer is never taken for complete
 * without every one of them.
 */
import type { Arrival, Reply } from "../../common/message.ts";
import { ulid } from "../../common/ulid.ts";
import type { Viewer } from "../viewer.ts";
import { ExportGroups } from "./export-groups.ts";
import { askPeer, NoAnswer, openPeerFile, refusalIn, type Peer, type PeerCredentials } from "./peer-client.ts";

/** `address`: of its admin API, as it says itself; undefined if it says none. */
export type KnownNode = {
  readonly node: string;
  readonly address: string | undefined;
  readonly state: "live" | "dead" | "stopped";
};

export type NodeList = {
  /** The own one too. */
  readonly nodes: readonly KnownNode[];
  /** Why nodes may be missing from the list; undefined while it is up to date. */
  readonly trouble: string | undefined;
};

export type NodesSource = {
  /** The name of this node. */
  readonly own: string;
  readonly list: () => NodeList;
  /** Undefined while the config has no `shared.peers`: then no other node can be asked. */
  readonly credentials: () => PeerCredentials | undefined;
};

/** One question, as for the route of that path. */
export type NodeQuestion = {
  readonly method: "GET" | "POST" | "DELETE";
  readonly target: string;
  readonly body?: object | undefined;
};

/** `reason`: why there is no answer. */
export type NodeAnswer = { readonly node: string } & (
  | { readonly status: number; readonly value: unknown }
  | { readonly reason: string }
);

/** Answers a question here, as the route would that viewer. */
export type AnswerHere = (
  viewer: Viewer,
  question: NodeQuestion & { readonly headers?: Arrival["headers"]; readonly gone: AbortSignal },
) => Promise<Reply>;

type Asked = { readonly viewer: Viewer; readonly gone: AbortSignal };

/** `refused`: the own node's answer to a question that it asks nobody else. */
export type AllAnswers =
  | { readonly refused: Reply }
  | { readonly answers: readonly NodeAnswer[]; readonly trouble: string | undefined };

/** Longer than a search may take. */
const ANSWER_MS = 45_000;
/** A page has at most 4 MiB of lines, and each entry stands in it twice. */
const ANSWER_BYTES = 32 << 20;
/** The question is invalid, or this viewer may not ask it, or not now. */
const REFUSED: readonly number[] = [400, 401, 403, 429];

export class Nodes {
  readonly own: string;
  /** Exports that users started on all nodes. */
  readonly exports = new ExportGroups();
  readonly #source: NodesSource;
  readonly #limits: { readonly ms: number; readonly bytes: number };

  constructor(source: NodesSource, limits = { ms: ANSWER_MS, bytes: ANSWER_BYTES }) {
    this.own = source.own;
    this.#source = source;
    this.#limits = limits;
  }

  list(): NodeList {
    return this.#source.list();
  }

  /** `questionFor`: undefined for a node that is not to be asked. The answers are in the order of the names. */
  async askAll(
    here: AnswerHere,
    questionFor: (node: string) => NodeQuestion | undefined,
    asked: Asked,
  ): Promise<AllAnswers> {
    const { nodes, trouble } = this.list();
    const own = await this.#askOwn(here, questionFor(this.own), asked);
    if (own && "refused" in own) return own;
    const others = nodes.filter(({ node }) => node !== this.own);
    const answers = await Promise.all(
      others.map(async (known) => {
        const question = questionFor(known.node);
        return question && (await this.#askOther(known, question, asked));
      }),
    );
    return { answers: [own, ...answers].filter((each) => each !== undefined).toSorted(byName), trouble };
  }

  /** Never rejects. */
  async askOne(here: AnswerHere, node: string, question: NodeQuestion, asked: Asked): Promise<NodeAnswer> {
    if (node === this.own) {
      const reply = await here(asked.viewer, { ...question, gone: asked.gone });
      return answerIn(this.own, reply);
    }
    const known = this.list().nodes.find((each) => each.node === node);
    return known
      ? this.#askOther(known, question, asked)
      : { node, reason: "the shared database has no node of this name" };
  }

  /** Asks all others, and not the own one. */
  askOthers(question: NodeQuestion, asked: Asked, { ms }: { readonly ms: number }): Promise<readonly NodeAnswer[]> {
    const others = this.list().nodes.filter(({ node }) => node !== this.own);
    return Promise.all(others.map((known) => this.#askOther(known, question, asked, ms)));
  }

  /** A file of one node, as the reply to this request. */
  async file(
    here: AnswerHere,
    node: string,
    target: string,
    asked: Asked,
  ): Promise<Reply | { readonly reason: string }> {
    if (node === this.own) return here(asked.viewer, { method: "GET", target, gone: asked.gone });
    const peer = this.#peer(this.list().nodes.find((each) => each.node === node));
    if ("reason" in peer) return peer;
    try {
      const { response, close } = await openPeerFile(peer, { method: "GET", target, ...asked });
      return {
        status: 200,
        headers: PASSED.flatMap((name) => {
          const value = response.headers[name.toLowerCase()];
          return typeof value === "string" ? [[name, value] as const] : [];
        }),
        body: new Uint8Array(0),
        stream: (to) => {
          void (async () => {
            try {
              for await (const chunk of response as AsyncIterable<Buffer>) await to.write(chunk);
              // A file that ends too early must not look whole.
              if (response.complete) to.end();
              else to.destroy();
            } catch {
              to.destroy();
            } finally {
              close();
            }
          })();
        },
      };
    } catch (error) {
      return { reason: reasonOf(error) };
    }
  }

  async #askOwn(
    here: AnswerHere,
    question: NodeQuestion | undefined,
    { viewer, gone }: Asked,
  ): Promise<NodeAnswer | { readonly refused: Reply } | undefined> {
    if (!question) return undefined;
    const reply = await here(viewer, { ...question, gone });
    return REFUSED.includes(reply.status) ? { refused: reply } : answerIn(this.own, reply);
  }

  async #askOther(
    known: KnownNode,
    question: NodeQuestion,
    { viewer, gone }: Asked,
    ms = this.#limits.ms,
  ): Promise<NodeAnswer> {
    const { node, state } = known;
    const peer = this.#peer(known);
    if ("reason" in peer) return { node, reason: peer.reason };
    try {
      return { node, ...(await askPeer(peer, { ...question, viewer, gone }, { ...this.#limits, ms })) };
    } catch (error) {
      const why = reasonOf(error);
      return { node, reason: state === "live" ? why : `${STATES[state]}; ${why}` };
    }
  }

  #peer(known: KnownNode | undefined): Peer | { readonly reason: string } {
    if (!known) return { reason: "the shared database has no node of this name" };
    const { node, address, state } = known;
    const credentials = this.#source.credentials();
    if (!credentials) return { reason: "the config of this node has no shared.peers, so it asks no other node" };
    if (address === undefined || !URL.canParse(address))
      return {
        reason: `${state === "live" ? "" : `${STATES[state]}; `}it tells no address of its admin API (shared.peers)`,
      };
    return { at: { node, address }, credentials };
  }
}

const STATES = { dead: "it is not running, or cut off from the shared database", stopped: "it is stopped" } as const;

const PASSED = [
  "Content-Type",
  "Content-Length",
  "Content-Disposition",
  "Content-Security-Policy",
  "X-Content-Type-Options",
  "Cache-Control",
  "ETag",
];

const byName = (one: NodeAnswer, other: NodeAnswer): number => (one.node < other.node ? -1 : 1);

const reasonOf = (error: unknown): string => {
  if (error instanceof NoAnswer) return error.message;
  throw error;
};

const answerIn = (node: string, { status, body }: Reply): NodeAnswer => ({
  node,
  status,
  value: JSON.parse(new TextDecoder().decode(body)),
});

/** Why an answer is not the one that was asked for: `HTTP 503: the search took too long`. */
export const refusalOf = ({ status, value }: { readonly status: number; readonly value: unknown }): string =>
  refusalIn({ statusCode: status }, JSON.stringify(value));

/** An arrival for the own node's routes. */
export const arrivalOf = ({ method, target, body, headers = [], gone }: Parameters<AnswerHere>[1]): Arrival => ({
  id: ulid(),
  at: performance.now(),
  method,
  target,
  headers,
  source: "",
  listener: "admin",
  body: () => Promise.resolve(body === undefined ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(body))),
  surplus: () => Promise.resolve(false),
  gone,
});
