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
import { cursorsFor, flowsFor, nextFor, placeOf, sightOf } from "../flows/scoped-flows.ts";
import type { FlowParts } from "../flows/stream-page.ts";
import { evidenceFor, narrowed } from "../scope.ts";
import { requirePurpose } from "./evidence/jobs.ts";
import { LIMITED, tooMany, type LookUps } from "./evidence/look-ups.ts";
import { filter, LIMIT, limit, purpose, text, user } from "./parameters.ts";

type Deps = { readonly audit: AuditParts; readonly flows: FlowParts; readonly lookUps: LookUps };

const LookUp = z
  .strictObject({
    phone: text().optional(),
    customer_id: text().optional(),
    filter: filter(),
    cursor: text().describe("The value of next from an earlier page").nullish(),
    limit: limit().nullish(),
    purpose: purpose(),
    user: user(),
    row_cursors: z.literal(true).describe("Also gives the cursor behind each request").optional(),
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
    scope: "by-tenant",
    peers: "too",
    body: LookUp,
    reply: LookUpPage,
    others: {
      429: LIMITED,
      503: "the search failed or took too long, or the look-up cannot be journaled",
    },
    answer: async ({ audit, flows, lookUps }: Deps, { viewer, body }) => {
      const { ask, record, keys } = audit;
      const sight = sightOf(audit, viewer);
      requirePurpose(viewer, body.purpose);
      const by = accessBy(viewer, body.user);
      const names = namesIn(body.filter, sight.vocabulary);
      const before = placeOf(sight, flows, body.cursor ?? undefined);
      const person: Person =
        body.phone === undefined
          ? { kind: "customer_id", value: body.customer_id! }
          : { kind: "phone", value: body.phone };
      const taken = lookUps.take(viewer);
      const limited = tooMany(taken);
      if (limited) return limited;
      const {
        transactions = [],
        next,
        evidence,
        warnings = [],
      } = await ask({
        kind: "person",
        person,
        keys: keys(),
        filter: body.filter,
        names,
        before,
        limit: body.limit ?? LIMIT,
        scope: sight.scope,
      });
      const token = evidence?.tokens.at(0);
      taken.remember(evidence?.tokens ?? []);
      await note(record, {
        ...by,
        operation: "look-up",
        query: narrowed(body.filter, viewer),
        results: transactions.length,
        ...(body.purpose !== undefined && { purpose: body.purpose }),
        tokens: body.phone === undefined ? { customer_id: token } : { phone: token },
      });
      return json(
        200,
        {
          requests: flowsFor(sight, transactions),
          next: nextFor(sight, flows, next),
          ...(body.row_cursors && { row_cursors: cursorsFor(sight, flows, transactions) }),
          warnings,
          ...(evidence && { evidence: evidenceFor(viewer, evidence) }),
        },
        taken.headers,
      );
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
