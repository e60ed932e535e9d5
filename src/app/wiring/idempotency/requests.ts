/**
 * What became of a client's request: from memory while it runs, from the journal afterwards. The searches have threads
 * of their own, so that clients do not delay those who search the journal.
 */
import { absenceOf } from "../../../explain/absence.ts";
import type { Asks } from "../../../explain/ask.ts";
import { repeatOf } from "../../../explain/sentences.ts";
import type { PipelineDeps } from "../../../gateway/pipeline.ts";
import type { RequestState as AcceptedState } from "../../../outbox/request-state.ts";
import { RunningRequests } from "../../../gateway/requests/running-requests.ts";
import type { FoundRequest, KnownRequest, RequestState } from "../../../gateway/requests/request-state.ts";
import { timeOfUlid } from "../../../common/ulid.ts";
import type { Journal } from "../../../journal/journal.ts";
import { fieldsOf, type Fields, type State } from "../../../journal/search/transaction.ts";
import { SearchWorker } from "../../../journal/search/worker/search-worker.ts";
import type { ShutdownSteps } from "../../shutdown.ts";

/** Further searches at the same time are refused. */
const MOST_SEARCHES = 8;

type RequestDeps = {
  readonly journal: Journal;
  /** The state of a request that was accepted with 202; undefined if it is not known any more. */
  readonly accepted?: (id: string) => AcceptedState | undefined;
  /** Asks the other nodes; undefined where there are none. */
  readonly elsewhere?: NonNullable<PipelineDeps["requests"]>["elsewhere"];
};

export const createRequests = (
  { journal, accepted, elsewhere }: RequestDeps,
  stops: ShutdownSteps,
): NonNullable<PipelineDeps["requests"]> => {
  let worker: SearchWorker | undefined;
  stops.push(() => worker?.close());
  const asks: Asks = { ask: (question) => (worker ??= new SearchWorker(journal.dir, { threads: 1 })).ask(question) };
  let searches = 0;
  return {
    running: new RunningRequests(),
    elsewhere,
    ended: async (id) => {
      if (searches >= MOST_SEARCHES) return { known: undefined, unclear: "too many clients ask at the same time" };
      searches++;
      try {
        const found = await endedRequest(asks, id);
        return withAccepted(found, accepted?.(id));
      } finally {
        searches--;
      }
    },
  };
};

/** The outbox knows how far an accepted request got; the journal has its attempts as requests of their own. */
const withAccepted = (found: FoundRequest, accepted: AcceptedState | undefined): FoundRequest =>
  accepted === undefined
    ? found
    : {
        known: {
          client: accepted.client,
          tenant: { dbid: accepted.tenant, upstream: accepted.upstream },
          state: {
            id: accepted.id,
            state: accepted.state,
            status: accepted.status,
            delivery: accepted.delivery,
            repeat: accepted.state === "answered" ? null : "safe",
            attempts: accepted.attempts,
          },
        },
        unclear: undefined,
      };

/**
 * The searches are the same whether the request exists or not, so that the time of a reply does not tell. `unclear`:
 * the journal cannot tell whether the request existed, or how it ended.
 */
export const endedRequest = async (asks: Asks, id: string): Promise<FoundRequest> => {
  const { transactions = [] } = await asks.ask({ kind: "transaction", id });
  const missing = await absentBecause(asks, id);
  const found = transactions.map(fieldsOf).find((fields) => fields.id === id && fields.client !== undefined);
  if (!found) return { known: undefined, unclear: missing };
  return { known: knownOf(found, STATES[found.state ?? "open"](found)), unclear: missing };
};

const absentBecause = async (asks: Asks, id: string): Promise<string | undefined> => {
  // A refusal that is only counted has no entry: the reply to an unknown id says so.
  const { missing } = await absenceOf(asks, id);
  if (missing.length > 0) return missing.join("; ");
  const { searched } = await asks.ask({ kind: "page", filter: "kind:start", names: [], limit: 1 });
  const deletedTo = searched?.deleted_to === undefined ? -Infinity : Date.parse(searched.deleted_to);
  return timeOfUlid(id) <= deletedTo ? "the entries of that time were deleted" : undefined;
};

const knownOf = (fields: Fields, state: RequestState["state"] | undefined): KnownRequest => ({
  client: fields.client!,
  tenant: fields.tenant && { dbid: fields.tenant.dbid, upstream: fields.upstream },
  state: state && {
    id: fields.id!,
    state,
    status: fields.status ?? null,
    delivery: fields.delivery ?? (state === "unknown" ? "sent-no-answer" : "not-sent"),
    repeat: repeatOf(fields) ?? null,
    ...(fields.code !== undefined && { code: fields.code }),
  },
});

/** Undefined: it is not known yet. */
const STATES: Readonly<Record<State, (fields: Fields) => RequestState["state"] | undefined>> = {
  ok: () => "answered",
  "ocs-no": () => "answered",
  refused: () => "refused",
  abandoned: () => "refused",
  "no-answer": () => "unknown",
  "in-doubt": () => "unknown",
  replayed: ({ code }) => (code === undefined ? "answered" : "unknown"),
  open: () => undefined,
  accepted: () => undefined,
};
