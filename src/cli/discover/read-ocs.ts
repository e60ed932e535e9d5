/**
 * Reads the campaign groups from OCS: the list first, then single groups by DBID, one request at a time over one
 * connection, with a pause after each. Only GET is sent, which changes nothing in OCS.
 */
import { setTimeout as pass } from "node:timers/promises";
import { headerOf } from "../../common/message.ts";
import { faultInWords } from "../../common/system-error.ts";
import type { Endpoint } from "../../upstream/lanes/endpoint.ts";
import type { RawAnswer } from "../../upstream/lanes/in-flight.ts";
import { Lane } from "../../upstream/lanes/lane.ts";
import { idsInAnswer, isTooOld, listIn, type GroupList, type Ids } from "./ocs-groups.ts";

export type Reading = {
  readonly endpoints: readonly Endpoint[];
  /** Milliseconds. */
  readonly answerTimeout: number;
  /** DBIDs to ask for, in order. */
  readonly dbids: readonly number[];
  /** Milliseconds between an answer and the next request. */
  readonly pace: number;
  /** Aborted by the user, or by the end of the time; its reason is an Error. */
  readonly signal: AbortSignal;
  /** Called with the number of single groups asked for. */
  readonly onAsked?: (count: number) => void;
};

export type OcsRead = GroupList & {
  readonly origin: string;
  readonly server: string | undefined;
  /** The answers to single groups, by DBID. */
  readonly answers: ReadonlyMap<number, Ids>;
  /** DBIDs of groups that OCS knows, but whose campaign it does not tell (410). */
  readonly hidden: readonly number[];
  /** DBIDs that were not asked for, because all groups were found or the reading ended early. */
  readonly notAsked: readonly number[];
  /** Why the reading ended early. */
  readonly ended: string | undefined;
};

/** `how`: `unreachable`; `old`: an OCS without GET; `other`: no OCS, or one that fails. */
export class CannotRead extends Error {
  readonly how: "unreachable" | "old" | "other";
  constructor(how: CannotRead["how"], message: string) {
    super(message);
    this.how = how;
  }
}

/** Rejects with CannotRead if the list cannot be had. */
export const readOcs = async (reading: Reading): Promise<OcsRead> => {
  const failures: string[] = [];
  for (const endpoint of reading.endpoints) {
    const lane = new Lane("discover", {
      endpoint,
      answerTimeout: () => reading.answerTimeout,
      userAgent: "ocs-gateway/discover",
      onePerTenant: true,
    });
    try {
      const answer = await get(lane, "").catch((error: unknown) => {
        failures.push(`${endpoint.origin}: ${faultInWords(error)}`);
      });
      if (answer) return await readFrom(lane, endpoint.origin, { answer, reading });
    } finally {
      lane.close();
    }
  }
  throw new CannotRead("unreachable", failures.join("\n"));
};

const get = (lane: Lane, identifier: string): Promise<RawAnswer> =>
  lane.exchange({ tenant: "", method: "GET", path: `/campaigngroups${identifier}`, body: "", urgent: false });

type Begun = { readonly answer: RawAnswer; readonly reading: Reading };

const readFrom = async (lane: Lane, origin: string, { answer, reading }: Begun): Promise<OcsRead> => {
  const server = headerOf(answer.headers, "Server");
  const list = answer.status === 200 ? listIn(answer.body) : undefined;
  if (!list) throw noList(origin, server, answer.status);
  return { ...list, origin, server, ...(await askSingle(lane, list, reading)) };
};

const noList = (origin: string, server: string | undefined, status: number): CannotRead => {
  const who = `${origin} (${server ?? "no Server header"})`;
  const isOld = isTooOld(server);
  if (isOld === true) return new CannotRead("old", `${who} is older than 8.1.524.04, the first OCS with this request`);
  const answered = status === 200 ? "answered something else than the list of campaign groups" : `answered ${status}`;
  // Before 8.1.524.04 GET is an unknown request.
  const mayBeOld = isOld === undefined && (status === 400 || status === 404 || status === 405 || status === 501);
  return mayBeOld
    ? new CannotRead("old", `${who} ${answered}, as an OCS before 8.1.524.04 does`)
    : new CannotRead("other", `${who} ${answered}; check that the address is OCS's HTTP port`);
};

type Single = Pick<OcsRead, "answers" | "hidden" | "notAsked" | "ended">;

const pairOf = ({ campaignId, groupId }: Ids): string => `${campaignId} ${groupId}`;

/** Answers in a row that say nothing about groups, after which OCS is left alone. */
const MOST_ODD = 3;
const RETRY_MS = 1000;

const askSingle = async (lane: Lane, { groups }: GroupList, reading: Reading): Promise<Single> => {
  const { dbids, pace, signal, onAsked } = reading;
  const wanted = new Set(groups.map(pairOf));
  const answers = new Map<number, Ids>();
  const hidden: number[] = [];
  let odd: string[] = [];
  const done = (at: number, ended?: string): Single => ({ answers, hidden, notAsked: dbids.slice(at), ended });
  for (const [at, dbid] of dbids.entries()) {
    if (wanted.size === 0) return done(at);
    await pass(pace, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return done(at, (signal.reason as Error).message);
    const answer = await get(lane, `/${dbid}`)
      .catch(() => pass(RETRY_MS).then(() => get(lane, `/${dbid}`)))
      .catch((error: unknown) => faultInWords(error));
    if (typeof answer === "string") return done(at, `OCS stopped answering: ${answer}`);
    onAsked?.(at + 1);
    const ids = answer.status === 200 ? idsInAnswer(answer.body) : undefined;
    const isClear = ids !== undefined || answer.status === 404 || answer.status === 410;
    odd = isClear ? [] : [...odd, String(answer.status)];
    if (odd.length >= MOST_ODD) return done(at + 1, `OCS answered ${odd.join(", ")} to single groups`);
    if (answer.status === 410) hidden.push(dbid);
    if (!ids) continue;
    answers.set(dbid, ids);
    wanted.delete(pairOf(ids));
  }
  return done(dbids.length);
};
