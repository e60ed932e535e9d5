/** Searches of the journals of all nodes: pages of flows, look-ups of a person, and one request by its id. */
import { z } from "zod";
import { readFilter } from "../../../journal/search/filter/vocabulary.ts";
import { describeSetAside } from "../../../journal/search/missing-segments.ts";
import type { AuditParts } from "../../audit-parts.ts";
import { lookUpRefusal, sightOf } from "../../flows/scoped-flows.ts";
import type { AllAnswers, NodeQuestion } from "../../peers/nodes.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import type { Evidence, Flow } from "../../schemas/flow.ts";
import { NodeFlows, NodeFoundFlow, NodeLookUp } from "../../schemas/nodes.ts";
import { filter, LIMIT, limit, purpose, text, user } from "../parameters.ts";
import { namedBy, NO_SHARED, noShared, type NodeDeps } from "./node-deps.ts";
import { readAnswer, stateOf, wholeOf, type Read } from "./answers.ts";
import { mergePages, readPlaces, type NodePage, type Places } from "./merged-pages.ts";

type Deps = NodeDeps & { readonly audit: AuditParts };

/** Of what a node answers, the members that are read here; all others are handed on. */
const page = {
  requests: z.array(z.looseObject({ time: z.string(), entries: z.array(z.looseObject({ kind: z.string() })) })),
  next: z.string().nullable(),
  row_cursors: z.array(z.string()),
  warnings: z.array(z.string()).default([]),
};

const isWhole = ({ requests, row_cursors: cursors }: { requests: unknown[]; row_cursors: unknown[] }): boolean =>
  requests.length === cursors.length;

const SetAside = z.looseObject({
  from: z.number(),
  to: z.number(),
  oldest: z.string().nullable(),
  youngest: z.string().nullable(),
  entry: z.number().nullable(),
  lost: z.number().nullable(),
});
const Page = z
  .object({ ...page, searched: z.looseObject({ set_aside: z.array(SetAside) }).optional() })
  .refine(isWhole);
type Page = z.infer<typeof Page>;
const PersonPage = z.object({ ...page, evidence: z.looseObject({ complete: z.boolean() }).optional() }).refine(isWhole);
type PersonPage = z.infer<typeof PersonPage>;

const NEXT = "The value of next from an earlier page";
/** Places in all journals. */
const cursor = () => z.string().max(8000).describe(NEXT);

const FAILED = "the own journal cannot be searched, or the access cannot be journaled";

const flows = route({
  method: "GET",
  path: "/api/nodes/flows",
  summary: "A page of flows of all nodes that match a filter, newest first",
  roles: ["viewer", "operator", "auditor"],
  scope: "by-tenant",
  query: z.strictObject({
    filter: filter(),
    cursor: cursor().optional(),
    limit: limit().optional(),
    purpose: purpose(),
    user: user(),
  }),
  reply: NodeFlows,
  others: { 404: NO_SHARED, 429: "too many look-ups, for a filter that names a person", 503: FAILED },
  answer: async ({ nodes, here, audit }: Deps, { viewer: asker, query, gone }) => {
    if (!nodes) return noShared();
    const viewer = namedBy(asker, query.user);
    readFilter(query.filter, sightOf(audit, viewer).vocabulary);
    const refused = lookUpRefusal(viewer, query.filter);
    if (refused) return refused;
    const { limit: most = LIMIT, filter: wanted, purpose: why } = query;
    const places = readPlaces(query.cursor);
    const questionFor = pageOf(places, (place) => ({
      method: "GET",
      target: `/api/flows?${new URLSearchParams({
        filter: wanted,
        limit: String(most),
        row_cursors: "true",
        ...(place !== undefined && { cursor: place }),
        ...(why !== undefined && { purpose: why }),
      }).toString()}`,
    }));
    const answered = await nodes.askAll(here, questionFor, { viewer, gone });
    if ("refused" in answered) return answered.refused;
    const reads = answered.answers.map(readAnswer(Page));
    const lacks = ({ searched }: Page): string[] => (searched?.set_aside ?? []).map(describeSetAside);
    return json(200, {
      ...merged(reads, most, places),
      ...wholeOf(reads, answered.trouble, lacks),
      nodes: reads.map((read) => ({
        ...stateOf(read, (value) => lacks(value).length === 0),
        searched: ("value" in read ? (read.value.searched as NodeFlows["nodes"][number]["searched"]) : null) ?? null,
        warnings: "value" in read ? read.value.warnings : [],
      })),
    } satisfies NodeFlows);
  },
});

