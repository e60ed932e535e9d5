/** What other nodes ask before a question: see `peers/proofs.ts`. */
import { z } from "zod";
import type { PeerDesk } from "../../peers/by-peer.ts";
import { NONCE } from "../../peers/proofs.ts";
import { json } from "../../replies.ts";
import { openRoute, route, type Route } from "../../route.ts";

type Deps = {
  /** Undefined where the config has no `shared`. */
  readonly peerDesk?: PeerDesk | undefined;
  /** What this node knows of a client's request. */
  readonly requestHere?: ((id: string) => Promise<PeerRequest>) | undefined;
};

const PeerRequest = z.strictObject({
  known: z
    .strictObject({
      client: z.string(),
      tenant: z
        .strictObject({ dbid: z.int(), upstream: z.string().optional() })
        .nullable()
        .describe("Null for a request that was refused before its tenant was known"),
      state: z
        .looseObject({ id: z.string(), state: z.string() })
        .nullable()
        .describe("As its client gets it from GET /ocsgw/requests/<id>; null while its end is not on disk"),
    })
    .nullable(),
  unclear: z.string().nullable().describe("Why this node cannot tell whether there was such a request"),
});
export type PeerRequest = z.infer<typeof PeerRequest>;

const NO_KEY = "the config of this node has no shared.peers.common_key";

export const PEER_ROUTES: readonly Route<Deps>[] = [
  openRoute({
    method: "GET",
    path: "/api/peers/challenge",
    summary: "For other nodes: a challenge for their next question, and the proof that this one knows the common key",
    roles: "anyone",
    query: z.strictObject({
      node: z.string("expected a name").min(1).max(253).describe("The name of the node that asks"),
      nonce: z.string("expected a nonce").regex(NONCE, "expected 16 to 64 letters, digits, - or _"),
    }),
    reply: z.strictObject({
      node: z.string().describe("The name of this node"),
      challenge: z.string().describe("Valid once, for half a minute"),
      proof: z.string().describe("HMAC-SHA-256 with the common key, base64url"),
    }),
    others: { 409: NO_KEY },
    answer: ({ peerDesk }: Deps, { query: { node, nonce } }) => {
      const challenge = peerDesk?.challenge(node, nonce);
      return challenge ? json(200, challenge) : json(409, { error: NO_KEY });
    },
  }),
  route({
    method: "GET",
    path: "/api/peers/requests/{id}",
    summary: "For other nodes: what this one knows of a client's request, which its client asks there",
    roles: ["viewer"],
    scope: "whole-gateway",
    peers: "only",
    reply: PeerRequest,
    others: { 404: "this node knows no requests of clients" },
    answer: async ({ requestHere }: Deps, { params: { id } }) =>
      requestHere ? json(200, await requestHere(id)) : json(404, { error: "this node knows no requests of clients" }),
  }),
];
