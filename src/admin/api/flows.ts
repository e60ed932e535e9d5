/**
 * Flows: pages of requests and events from the journal, one of them, and the live stream. A phone number or customer id
 * is never part of a URL: a filter names a person by token, and the search is journaled before the reply is sent.
 */
import { z } from "zod";
import { allTokensIn, tokensIn } from "../../journal/access.ts";
import type { Transaction } from "../../journal/search/transaction.ts";
import type { TransactionJson } from "../../journal/search/to-json.ts";
import { partFor } from "../../journal/search/scope/part.ts";
import { readFilter, unknownNames } from "../../journal/search/filter/vocabulary.ts";
import { accessBy, note, type AuditParts } from "../audit-parts.ts";
import { cursorsFor, flowsFor, lookUpRefusal, nextFor, placeOf, sightOf, type Sight } from "../flows/scoped-flows.ts";
import { flowStream, type FlowParts } from "../flows/stream-page.ts";
import { json } from "../replies.ts";
import { route, type GuardedRoute, type Route } from "../route.ts";
import { EntryProofs, FLOW_EVENTS, FlowPage, FoundFlow, type Explanation } from "../schemas/flow.ts";
import { narrowed } from "../scope.ts";
import { LIMITED, tooMany, type LookUps } from "./evidence/look-ups.ts";
import { filter, LIMIT, limit, purpose, text, user } from "./parameters.ts";

/** What the gateway knows about one request besides its entries. */
export type Explain = {
  readonly request: (transaction: Transaction) => Promise<Explained>;
  /** What these entries say by themselves: for people who may see no others. */
  readonly part: (entries: Transaction["entries"]) => Explained;
  /** The exchanges that held its lane while it waited; undefined if it did not wait, or if they are not known. */
  readonly waitedFor: (transaction: Transaction) => Promise<readonly Holder[] | undefined>;
  /**
   * Why the journal may have no entry with this id; undefined if there is no reason. `isCertain`: there was no such
   * request.
   */
  readonly absence: (id: string) => Promise<{ readonly why: string; readonly isCertain: boolean } | undefined>;
};

/** `ms`: for how much of the wait it was with OCS. */
type Holder = { readonly transaction: Transaction; readonly ms: number };

type Explained = Omit<Explanation, "switchovers" | "outages" | "stages"> & {
  readonly stages: readonly Explanation["stages"][number][];
  readonly switchovers: readonly TransactionJson[];
  readonly outages: readonly object[];
};

type Deps = {
  readonly audit: AuditParts;
  readonly flows: FlowParts;
  readonly lookUps: LookUps;
  readonly explain: Explain;
};

const search = (path: string, summary: string): GuardedRoute<Deps> =>
  route({
    method: "GET",
    path,
    summary,
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    peers: "too",
    query: z.strictObject({
      filter: filter(),
      cursor: text().describe("The value of next from an earlier page").optional(),
      limit: limit().optional(),
      purpose: purpose(),
      row_cursors: z.literal("true").describe("Also gives the cursor behind each request").optional(),
    }),
    reply: FlowPage,
    others: { 429: `for a filter that names a person: ${LIMITED}`, 503: "the search failed or took too long" },
    answer: async ({ audit, flows, lookUps }: Deps, { viewer, query }) => {
      const sight = sightOf(audit, viewer);
      const filter = readFilter(query.filter, sight.vocabulary);
      const refused = lookUpRefusal(viewer, query.filter);
      if (refused) return refused;
      const tokens = tokensIn(query.filter);
      const taken = tokens && lookUps.take(viewer, allTokensIn(query.filter));
      const limited = taken && tooMany(taken);
      if (limited) return limited;
      const answer = await audit.ask({
        kind: "page",
        filter: query.filter,
        names: unknownNames(filter, sight.vocabulary),
        before: placeOf(sight, flows, query.cursor),
        limit: query.limit ?? LIMIT,
        scope: sight.scope,
      });
      if (tokens)
        await note(audit.record, {
          ...accessBy(viewer),
          operation: "look-up",
          query: narrowed(query.filter, viewer),
          purpose: query.purpose,
          results: answer.transactions?.length,
          tokens,
        });
      const { transactions = [], next, searched, warnings = [] } = answer;
      return json(
        200,
        {
          requests: flowsFor(sight, transactions),
          next: nextFor(sight, flows, next),
          ...(query.row_cursors && { row_cursors: cursorsFor(sight, flows, transactions) }),
          ...(searched && { searched }),
          warnings,
        },
        taken?.headers,
      );
    },
  });