/** A gateway whose last page was read is asked no more. */
const pageOf =
  (places: Places, question: (place: string | undefined) => NodeQuestion) =>
  (node: string): NodeQuestion | undefined => {
    const place = Object.hasOwn(places, node) ? places[node] : undefined;
    return place === null ? undefined : question(place);
  };

const merged = (reads: readonly Read<Page | PersonPage>[], limit: number, places: Places) => {
  const pages = reads.flatMap((read): NodePage<Flow>[] =>
    "value" in read
      ? [
          {
            node: read.node,
            rows: read.value.requests as unknown as Flow[],
            cursors: read.value.row_cursors,
            next: read.value.next,
          },
        ]
      : [],
  );
  const { rows, next } = mergePages(pages, limit, places);
  return { requests: rows, next };
};

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

const lookUp = route({
  method: "POST",
  path: "/api/nodes/look-up",
  summary: "Everything that the journals of all nodes have about one person, by phone number or customer id",
  roles: ["auditor"],
  scope: "by-tenant",
  body: LookUp,
  reply: NodeLookUp,
  others: { 404: NO_SHARED, 429: "too many look-ups", 503: FAILED },
  answer: async ({ nodes, here }: Deps, { viewer: asker, body, gone }) => {
    if (!nodes) return noShared();
    const { user: claimed, cursor: given, limit: most, ...asked } = body;
    const viewer = namedBy(asker, claimed);
    const places = readPlaces(given ?? undefined);
    const questionFor = pageOf(places, (place) => ({
      method: "POST",
      target: "/api/audit/look-up",
      body: { ...asked, limit: most ?? LIMIT, row_cursors: true, ...(place !== undefined && { cursor: place }) },
    }));
    const answered = await nodes.askAll(here, questionFor, { viewer, gone });
    if ("refused" in answered) return answered.refused;
    const reads = answered.answers.map(readAnswer(PersonPage));
    const isComplete = ({ evidence }: PersonPage): boolean => evidence?.complete === true;
    const lacks = (value: PersonPage): string[] =>
      isComplete(value) ? [] : ["requests of this person may exist that its search cannot find"];
    return json(200, {
      ...merged(reads, most ?? LIMIT, places),
      ...wholeOf(reads, answered.trouble, lacks),
      nodes: reads.map((read) => ({
        ...stateOf(read, isComplete),
        evidence: ("value" in read ? (read.value.evidence as z.infer<typeof Evidence> | undefined) : null) ?? null,
        warnings: "value" in read ? read.value.warnings : [],
      })),
    } satisfies NodeLookUp);
  },
});

const Found = z.looseObject({ requests: z.array(z.looseObject({ time: z.string() })) });

const one = route({
  method: "GET",
  path: "/api/nodes/flows/{id}",
  summary: "One request with its outcome, by its id or its beginning, from the node that has it",
  roles: ["viewer", "operator", "auditor"],
  scope: "by-tenant",
  query: z.strictObject({ user: user() }),
  reply: NodeFoundFlow,
  others: { 404: NO_SHARED, 503: FAILED },
  answer: async ({ nodes, here }: Deps, { viewer: asker, params: { id }, query, gone }) => {
    if (!nodes) return noShared();
    const viewer = namedBy(asker, query.user);
    const question = { method: "GET", target: `/api/flows/${id}` } as const;
    const answered: AllAnswers = await nodes.askAll(here, () => question, { viewer, gone });
    if ("refused" in answered) return answered.refused;
    const reads = answered.answers.map(readAnswer(Found));
    const found = reads.flatMap((read) =>
      "value" in read ? [{ ...(read.value as unknown as NodeFoundFlow["found"][number]), node: read.node }] : [],
    );
    return json(200, {
      found,
      ...wholeOf(reads, answered.trouble, () => []),
      nodes: reads.map((read) => ({
        ...stateOf(read, () => true),
        absent: "absent" in read ? read.absent.says : null,
      })),
    } satisfies NodeFoundFlow);
  },
});

export const NODE_SEARCH_ROUTES: readonly Route<Deps>[] = [flows, lookUp, one];
