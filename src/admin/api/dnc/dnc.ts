/** Do-Not-Calls: those that OCS has not confirmed, notes about them, and the ledger of a month. */
import { z } from "zod";
import { purposeFault } from "../../../journal/access.ts";
import { HANDLED, queryFor } from "../../../journal/open-dnc/handled-notes.ts";
import { lostText, openDncCoverage, type OpenDncCoverage } from "../../../journal/search/dnc/open-coverage.ts";
import { MONTH } from "../../../journal/search/dnc/ledger.ts";
import { describeSetAside } from "../../../journal/search/missing-segments.ts";
import { openDncOf, type OpenDnc } from "../../../journal/search/open-dnc.ts";
import { InvalidQuestion } from "../../../journal/search/worker/search-worker.ts";
import { accessBy, note, type AuditParts } from "../../audit-parts.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { gapsFor, isScoped, maySee, narrowed, tenantsOf } from "../../scope.ts";
import type { Viewer } from "../../viewer.ts";
import { limit, text, user } from "../parameters.ts";

type Deps = { readonly audit: AuditParts };

const MOST_OPEN = 1000;
const time = () => z.string().describe("RFC 3339");

export const OpenItem = z.strictObject({
  tenant: z.string().nullable().describe("Null if the client acts for several tenants and named none"),
  tenant_dbid: z.number().nullable(),
  upstream: z.string().nullable(),
  epoch: z.number().nullable().describe("Of a record handle"),
  number: z.string().nullable().describe("As in the journal: masked, or a token"),
  resource: z.string(),
  token: z.string().nullable(),
  campaign: z.string().nullable().describe("Null: all campaigns of the tenant"),
  list: z.string().nullable(),
  chain: z.string().nullable().describe("AllChain, RecordOnly, or null"),
  first: time(),
  last: time(),
  age: z.number().describe("Milliseconds since the first request"),
  tries: z.number(),
  clients: z.array(z.string()),
  ended: z.string().describe("How the last attempt ended, with its status or code"),
  id: z.string().describe("Request id of the last attempt"),
  handled: z
    .strictObject({ by: z.string(), at: time(), note: z.string(), entry: z.number().optional() })
    .nullable()
    .describe("A note after the last attempt that it was handled by other means; it stays open"),
});

export const OpenDncs = z.strictObject({
  open: z.array(OpenItem).describe("Oldest first"),
  total: z.number().describe("How many are open, if limit leaves some out"),
  handled: z.number().describe("How many of them have a note"),
  complete: z
    .boolean()
    .describe(
      "False: further ones may be open, or other gateways have not said what OCS confirmed, as not_covered says",
    ),
  not_covered: z.array(z.string()),
});

export type OpenDncs = z.infer<typeof OpenDncs>;

const Gap = z.strictObject({ from: z.string(), to: z.string(), reason: z.string() });
const numbers = z.tuple([z.number(), z.number()]).describe("The first and the last number of a range");

export const Ledger = z.strictObject({
  month: z.string(),
  rows: z
    .array(
      z.strictObject({
        upstream: z.string().nullable(),
        tenant: z.string().nullable(),
        tenant_dbid: z.number().nullable(),
        asked: z.number().describe("Requests of the month"),
        confirmed: z.number().describe("OCS answered 200"),
        ocs_refused: z.number().describe("OCS answered otherwise"),
        not_sent: z.number().describe("Refused by the gateway, or taken back before they were sent"),
        accepted: z.number().describe("Accepted with 202, and not confirmed in the month"),
        attempts: z
          .number()
          .describe("Attempts to send accepted ones, which have numbers and are not counted in asked"),
        unknown: z.number().describe("It is not known what OCS did"),
        repeated: z.number().describe("Repetitions of a refused request within a minute; they have no numbers"),
        open: z.number().describe("First requested in the month, and still open"),
        sequence: z.string().nullable().describe("Upstream and DBID, within which Do-Not-Calls are numbered"),
        first: z.number().nullable(),
        last: z.number().nullable(),
        missing: z.array(numbers).describe("Numbers without an entry"),
        complete: z
          .enum(["yes", "no", "unknown"])
          .describe("Whether all numbers have an entry, from the last one of the months before to last"),
      }),
    )
    .describe("By sequence"),
  gaps: z.array(Gap).describe("Parts of the month without entries"),
  months: z.strictObject({ first: z.string(), last: z.string() }).nullable().describe("Months with entries"),
});

export type Ledger = z.infer<typeof Ledger>;

