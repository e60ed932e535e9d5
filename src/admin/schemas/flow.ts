/** Flows: requests and events, as the journal has them. */
import { z } from "zod";
import type { TransactionJson } from "../../journal/search/to-json.ts";
import { STATES } from "../../journal/search/transaction.ts";
import { MISSING_NAMES } from "../../journal/search/missing-names.ts";
import { count, Tenant, texts, time } from "./basics.ts";

const milliseconds = () => z.number().describe("Milliseconds");
const token = (of: string) => z.string().describe(`The token of the ${of}`);

export const JournalEntry = z
  .looseObject({ index: count().optional(), time: time(), kind: z.string(), crc: z.number().optional() })
  .meta({
    id: "JournalEntry",
    description:
      "An entry as in the journal; /docs/journal-format has the members of each kind. People who may see " +
      "single tenants only get some of them, and no index",
  });

export const Flow = z
  .strictObject({
    at: count().optional().describe("Index of the first entry; absent for people who may see single tenants only"),
    time: time(),
    kinds: texts().describe("The kinds of the entries"),
    state: z.enum(STATES).optional().describe("How a request ended"),
    id: z.string().optional(),
    tenant: Tenant.optional(),
    client: z.string().optional(),
    credential: z.string().optional().describe("Kind and id of the credential, for example basic/k1"),
    source: z.string().optional().describe("The client's address"),
    listener: z.string().optional(),
    trace: z.string().optional().describe("The id of the trace that the client named (W3C Trace Context)"),
    action: z.string().optional(),
    resource: z.string().optional(),
    record: z.string().optional(),
    list: z.string().optional(),
    group: z.string().optional().describe("DBID of a campaign group"),
    campaign: z.string().optional(),
    phone: token("phone number").optional(),
    customer: token("customer id").optional(),
    announced_phone: token("phone number that OCS announced").optional(),
    announced_customer: token("customer id that OCS announced").optional(),
    missing: z.array(z.enum(MISSING_NAMES)).optional().describe("Identifiers of a person that the request lacks"),
    status: z.int().optional(),
    origin: z.enum(["ocs", "gateway"]).optional(),
    code: z.string().optional(),
    delivery: z.enum(["not-sent", "answered", "sent-no-answer"]).optional(),
    warning: z.int().optional().describe("The number in OCS's Warning"),
    upstream: z.string().optional(),
    lane: z.string().optional(),
    endpoint: z.string().optional(),
    queue: milliseconds().optional(),
    ocs: milliseconds().optional(),
    total: milliseconds().optional(),
    would: z.string().optional().describe("The code with which policy would have refused it in enforce mode"),
    dnc: z.int().optional().describe("The gapless number of a Do-Not-Call within its tenant"),
    config: z.string().optional(),
    reason: z.string().optional().describe("Why it was refused: a word, a colon and a sentence"),
    stage: z.string().optional().describe("The stage that refused it or failed"),
    setting: z.string().optional().describe("The setting that decided"),
    suspected: z.boolean().optional().describe("OCS's answer may belong to another request"),
    idempotency_key: z.string().optional().describe("The token of the request's Idempotency-Key"),
    identifier: z.string().nullable().describe("As in the journal: masked, or a token"),
    entries: z.array(JournalEntry),
  } satisfies Record<keyof TransactionJson, z.ZodType>)
  .meta({ id: "Flow", description: "A request with its outcome, or an event" });
export type Flow = z.infer<typeof Flow>;

const SetAside = z.strictObject({
  from: count(),
  to: count(),
  oldest: z.string().nullable(),
  youngest: z.string().nullable(),
  entry: z.int().nullable(),
  lost: z.int().nullable().describe("Open Do-Not-Calls in it that are lost; null if unknown"),
});

export const Searched = z
  .strictObject({
    from: count(),
    to: count(),
    first: time().optional(),
    last: time().optional(),
    set_aside: z.array(SetAside).describe("Entries that cannot be read"),
    deleted_to: time().optional(),
    deleted_kinds: z.record(z.string(), z.strictObject({ to: count(), youngest: z.string().nullable() })).optional(),
  })
  .meta({ id: "Searched", description: "The searched entries: from an index to before another" });

const page = {
  requests: z.array(Flow),
  next: z.string().nullable().describe("The cursor of the next page; null on the last one"),
  row_cursors: texts().optional().describe("If asked for: the cursor of the page behind each of the requests"),
  searched: Searched.optional(),
  warnings: texts().describe("For example about a name in the filter that the config does not have"),
};

export const FlowPage = z.strictObject(page).meta({ id: "FlowPage" });