const one = (path: `${string}/{id}`, summary: string): GuardedRoute<Deps> =>
  route({
    method: "GET",
    path,
    summary,
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    peers: "too",
    reply: FoundFlow,
    others: {
      404: "the journal has no request with this id, or it may not be seen",
      503: "the search failed or took too long",
    },
    answer: async ({ audit, explain }: Deps, { viewer, params: { id } }) => {
      const sight = sightOf(audit, viewer);
      const { transactions = [] } = await audit.ask({ kind: "transaction", id, scope: sight.scope });
      const [transaction, ...others] = transactions;
      if (!transaction) {
        const error = "the journal has no request with this id";
        if (sight.scope) return json(404, { error });
        const absence = await explain.absence(id);
        return json(
          404,
          absence ? { error: `${error}: ${absence.why}`, certain: absence.isCertain } : { error, certain: true },
        );
      }
      const isOne = others.length === 0;
      return json(200, {
        requests: flowsFor(sight, transactions),
        explanation: isOne ? await explained(explain, sight, transaction) : null,
        waited_for: isOne ? holdersFor(sight, await explain.waitedFor(transaction)) : null,
      });
    },
  });

/** That somebody else held the lane is all that people of some tenants learn, however many they were. */
const holdersFor = (sight: Sight, holders: readonly Holder[] | undefined) => {
  if (!holders) return null;
  const seen = holders.map(({ transaction, ms }) => ({ request: flowsFor(sight, [transaction])[0] ?? null, ms }));
  const own = seen.filter(({ request }) => request !== null);
  return own.length === seen.length ? own : [...own, { request: null, ms: null }];
};

/** A whole explanation names settings, checkpoints and what else happened. */
const explained = async (explain: Explain, { scope }: Sight, transaction: Transaction): Promise<Explained | null> => {
  if (!scope) return explain.request(transaction);
  const part = partFor(scope, transaction);
  return part ? explain.part(part.entries) : null;
};

export const FLOW_ROUTES: readonly Route<Deps>[] = [
  search("/api/flows", "A page of flows that match a filter, newest first"),
  search("/api/audit/search", "Older name of `GET /api/flows`"),
  one("/api/flows/{id}", "One request with its outcome, in plain words too, by its id or its beginning"),
  one("/api/requests/{id}", "Older name of `GET /api/flows/{id}`"),
  route({
    method: "GET",
    path: "/api/flows/{id}/proofs",
    summary: "The lines of one request, and what proves that the signed journal has them",
    roles: ["viewer", "operator", "auditor"],
    // A path and a checkpoint say how many entries all tenants have.
    scope: "whole-gateway",
    reply: EntryProofs,
    others: { 404: "the journal has no request with this id", 503: "the search failed or took too long" },
    answer: async ({ audit }: Deps, { params: { id } }) => {
      const { proofs } = await audit.ask({ kind: "proofs", id });
      return proofs ? json(200, proofs) : json(404, { error: "the journal has no request with this id" });
    },
  }),
  route({
    method: "GET",
    path: "/api/flows/stream",
    summary: "Flows as they happen, as server-sent events; Last-Event-ID continues after an event",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    query: z.strictObject({ filter: filter(), purpose: purpose(), user: user() }),
    headers: { "Last-Event-ID": "The id of the last event that the client got; the stream continues after it" },
    reply: { media: "text/event-stream", is: "Server-sent events, by name", events: FLOW_EVENTS },
    others: {
      410: "the cursor is too old: search the journal",
      429: `for a filter that names a person: ${LIMITED}`,
      503: "no stream can be opened now, or its opening cannot be journaled",
    },
    answer: flowStream,
  }),
];