const MONTH_EXPECTED = "expected a month, for example 2026-11";
const NOTE_EXPECTED = "expected how the Do-Not-Call was handled, up to 500 characters on one line";
const SEARCH_FAILED = "the search failed or took too long";

const open = route({
  method: "GET",
  path: "/api/dnc/open",
  summary: "Do-Not-Calls that OCS has not confirmed, oldest first",
  roles: ["auditor"],
  scope: "by-tenant",
  peers: "too",
  query: z.strictObject({ limit: limit().default(MOST_OPEN) }),
  reply: OpenDncs,
  others: { 503: SEARCH_FAILED },
  answer: async ({ audit }: Deps, { viewer, query }) => {
    const { transactions = [], notes } = await audit.ask({ kind: "open-dnc" });
    const all = openDncOf(transactions, Date.now(), notes).filter(({ tenant_dbid: dbid }) => maySee(viewer, dbid));
    const coverage = await openDncCoverage(audit.ask, (filter) => narrowed(filter, viewer));
    const elsewhere = audit.elsewhere?.() ?? [];
    return json(200, {
      open: all.slice(0, query.limit).map((each) => itemFor(viewer, each)),
      total: all.length,
      handled: all.filter(({ handled }) => handled !== null).length,
      complete: coverage.isComplete && elsewhere.length === 0,
      not_covered: [...notCovered(viewer, coverage), ...elsewhere],
    } satisfies z.infer<typeof OpenDncs>);
  },
});

const itemFor = (viewer: Viewer, { clients, handled, ...item }: OpenDnc): z.infer<typeof OpenItem> => {
  const { entry, ...shown } = handled ?? { by: "", at: "", note: "", entry: 0 };
  return {
    ...item,
    clients: [...clients],
    handled: handled && { ...shown, ...(!isScoped(viewer) && { entry }) },
  };
};

const notCovered = (viewer: Viewer, { unlisted, setAside }: OpenDncCoverage): string[] => [
  ...unlisted.map(({ says, saysLittle }) => (isScoped(viewer) ? saysLittle : says)),
  ...setAside.map((each) =>
    isScoped(viewer)
      ? `entries from ${each.oldest ?? "the beginning"} to ${each.youngest ?? "now"} cannot be read`
      : `${describeSetAside(each)}: ${lostText(each)}`,
  ),
];

const ledger = route({
  method: "GET",
  path: "/api/dnc/ledger",
  summary: "The Do-Not-Calls of a month by tenant, and whether their numbers are complete",
  roles: ["auditor"],
  scope: "by-tenant",
  peers: "too",
  query: z.strictObject({
    month: text().regex(MONTH, MONTH_EXPECTED).describe("UTC, as 2026-11; default: this month").optional(),
  }),
  reply: Ledger,
  others: { 503: SEARCH_FAILED },
  answer: async ({ audit }: Deps, { viewer, query: { month = new Date().toISOString().slice(0, 7) } }) => {
    const { ledger: found } = await audit.ask({ kind: "dnc-ledger", month, tenants: tenantsOf(viewer) });
    return json(200, { month, ...found!, gaps: gapsFor(viewer, found!.gaps) });
  },
});

const noteHandled = route({
  method: "POST",
  path: "/api/dnc/{id}/note",
  summary: "Notes that an open Do-Not-Call was handled by other means; it stays open until OCS answers 200",
  roles: ["auditor"],
  scope: "by-tenant",
  body: z.strictObject({ note: z.string(NOTE_EXPECTED), user: user() }),
  reply: z.strictObject({ id: z.string(), note: z.string() }),
  others: {
    404: "no open Do-Not-Call has a last attempt with this id",
    503: `${SEARCH_FAILED}, or the note cannot be journaled`,
  },
  answer: async ({ audit }: Deps, { viewer, params: { id }, body }) => {
    const fault = purposeFault(body.note);
    if (fault !== undefined) throw new InvalidQuestion(fault.replace(/^purpose/, "note"));
    const by = accessBy(viewer, body.user);
    const { transactions = [] } = await audit.ask({ kind: "open-dnc" });
    const item = openDncOf(transactions).find((each) => each.id === id && maySee(viewer, each.tenant_dbid));
    if (!item) return json(404, { error: "no open Do-Not-Call has a last attempt with this id" });
    await note(audit.record, { ...by, operation: HANDLED, query: queryFor(id), purpose: body.note });
    return json(200, { id, note: body.note });
  },
});

export const DNC_ROUTES: readonly Route<Deps>[] = [open, ledger, noteHandled];