export const Explanation = z
  .strictObject({
    stages: z
      .array(
        z.strictObject({
          stage: z.string(),
          verdict: z.enum(["ok", "deny", "no", "?", "–"]).describe("–: the request did not get to this stage"),
          says: z.string(),
        }),
      )
      .describe("In the order of a request"),
    what_happened: z.string(),
    what_to_do: z.string().nullable(),
    repeat: z.string().nullable().describe("Whether its client may send it again; null if the result is final"),
    decided_by: z
      .strictObject({
        rule: z.string().describe("The setting"),
        at: z
          .string()
          .nullable()
          .describe("file:line:column, as the config is today; null while it is not known, or if the file has changed"),
        config_then: z.string().nullable().describe("The hash of the config that decided"),
        config_now: z.string(),
      })
      .nullable(),
    checkpoint: count().nullable().describe("Size of the first checkpoint that covers all entries"),
    switchovers: z.array(Flow).describe("Switchovers of its upstream at that time"),
    outages: z.array(JournalEntry).describe("Times in which the journal could not be written"),
  })
  .meta({ id: "Explanation", description: "One request in plain words" });
export type Explanation = z.infer<typeof Explanation>;

export const FoundFlow = z
  .strictObject({
    requests: z.array(Flow),
    explanation: Explanation.nullable().describe(
      "Null if several requests begin with the id. People of some tenants get what the request itself says",
    ),
    waited_for: z
      .array(
        z.strictObject({
          request: Flow.nullable().describe("Null: of another tenant, for people of some tenants"),
          ms: z.number().nullable().describe("For how many milliseconds of the wait it was with OCS"),
        }),
      )
      .nullable()
      .describe(
        "What was with OCS on the same lane while the request waited: up to five exchanges, judged by their times. " +
          "Null if it did not wait, or if that is not known",
      ),
  })
  .meta({ id: "FoundFlow" });
export type FoundFlow = z.infer<typeof FoundFlow>;

export const EntryProofs = z
  .strictObject({
    checkpoint: z.string().nullable().describe("The last one, a C2SP signed note; null if there is none"),
    keys: texts().describe("Verifier keys, as the gateway names them: compare them with yours"),
    lines: z.array(
      z.strictObject({
        index: count(),
        line: z.string().describe("As in the segment; its hash is that of a leaf (RFC 6962)"),
        path: texts()
          .nullable()
          .describe(
            "Hashes from the leaf up, in hex; null if the checkpoint does not cover the line, or one is missing",
          ),
      }),
    ),
  })
  .meta({ id: "EntryProofs" });
export type EntryProofs = z.infer<typeof EntryProofs>;

export const Evidence = z
  .strictObject({
    spellings: texts().describe("The searched forms, in words"),
    tokens: texts(),
    searched: Searched.optional().describe("Absent for people who may see single tenants only"),
    tenants: z
      .array(z.number())
      .optional()
      .describe(
        "For people who may see single tenants only: the DBIDs of the tenants that the answer covers. Requests that " +
          "were refused before their tenant was known belong to none",
      ),
    epochs: z.array(
      z.strictObject({
        epoch: z.string(),
        first: time().optional(),
        last: time().optional(),
        held: z.boolean().describe("Its tokens were searched"),
        key: z.enum(["same", "unused", "unproven", "other", "missing"]),
        covered_from: z.int().optional(),
      }),
    ),
    gaps: z.array(z.strictObject({ from: z.string(), to: z.string(), reason: z.string() })),
    uncovered: z.array(
      z.strictObject({
        says: z.string(),
        filter: z.string().describe("The filter that lists them"),
        count: count(),
        refused: count().describe("How many of them the gateway refused"),
        more: z.literal(true).optional().describe("There are more than these"),
      }),
    ),
    complete: z.boolean().describe("What was not found was not recorded; with tenants, for these tenants"),
  })
  .meta({ id: "Evidence", description: "What the result of a look-up covers" });

export const LookUpPage = z.strictObject({ ...page, evidence: Evidence.optional() }).meta({ id: "LookUpPage" });
export type LookUpReply = z.infer<typeof LookUpPage>;

/** The events of the live stream; see `flows/event-stream.ts`. */
export const FLOW_EVENTS = {
  begin: z
    .strictObject({
      filter: z.string(),
      time: time(),
      resumed: z.boolean().describe("The stream continues at the client's cursor"),
      behind: count().optional().describe("Entries between that cursor and the end of the journal"),
      warnings: texts(),
    })
    .meta({ id: "FlowStreamBegin" }),
  flow: Flow,
  missing: z
    .strictObject({
      from: count().optional(),
      to: count().optional().describe("The first index after the missing entries"),
      entries: count().optional(),
      reason: z.enum(["deleted", "set-aside", "damaged"]),
    })
    .meta({ id: "FlowStreamMissing", description: "Entries that the stream cannot show" }),
  heartbeat: z
    .strictObject({
      time: time(),
      sent: count().describe("Matching flows since the beginning of the stream"),
      passed: count().optional().describe("Flows that did not match"),
      behind: count().optional(),
      journal: z.string().nullable().describe("Why the journal cannot be written"),
    })
    .meta({ id: "FlowStreamHeartbeat" }),
  end: z
    .strictObject({ reason: z.enum(["stopping", "slow", "overload", "failed"]), message: z.string() })
    .meta({ id: "FlowStreamEnd" }),
};
