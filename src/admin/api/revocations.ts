/** Revocations of tokens, keys, certificates and clients. */
import { json } from "../replies.ts";
import { route, type Route } from "../route.ts";
import { Revocation, RevocationRequest } from "../schemas/config.ts";

/** Resolves to the decision once it is in force, or to a text that says why the body is invalid. */
export type Decide = (said: unknown) => Promise<object | string>;

type Deps = { readonly revoke: Decide };

export const REVOCATION_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "POST",
    path: "/api/revocations",
    summary: "Revokes or reinstates a token, a key, a certificate or a client",
    roles: ["operator"],
    scope: "whole-gateway",
    body: RevocationRequest,
    invalidBody: 422,
    reply: Revocation,
    answer: async ({ revoke }: Deps, { body }) => {
      const decided = await revoke(body);
      return typeof decided === "string" ? json(422, { error: decided }) : json(200, decided);
    },
  }),
];
