/**
 * `GET /api/flows/stream`: the flows that the journal gets, as server-sent events, while they match a filter. A client
 * that sends the id of the last event that it got as Last-Event-ID gets everything after that event.
 */
import { encodingsIn, headerOf, type Arrival, type HeaderLine, type Reply } from "../../common/message.ts";
import { allTokensIn, tokensIn } from "../../journal/access.ts";
import { Cursors, type Place } from "../../journal/flows/cursor.ts";
import { FlowsFailed } from "../../journal/flows/thread/flow-thread.ts";
import { allTerms, FilterError } from "../../journal/search/filter/filter.ts";
import {
  CONFIG_OF_TENANTS,
  readFilter,
  unknownNames,
  type Vocabulary,
} from "../../journal/search/filter/vocabulary.ts";
import type { Scope } from "../../journal/search/scope/part.ts";
import { InvalidQuestion } from "../../journal/search/worker/search-worker.ts";
import { tooMany, type LookUps } from "../api/evidence/look-ups.ts";
import { accessBy, note, type AuditParts } from "../audit-parts.ts";
import { json } from "../replies.ts";
import type { Viewer } from "../viewer.ts";
import { lookUpRefusal, sightOf } from "./scoped-flows.ts";
import type { FlowJournal } from "./watcher.ts";
import type { Watchers } from "./watchers.ts";

export type FlowParts = {
  readonly watchers: Pick<Watchers, "refusal" | "reserve">;
  readonly journal: FlowJournal;
  readonly cursors: Cursors;
};

type Parts = { readonly audit: AuditParts; readonly flows: FlowParts; readonly lookUps: LookUps };

/** A client that missed more entries than this searches the journal instead. */
export const MOST_MISSED = 1_000_000;

const HEADERS: readonly HeaderLine[] = [
  ["Content-Type", "text/event-stream"],
  ["Cache-Control", "no-store"],
  ["Vary", "Accept-Encoding"],
  // nginx would collect events before it passes them on.
  ["X-Accel-Buffering", "no"],
];
const PACKED: HeaderLine = ["Content-Encoding", "gzip"];

type Asked = {
  readonly viewer: Viewer;
  readonly query: {
    readonly filter: string;
    readonly purpose?: string | undefined;
    readonly user?: string | undefined;
  };
  readonly arrival: Pick<Arrival, "headers" | "source">;
  readonly gone: AbortSignal;
};

export const flowStream = async (
  { audit, flows, lookUps }: Parts,
  { viewer, query, arrival, gone }: Asked,
): Promise<Reply> => {
  const { vocabulary, scope } = sightOf(audit, viewer);
  const { filter, warnings, asked } = questionOf(query, viewer, vocabulary);
  const denied = lookUpRefusal(viewer, filter);
  if (denied) return denied;
  const limited = asked.tokens && tooMany(lookUps.take(viewer, allTokensIn(filter)));
  if (limited) return limited;
  const cursor = cursorIn(arrival, flows.cursors, scope);
  const refused = flows.watchers.refusal();
  if (refused) return unavailable(refused.error, refused.retryAfter);
  const open = flows.watchers.reserve();
  try {
    const missed = cursor === undefined ? 0 : flows.journal.size() - cursor.next;
    if (missed < 0) throw new InvalidCursor(ANOTHER_HISTORY);
    if (missed > MOST_MISSED) {
      await open(undefined);
      const age = scope ? "too old" : `${missed} entries old, and a stream repeats at most ${MOST_MISSED}`;
      return json(410, { error: `the cursor is ${age}; search the journal` });
    }
    await note(audit.record, asked);
    // Behind the entry about this access.
    const place = cursor ?? { next: flows.journal.size(), micros: 0 };
    const { source, headers } = arrival;
    const isPacked = encodingsIn(headerOf(headers, "Accept-Encoding") ?? "").includes("gzip");
    const resumed = cursor !== undefined;
    const stream = await open({ filter, scope, place, resumed, warnings, isPacked, gone, source });
    if (!stream) throw new InvalidCursor(ANOTHER_HISTORY);
    return { status: 200, headers: isPacked ? [...HEADERS, PACKED] : HEADERS, body: new Uint8Array(0), stream };
  } catch (error) {
    await open(undefined);
    if (error instanceof FlowsFailed) return unavailable(scope ? JOURNAL_UNREADABLE : error.message, 5);
    throw error;
  }
};

const JOURNAL_UNREADABLE = "the journal cannot be read";

const unavailable = (error: string, seconds: number): Reply => json(503, { error }, [["Retry-After", String(seconds)]]);

class InvalidCursor extends InvalidQuestion {
  constructor(why: string) {
    super(`Last-Event-ID: ${why}; connect without it to begin now, and search the journal for what came before`);
  }
}

const FAULTS = {
  another: "this cursor is from another gateway's journal, or the checkpoint key was replaced since",
  invalid: "expected the id of an event of this stream",
} as const;
const ANOTHER_HISTORY = "the journal has another history than when it gave this cursor: it was restored or replaced";

/** Undefined if the client sends no cursor: the stream begins now. */
const cursorIn = (
  { headers }: Pick<Arrival, "headers">,
  cursors: Cursors,
  scope: Scope | undefined,
): Place | undefined => {
  const text = headerOf(headers, "Last-Event-ID");
  if (text === undefined || text === "") return undefined;
  const place = scope ? cursors.unseal(text, { of: "stream", tenants: scope.tenants }) : cursors.read(text);
  if (typeof place === "string") throw new InvalidCursor(FAULTS[place]);
  return place;
};

const questionOf = ({ filter: text, purpose, user }: Asked["query"], viewer: Viewer, vocabulary: Vocabulary) => {
  const filter = readFilter(text, vocabulary);
  for (const { field, key, values } of allTerms(filter.expression)) {
    if (field === "time")
      throw new FilterError(`a stream shows what happens from now on, so ${key}: selects nothing`, {
        text,
        at: values[0]!.at,
        length: values[0]!.length,
        help: "ocsgw audit search, or GET /api/audit/search, shows earlier flows",
      });
  }
  const tokens = tokensIn(text);
  return {
    filter: text,
    warnings: unknownNames(filter, vocabulary).map(({ filter: name, noun, isNarrowed, help }) => {
      const where = isNarrowed ? CONFIG_OF_TENANTS : "in the config";
      return `${name}: there is no such ${noun} ${where}${help === undefined ? "" : `; ${help}`}`;
    }),
    asked: {
      ...accessBy(viewer, user),
      operation: "flows",
      query: text,
      ...(purpose !== undefined && { purpose }),
      ...(tokens && { tokens }),
    },
  };
};
