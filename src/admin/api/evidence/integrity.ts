/** What is verified of the journal and up to where, its checkpoints, its segments by day, and its gaps. */
import { z } from "zod";
import type { CheckpointPage } from "../../../journal/integrity/checkpoints/list-checkpoints.ts";
import { cursorOf, readCursor } from "../../../journal/search/to-json.ts";
import type { Answer } from "../../../journal/search/worker/messages.ts";
import type { SegmentRow } from "../../../journal/search/segment-rows.ts";
import type { AuditParts } from "../../audit-parts.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { cursor, limit } from "../parameters.ts";
import type { VerificationParts } from "./verifications.ts";

const count = z.number();
const time = z.string().describe("RFC 3339");
const ms = z.number().describe("Milliseconds");

export const Integrity = z.strictObject({
  state: z
    .enum(["verified", "not-checked", "broken"])
    .describe("broken: something was changed. not-checked: nothing is verified yet"),
  entries: count.describe("In the journal"),
  verified: z
    .strictObject({
      size: count,
      at: time,
      began: time.describe("When it read the first entry again"),
      by: z.string().nullable().describe("Who started the verification; null: the gateway, in the background"),
    })
    .nullable()
    .describe("The gateway read all entries below size again and found them as signed"),
  pending: count.describe("Entries after the verified ones"),
  damage: z.array(z.string()).describe("What the gateway found changed, one sentence each"),
  checkpoint: z.strictObject({ size: count, age: ms, every: ms }),
  unsigned: count.describe("Entries after the last checkpoint"),
  keys: z
    .array(z.strictObject({ name: z.string(), verifier_key: z.string(), current: z.boolean() }))
    .describe("The keys that signed, oldest first, as the directory names them"),
  sinks: z.array(
    z.strictObject({
      name: z.string(),
      arrives: z.boolean().nullable().describe("Whether the last checkpoint arrived; null before the first"),
      waiting: count,
    }),
  ),
  witnesses: z.array(
    z.strictObject({ witness: z.string(), size: count, age: ms.nullable(), trouble: z.string().nullable() }),
  ),
  quorum: z.strictObject({ needed: count, met: z.boolean(), size: count }).nullable(),
  timestamp: z.strictObject({ url: z.string(), size: count.nullable(), trouble: z.string().nullable() }).nullable(),
  troubles: z.array(z.string()),
  searched: z
    .strictObject({ from: count, to: count, first: time.nullable(), last: time.nullable() })
    .nullable()
    .describe("The entries that can be searched; null if the search failed, as troubles says"),
  gaps: z
    .array(z.strictObject({ from: z.string(), to: z.string(), reason: z.string() }))
    .nullable()
    .describe("Periods without entries; null if the search failed"),
  last_verification: z
    .strictObject({
      began: time,
      at: time.describe("When it ended"),
      by: z.string(),
      verdict: z.enum(["ok", "broken", "cannot-tell"]),
      covered: count.describe("Entries that it covers"),
    })
    .nullable()
    .describe("The last complete one that somebody started"),
  running: z.string().nullable().describe("The id of the verification that runs"),
  check_yourself: z.string().describe("The command that verifies the journal"),
  cannot_prove: z.array(z.string()),
});
export type Integrity = z.infer<typeof Integrity>;

export type IntegrityState = Omit<
  Integrity,
  "state" | "pending" | "unsigned" | "searched" | "gaps" | "last_verification" | "running"
>;

export type LastVerification = NonNullable<Integrity["last_verification"]>;

export type IntegrityParts = {
  readonly state: () => Promise<IntegrityState>;
  /** The last complete verification that somebody started, also before this run. */
  readonly lastVerification: () => Promise<LastVerification | null>;
  /**
   * What the header says, without a search. A verification before this run is known once somebody asked for it. `at`:
   * milliseconds since 1970. `damage`: one sentence for each part that was changed.
   */
  readonly reached: () => {
    readonly verified: { readonly size: number; readonly at: number } | null;
    readonly damage: readonly string[];
  };
  readonly checkpoints: (page: {
    readonly before?: number | undefined;
    readonly limit: number;
  }) => Promise<CheckpointPage>;
  /** Ascending. */
  readonly checkpointSizes: () => Promise<readonly number[]>;
};

type Deps = {
  readonly audit: AuditParts;
  readonly integrity: IntegrityParts;
  readonly verifications: Pick<VerificationParts, "running">;
};

export const CheckpointRows = z.strictObject({
  checkpoints: z.array(
    z.strictObject({
      size: count.describe("Entries that it covers"),
      time: time.describe("Of the file, RFC 3339"),
      root: z.string().nullable().describe("In hex; null if the file is not a checkpoint"),
      key: z.string().nullable().describe("Whose signature is valid; null if no known key signed it"),
      cosigned: z.array(
        z.strictObject({
          witness: z.string(),
          time: time.nullable(),
          valid: z.boolean().nullable().describe("Null: this gateway does not support the algorithm"),
        }),
      ),
      timestamp: z.strictObject({ time, signer: z.string(), trusted: z.boolean() }).nullable(),
      published: z.array(z.string()).describe("The sinks that have it"),
    }),
  ),
  next: z.string().nullable(),
  total: count.describe("Of old days only some are kept"),
});

export type CheckpointRows = z.infer<typeof CheckpointRows>;

