/** Who read the journal over the console, the API and the command line, who took data out of it, and who logged in. */
import { z } from "zod";
import { OPERATIONS, SESSION_OPERATIONS } from "../../../journal/access.ts";
import type { DeletedKinds } from "../../../journal/entry.ts";
import type { Searched } from "../../../journal/search/journal-search.ts";
import { describeDeletedKinds, describeSetAside } from "../../../journal/search/missing-segments.ts";
import { cursorOf } from "../../../journal/search/to-json.ts";
import type { Transaction } from "../../../journal/search/transaction.ts";
import type { AuditParts } from "../../audit-parts.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { count, time } from "../../schemas/basics.ts";
import { cursor, limit, pageAt, text } from "../parameters.ts";
import { timesIn, TIME_FROM, TIME_TO } from "./times.ts";

type Deps = { readonly audit: AuditParts };

const ALL = [...OPERATIONS, ...SESSION_OPERATIONS] as const;

const name = () => z.string().optional();

export const AccessRow = z
  .strictObject({
    index: count().describe("Of the journal entry"),
    time: time(),
    user: z.string(),
    behind: z
      .strictObject({ login: name(), sudo: name(), doas: name(), pkexec: name() })
      .optional()
      .describe("The login behind the account, by how it is known"),
    role: z.string().optional().describe("The roles of a person with a session"),
    operation: z.string(),
    query: z.string().optional().describe("The filter, with tokens in place of a number or id"),
    purpose: z.string().optional(),
    results: count()
      .optional()
      .describe("How many were found; of a verification, how many entries it covers; of a proof, its requests"),
    person: z.boolean().describe("A person was looked up"),
    verdict: z.string().optional().describe("Of a verification or a proof of isolation that has ended"),
    digest: z.string().optional().describe("SHA-256 of the report of a proof of isolation"),
    source: z.string().optional().describe("The address of a login; * for several"),
    reason: z.string().optional().describe("Why a login failed"),
    count: count().optional().describe("How many failed logins the entry counts"),
  })
  .meta({ id: "AccessRow" });
export type AccessRow = z.infer<typeof AccessRow>;

export const AccessPage = z
  .strictObject({
    accesses: z.array(AccessRow).describe("Newest first"),
    next: z.string().nullable().describe("The cursor of the next page, which may be empty; null on the last one"),
    not_covered: z
      .array(z.string())
      .describe("Why accesses may be missing: entries that were deleted or cannot be read"),
  })
  .meta({ id: "AccessPage" });
export type AccessPage = z.infer<typeof AccessPage>;

/** Entries that one question looks at; those of a rare user are on several pages. */
const MOST_LOOKED = 2000;
const PAGE = 200;

export const ACCESS_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/access",
    summary: "Who read the journal, took data out of it, or logged in, newest first",
    roles: ["auditor"],
    scope: "whole-gateway",
    query: z.strictObject({
      operation: z.enum(ALL).describe("Default: all").optional(),
      user: text().describe("The whole name of the user").optional(),
      from: TIME_FROM.optional(),
      to: TIME_TO.optional(),
      cursor: cursor().optional(),
      limit: limit().optional(),
    }),
    reply: AccessPage,
    others: { 503: "the search failed or took too long" },
    answer: async ({ audit }: Deps, { query }) => {
      const { operation = ALL.join(","), user } = query;
      const filter = `kind:access action:${operation} ${timesIn(query)}`.trim();
      const { before, limit: wanted } = pageAt(query);
      const found = await search(audit.ask, { filter, before, wanted, user });
      return json(200, { ...found, next: cursorOf(found.next) } satisfies AccessPage);
    },
  }),
];

type Search = {
  readonly filter: string;
  readonly before: number | undefined;
  readonly wanted: number;
  readonly user: string | undefined;
};
type Found = Omit<AccessPage, "next"> & { readonly next: number | undefined };

const search = async (ask: AuditParts["ask"], { filter, before, wanted, user }: Search): Promise<Found> => {
  const accesses: AccessRow[] = [];
  let [from, looked] = [before, 0];
  for (;;) {
    const {
      transactions = [],
      next,
      searched,
    } = await ask({
      kind: "page",
      filter,
      names: [],
      ...(from !== undefined && { before: from }),
      limit: user === undefined ? wanted : PAGE,
    });
    const not_covered = notCovered(searched);
    for (const [place, each] of transactions.entries()) {
      const row = rowOf(each);
      if (!row || (user !== undefined && row.user !== user)) continue;
      accesses.push(row);
      const isLast = place === transactions.length - 1 && next === undefined;
      if (accesses.length === wanted) return { accesses, next: isLast ? undefined : each.at, not_covered };
    }
    looked += transactions.length;
    if (next === undefined || looked >= MOST_LOOKED) return { accesses, next, not_covered };
    from = next;
  }
};

const rowOf = ({ entries: [entry] }: Transaction): AccessRow | undefined => {
  if (entry?.kind !== "access") return undefined;
  const { index, time: at, user, behind, role, operation, query, purpose, results, tokens, verdict } = entry;
  const { source, reason, count: counted, digest } = entry;
  return {
    index,
    time: at,
    user,
    ...given({ behind, role, query, purpose, results, verdict, source, reason, count: counted, digest }),
    operation,
    person: tokens !== undefined,
  };
};

/** Without members that are undefined. */
const given = <Members extends object>(members: Members): { [Key in keyof Members]?: NonNullable<Members[Key]> } =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;

const notCovered = (searched: Searched | undefined): string[] => [
  ...(searched?.set_aside ?? []).map(describeSetAside),
  ...(searched?.deleted_to === undefined ? [] : [`entries up to ${searched.deleted_to} are deleted (audit.retention)`]),
  ...describeDeletedKinds(accessesIn(searched?.deleted_kinds)).map(({ text: says }) => says),
];

const accessesIn = ({ access }: DeletedKinds = {}): DeletedKinds => (access ? { access } : {});
