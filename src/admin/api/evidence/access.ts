/** Who read the journal over the console, the API and the command line, who took data out of it, and who logged in. */
import { z } from "zod";
import { OPERATIONS, SESSION_OPERATIONS } from "../../../journal/access.ts";
import { cursorOf } from "../../../journal/search/to-json.ts";
import type { Transaction } from "../../../journal/search/transaction.ts";
import type { AuditParts } from "../../audit-parts.ts";
import { rowsOfEntries } from "../../entry-rows.ts";
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
    node: z.string().optional().describe("The gateway that the user asked, if that is another one"),
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

/** Entries read at once to find those of one user. */
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
      const { before, limit: wanted } = pageAt(query);
      const { rows, next, not_covered } = await rowsOfEntries(audit.ask, {
        kinds: ["access"],
        filter: `action:${operation} ${timesIn(query)}`,
        before,
        wanted,
        atOnce: user === undefined ? wanted : PAGE,
        rowOf: (each) => {
          const row = rowOf(each);
          return user === undefined || row?.user === user ? row : undefined;
        },
      });
      return json(200, { accesses: [...rows], next: cursorOf(next), not_covered } satisfies AccessPage);
    },
  }),
];

const rowOf = ({ entries: [entry] }: Transaction): AccessRow | undefined => {
  if (entry?.kind !== "access") return undefined;
  const { index, time: at, user, behind, role, operation, query, purpose, results, tokens, verdict } = entry;
  const { source, reason, count: counted, digest, node } = entry;
  return {
    index,
    time: at,
    user,
    ...given({ behind, role, query, purpose, results, verdict, source, reason, count: counted, digest, node }),
    operation,
    person: tokens !== undefined,
  };
};

/** Without members that are undefined. */
const given = <Members extends object>(members: Members): { [Key in keyof Members]?: NonNullable<Members[Key]> } =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