export const Days = z.strictObject({
  days: z.array(
    z.strictObject({
      day: z.string().nullable().describe("UTC, as 2026-11-22; null: deleted or set aside, with unknown times"),
      from: count.describe("Index of the first entry"),
      to: count.describe("Index after the last one"),
      segments: count,
      compressed: count,
      bytes: count,
      lines: z.boolean().describe("False: only leaf hashes are left"),
      verified: z.enum(["yes", "partly", "no"]),
      checkpoint: count.nullable().describe("The last checkpoint of these entries"),
    }),
  ),
  next: z.string().nullable(),
});
export type Days = z.infer<typeof Days>;
type Day = Days["days"][number];

const roles = ["auditor", "operator"] as const;
const scope = "whole-gateway";
const page = z.strictObject({ cursor: cursor().optional(), limit: limit().default(50) });
/** A day has a few segments. */
const SEGMENTS = 200;

export const INTEGRITY_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/integrity",
    summary: "What is verified of the journal, up to where and by whom, and what it cannot prove",
    roles,
    scope,
    reply: Integrity,
    answer: async ({ audit, integrity, verifications }: Deps) => {
      const [state, last, covered] = await Promise.all([
        integrity.state(),
        integrity.lastVerification(),
        // A damaged journal cannot be searched, and that is when this page is needed.
        audit.ask({ kind: "coverage" }).catch((error: Error) => ({ failed: error.message })),
      ]);
      const { entries, checkpoint, troubles } = state;
      const verified = furthest(state.verified, last);
      return json(200, {
        ...state,
        state: state.damage.length > 0 || last?.verdict === "broken" ? "broken" : verified ? "verified" : "not-checked",
        verified,
        pending: Math.max(0, entries - (verified?.size ?? 0)),
        unsigned: Math.max(0, entries - checkpoint.size),
        ...coverageOf(covered, troubles),
        last_verification: last,
        running: verifications.running() ?? null,
      } satisfies Integrity);
    },
  }),
  route({
    method: "GET",
    path: "/api/integrity/checkpoints",
    summary: "A page of the checkpoints, newest first, with their signatures and where they were published",
    roles,
    scope,
    query: page,
    reply: CheckpointRows,
    answer: async ({ integrity }: Deps, { query }) => {
      const { next, ...found } = await integrity.checkpoints({ ...beforeOf(query.cursor), limit: query.limit });
      return json(200, { ...found, next: cursorOf(next) });
    },
  }),
  route({
    method: "GET",
    path: "/api/integrity/days",
    summary: "The segments of the journal by day, newest first, and whether they are verified",
    roles,
    scope,
    query: z.strictObject({ cursor: cursor().optional() }),
    reply: Days,
    others: { 503: "the search failed or took too long" },
    answer: async ({ audit, integrity }: Deps, { query }) => {
      const [{ segments = [], next }, state, last, sizes] = await Promise.all([
        audit.ask({ kind: "segments", ...beforeOf(query.cursor), limit: SEGMENTS }),
        integrity.state(),
        integrity.lastVerification(),
        integrity.checkpointSizes(),
      ]);
      const days = daysOf(segments, { verified: furthest(state.verified, last)?.size ?? 0, sizes });
      // The last one may go on on the next page.
      const whole = next === undefined || days.length < 2 ? days : days.slice(0, -1);
      const more = next === undefined ? undefined : whole.at(-1)?.from;
      return json(200, { days: whole, next: cursorOf(more) });
    },
  }),
];

/** By the background, or by a verification that somebody started. */
export const furthest = (verified: Integrity["verified"], last: LastVerification | null): Integrity["verified"] =>
  last?.verdict === "ok" && last.covered > (verified?.size ?? 0)
    ? { size: last.covered, at: last.at, began: last.began, by: last.by }
    : verified;

/** `failed`: why the entries cannot be searched. */
const coverageOf = (
  covered: Answer | { readonly failed: string },
  troubles: readonly string[],
): Pick<Integrity, "searched" | "gaps" | "troubles"> => {
  if ("failed" in covered)
    return { searched: null, gaps: null, troubles: [...troubles, `the gaps cannot be listed: ${covered.failed}`] };
  const { from, to, first, last } = covered.searched!;
  return {
    searched: { from, to, first: first ?? null, last: last ?? null },
    gaps: [...(covered.gaps ?? [])],
    troubles: [...troubles],
  };
};

const beforeOf = (given: string | undefined): { readonly before?: number } => {
  const before = readCursor(given ?? "");
  return before === undefined ? {} : { before };
};

type Known = { readonly verified: number; readonly sizes: readonly number[] };

/** A run of segments of the same day is one row. */
const daysOf = (segments: readonly SegmentRow[], { verified, sizes }: Known): Day[] => {
  const runs: SegmentRow[][] = [];
  for (const segment of segments) {
    const before = runs.at(-1);
    if (before && dayOf(before[0]!) === dayOf(segment)) before.push(segment);
    else runs.push([segment]);
  }
  return runs.map((run) => {
    const [from, to] = [run.at(-1)!.first, run[0]!.end];
    return {
      day: dayOf(run[0]!),
      from,
      to,
      segments: run.length,
      compressed: run.filter(({ form }) => form === "compressed").length,
      bytes: run.reduce((sum, { bytes }) => sum + bytes, 0),
      lines: run.every(({ form }) => form !== "hashes"),
      verified: verified >= to ? "yes" : verified > from ? "partly" : "no",
      checkpoint: sizes.findLast((size) => size > from && size <= to) ?? null,
    };
  });
};

const dayOf = ({ time: first }: SegmentRow): string | null => first?.slice(0, 10) ?? null;
