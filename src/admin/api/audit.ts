/**
 * Look-ups of a person, and entries that record an access. A phone number or customer id is sent in a body, never in a
 * URL. A look-up is journaled, and the entry is on disk before the reply is sent.
 */
import { z } from "zod";
import type { AccessRequest } from "../../journal/access.ts";
import type { Person } from "../../journal/search/phone-variants.ts";
import { accessBy, namesIn, note, type AuditParts } from "../audit-parts.ts";
import { json } from "../replies.ts";
import { route, type Route } from "../route.ts";
import { LookUpPage } from "../schemas/flow.ts";
import type { Viewer } from "../viewer.ts";
import { requirePurpose } from "./evidence/jobs.ts";
import { TOO_MANY, type LookUps } from "./evidence/look-ups.ts";
import { pageOf } from "./flows.ts";
import { cursor, filter, limit, pageAt, purpose, text, user } from "./parameters.ts";

type Deps = { readonly audit: AuditParts; readonly lookUps: LookUps };

const LookUp = z
  .strictObject({
    phone: text().optional(),
    customer_id: text().optional(),
    filter: filter(),
    cursor: cursor().nullish(),
    limit: limit().nullish(),
    purpose: purpose(),
    user: user(),
  })
  .refine(({ phone, customer_id: customer }) => (phone === undefined) !== (customer === undefined), {
    error: "expected phone or customer_id",
  });

const Accessed = z.strictObject({
  user: text().optional(),
  behind: z.record(z.string(), text()).optional(),
  operation: text(),
  query: text().optional(),
  purpose: text().optional(),
  results: z.number().optional(),
  tokens: z.strictObject({ phone: text().optional(), customer_id: text().optional() }).optional(),
  sign: z.boolean().describe("Also sign a checkpoint that covers the entry").optional(),
});

export const AUDIT_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "POST",
    path: "/api/audit/look-up",
    summary: "Everything that the journal has about one person, by phone number or customer id",
    roles: ["auditor"],
    scope: "whole-gateway",
    body: LookUp,
    reply: LookUpPage,
    others: {
      429: "a person may look up so many people per hour only; Retry-After and RateLimit say when to go on",
      503: "the search failed or took too long, or the look-up cannot be journaled",
    },
    answer: async ({ audit, lookUps }: Deps, { viewer, body }) => {
      const { ask, record, keys, vocabulary } = audit;
      requirePurpose(viewer, body.purpose);
      const by = accessBy(viewer, body.user);
      const names = namesIn(body.filter, vocabulary());
      const person: Person =
        body.phone === undefined
          ? { kind: "customer_id", value: body.customer_id! }
          : { kind: "phone", value: body.phone };
      const { allowed, headers } = lookUps.take(viewer);
      if (!allowed) return json(429, { error: TOO_MANY }, headers);
      const answer = await ask({ kind: "person", person, keys: keys(), filter: body.filter, names, ...pageAt(body) });
      const token = answer.evidence?.tokens.at(0);
      await note(record, {
        ...by,
        operation: "look-up",
        query: body.filter,
        results: answer.transactions?.length,
        ...(body.purpose !== undefined && { purpose: body.purpose }),
        tokens: body.phone === undefined ? { customer_id: token } : { phone: token },
      });
      return json(200, { ...pageOf(answer), evidence: answer.evidence }, headers);
    },
  }),
  route({
    method: "POST",
    path: "/api/audit/access",
    summary: "Records the access of a client that searched the journal itself and is about to show the result",
    roles: ["auditor"],
    scope: "whole-gateway",
    body: Accessed,
    reply: z.strictObject({ size: z.number().describe("Entries in the journal, or in the signed checkpoint") }),
    others: { 503: "the access cannot be journaled" },
    answer: async ({ audit }: Deps, { viewer, body: { sign, user, ...asked } }) =>
      json(200, await note(audit.record, { ...asked, ...recordedBy(viewer, user) } as AccessRequest, sign === true)),
  }),
];

/** The token names nobody, and a client that searched by itself knows who asked: it must say so. */
const recordedBy = (viewer: Viewer, claimed: string | undefined): Pick<AccessRequest, "user" | "role"> =>
  viewer.via === "token" ? { user: claimed ?? "" } : accessBy(viewer, claimed);
