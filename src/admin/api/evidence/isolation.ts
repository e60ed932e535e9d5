/** What separates the tenants, resource by resource, in the config in force, and what was refused for it today. */
import { z } from "zod";
import type { Counted } from "../../../journal/search/journal-search.ts";
import type { AuditParts } from "../../audit-parts.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { count, texts, time } from "../../schemas/basics.ts";

export const STRENGTHS = ["enforced", "alone", "off", "outside", "not-enforceable"] as const;

export const Barrier = z
  .strictObject({
    resource: z.string().describe("What is separated, for example records"),
    upstreams: texts().describe("Those that it is about; empty: all"),
    strength: z
      .enum(STRENGTHS)
      .describe(
        "enforced: the gateway checks each request. alone: there is no other tenant. off: the config leaves it out. " +
          "outside: it depends on something else than the gateway. not-enforceable: nothing separates the tenants",
      ),
    by: z.string().describe("What separates the tenants"),
    gap: z.string().nullable().describe("What can happen all the same; null: nothing"),
    tenants: z.strictObject({ count: count(), names: texts().describe("Some of them, in the order of the config") }),
    settings: texts().describe("Paths in the config that decide it; some of them"),
    refused: z
      .strictObject({
        count: count(),
        more: z.boolean().describe("There are more than counted"),
        filter: z.string().describe("Finds them with `GET /api/flows`"),
      })
      .nullable()
      .describe("Requests refused today for it; null: not counted"),
  })
  .meta({ id: "Barrier" });

export const Isolation = z
  .strictObject({
    time: time(),
    since: time().describe("Refusals are counted from here: the beginning of the day"),
    tenants: count(),
    observing: count().describe("Tenants with `mode: observe`; isolation is enforced for them too"),
    barriers: z.array(Barrier),
    floods: count()
      .nullable()
      .describe("Entries of today that count refusals without an entry of their own, which `refused` leaves out"),
    not_counted: z.string().nullable().describe("Why the refusals could not be counted"),
  })
  .meta({ id: "Isolation" });
export type Isolation = z.infer<typeof Isolation>;

/** What the config says. `refusedAs`: a filter for the refusals, without a time. */
export type BarrierFacts = Omit<z.infer<typeof Barrier>, "refused"> & { readonly refusedAs: string | null };

export type IsolationFacts = {
  readonly tenants: number;
  readonly observing: number;
  readonly barriers: readonly BarrierFacts[];
};

type Deps = { readonly audit: Pick<AuditParts, "ask">; readonly isolation: () => IsolationFacts };

export const ISOLATION_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/isolation",
    summary: "What separates the tenants, resource by resource, and what was refused for it today",
    roles: ["auditor", "operator"],
    scope: "whole-gateway",
    reply: Isolation,
    answer: async ({ audit, isolation }: Deps) => {
      const now = new Date().toISOString();
      const day = now.slice(0, 10);
      const { barriers, ...rest } = isolation();
      const asked = barriers.map(({ refusedAs }) => (refusedAs === null ? null : `${refusedAs} time:${day}`));
      const { counts, failed } = await countsOf(audit, [...asked, `kind:flood time:${day}`]);
      return json(200, {
        time: now,
        since: `${day}T00:00:00.000Z`,
        ...rest,
        barriers: barriers.map((facts, at) => barrierOf(facts, refusedOf(asked[at], counts))),
        floods: counts.get(`kind:flood time:${day}`)?.count ?? null,
        not_counted: failed,
      } satisfies Isolation);
    },
  }),
];

type BarrierRow = z.infer<typeof Barrier>;

const barrierOf = ({ refusedAs, ...facts }: BarrierFacts, refused: BarrierRow["refused"]): BarrierRow => ({
  ...facts,
  refused: refusedAs === null ? null : refused,
});

type Counts = ReadonlyMap<string, Counted>;

const refusedOf = (filter: string | null | undefined, counts: Counts): BarrierRow["refused"] => {
  const counted = counts.get(filter ?? "");
  return filter && counted ? { count: counted.count, more: counted.more === true, filter } : null;
};

/** By filter. The page is also needed when the journal cannot be searched. */
const countsOf = async (
  { ask }: Pick<AuditParts, "ask">,
  asked: readonly (string | null)[],
): Promise<{ readonly counts: Counts; readonly failed: string | null }> => {
  const filters = [...new Set(asked.filter((filter) => filter !== null))];
  try {
    const { counts = [] } = await ask({ kind: "counts", filters });
    return { counts: new Map(counts.map((each, at) => [filters[at]!, each])), failed: null };
  } catch (error) {
    return { counts: new Map(), failed: (error as Error).message };
  }
};
