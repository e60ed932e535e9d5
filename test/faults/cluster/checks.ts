/**
 * Judges a run of several gateways from ledgers that know nothing of each other: what clients saw, what OCS received
 * and carried out, what each gateway's journal says. A violation is a sentence that begins with its rule:
 *
 * - H1: what a client saw of OCS is what OCS says to this request and to no other.
 * - H2: carried out at most once (one AddRecord per key); not at all if every reply says that it was not sent.
 * - H3: one request at a time on a lane, one tenant per lane; never more lanes than the config allows.
 * - H4: no finalization after one that a client saw carried out; a record's owner hears no final No while it is open.
 * - H5: the journals have an intent before OCS receives a request, and OCS's answer that the client saw.
 * - H6: nothing is carried out on another tenant's record, or in another tenant's name.
 * - H7: each Do-Not-Call that was handed over was carried out.
 * - H8: a limit holds over all gateways, within a tenth.
 */
import type { Recorded } from "../../../src/journal/entry.ts";
import { statusOf, warningOf, type Received } from "../../kit/recording-ocs.ts";
import { connectionFaults } from "../history.ts";
import type { Attempt, Case } from "./clients.ts";
import type { Fault } from "./nemesis.ts";
import type { DialedRecord, Records } from "./records.ts";
import type { Seen } from "./exchange.ts";
import { LANES, LIMIT_PER_S, LIMITED } from "./world.ts";

export type History = {
  readonly cases: readonly Case[];
  readonly received: readonly Received[];
  readonly records: Records;
  readonly mostLanes: number;
  readonly mostLanesBy: string;
  /** By gateway. */
  readonly journals: ReadonlyMap<string, readonly Recorded[]>;
  readonly faults: readonly Fault[];
};

export const check = (history: History): string[] => {
  const { cases, received, mostLanes, mostLanesBy } = history;
  const arrivals = Map.groupBy(received, ({ marker }) => marker);
  return [
    ...cases.flatMap((each) => [
      ...answerFaults(each),
      ...executionFaults(each, arrivals.get(each.ask.marker) ?? []),
      ...handOverFaults(each, arrivals.get(each.ask.marker) ?? []),
    ]),
    ...connectionFaults(received),
    ...(mostLanes > LANES ? [`H3: ${mostLanes} lanes were open (${mostLanesBy}); the config allows ${LANES}`] : []),
    ...recordFaults(history),
    ...journalFaults(history, arrivals),
    ...limitFaults(cases, history.faults),
  ];
};

const isOfOcs = (seen: Seen | undefined): seen is Seen => seen?.origin === "ocs";

const answerFaults = ({ ask: { marker, kind }, attempts }: Case): string[] =>
  attempts.flatMap(({ seen }) => {
    if (!isOfOcs(seen) || kind === "read" || kind === "finalize") return [];
    const [status, warning] = [statusOf(marker), warningOf(marker)];
    if (seen.status === status && seen.warning === warning) return [];
    return [`H1: ${marker} saw ${seen.status} with Warning ${seen.warning}; OCS says ${status} with ${warning}`];
  });

const executionFaults = ({ ask: { marker, kind }, attempts }: Case, arrivals: readonly Received[]): string[] => {
  if (kind === "read" || kind === "handed-over" || kind === "finalize") return [];
  const executed = arrivals.filter((each) => each.executed);
  const faults: string[] = [];
  if (executed.length > 1)
    faults.push(
      `H2: ${marker} was carried out ${executed.length} times; attempts: ${attempts.map(inWords).join("; ")}`,
    );
  if (attempts.some(({ seen }) => isOfOcs(seen)) && executed.length === 0)
    faults.push(`H2: ${marker} saw OCS's status, and OCS did not carry it out`);
  if (arrivals.length > 0 && attempts.every(({ seen }) => seen !== undefined && seen.delivery === "not-sent"))
    faults.push(`H2: ${marker} was told not-sent each time, and OCS received it: ${attempts.map(inWords).join("; ")}`);
  return faults;
};

const inWords = ({ node, seen }: Attempt): string =>
  seen ? `${node} ${seen.status} ${seen.code ?? ""} ${seen.delivery}` : `${node} no reply`;

const handOverFaults = ({ ask: { marker, kind }, attempts }: Case, arrivals: readonly Received[]): string[] =>
  kind === "handed-over" && attempts.some(({ seen }) => seen?.status === 202) && !arrivals.some((each) => each.executed)
    ? [`H7: ${marker} was answered with 202, and OCS has not carried it out`]
    : [];

/** An answer with another one behind it may be another request's: the gateway does not take it for the record's end. */
const isDoubtful = (at: number, faults: readonly Fault[]): boolean =>
  faults.some(({ name, from, to }) => name === "OCS: surplus" && at >= from && at <= to + 100);

const recordFaults = ({ cases, received, records, faults }: History): string[] => {
  const tenantOf = new Map(cases.map(({ ask }) => [ask.marker, ask.tenant]));
  const seenAt = new Map<DialedRecord, number>();
  for (const record of records.all)
    if (record.finalizationSeenAt !== undefined && !isDoubtful(record.finalizationSeenAt, faults))
      seenAt.set(record, record.finalizationSeenAt);
  return [
    ...records.executions.flatMap(({ record, marker, status }) =>
      status === 200 && tenantOf.get(marker) !== record.tenant
        ? [`H6: ${marker} was carried out on record ${record.handle} of tenant ${record.tenant}`]
        : [],
    ),
    ...records.executions.flatMap(({ at, record, marker }) =>
      at > (seenAt.get(record) ?? Infinity)
        ? [`H4: OCS received ${marker} after a client had seen the end of record ${record.handle}`]
        : [],
    ),
    ...cases.flatMap((each) => finalNoFaults(each, records)),
    ...received.flatMap(({ marker, tenant }) => {
      const own = tenantOf.get(marker);
      return own === undefined || own === tenant || marker.includes("-r")
        ? []
        : [`H6: ${marker} came in the name of tenant ${tenant}`];
    }),
  ];
};

/** 2106 is final: the owner of an open record may not hear it in the life of OCS in which the record was announced. */
const finalNoFaults = ({ ask, attempts, record }: Case, records: Records): string[] =>
  attempts.flatMap(({ issued, node, seen }) => {
    if (!record || seen?.code !== "OCSGW-2106" || ask.tenant !== record.tenant) return [];
    const isOpenThen =
      record.openedAt !== undefined &&
      record.openedAt < issued &&
      (record.finalizedAt ?? Infinity) > seen.at &&
      (record.life === records.life || records.lifeEndedAt > seen.at);
    return isOpenThen
      ? [`H4: ${ask.marker} got 2106 from ${node} for record ${record.handle}, which is open and was announced`]
      : [];
  });

type Entries = ReadonlyMap<string, readonly Recorded[]>;

const journalFaults = ({ cases, journals }: History, arrivals: ReadonlyMap<string, readonly Received[]>): string[] => {
  const intents = intentsByMarker(journals);
  const ids = new Map([...journals].map(([node, entries]) => [node, idsIn(entries)]));
  const faults: string[] = [];
  for (const { ask, attempts } of cases) {
    const count = arrivals.get(ask.marker)?.length ?? 0;
    if (ask.kind !== "read" && count > (intents.get(ask.marker) ?? 0))
      faults.push(
        `H5: OCS received ${ask.marker} ${count} times, and the journals have ${intents.get(ask.marker) ?? 0}`,
      );
    for (const { node, seen } of attempts)
      if (isOfOcs(seen) && ids.get(node)?.has(seen.id) !== true)
        faults.push(`H5: ${ask.marker} got OCS's answer from ${node}, whose journal has no entry of ${seen.id}`);
  }
  return faults;
};

const intentsByMarker = (journals: Entries): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const entry of [...journals.values()].flat())
    if (entry.kind === "intent" && typeof entry.body.MARK === "string")
      counts.set(entry.body.MARK, (counts.get(entry.body.MARK) ?? 0) + 1);
  return counts;
};

const idsIn = (entries: readonly Recorded[]): Set<string> =>
  new Set(entries.flatMap((entry) => ("id" in entry && typeof entry.id === "string" ? [entry.id] : [])));

const WINDOW_MS = 10_000;

/**
 * Requests of the limited tenant that were not refused by its limit, in any window of ten seconds. A gateway that
 * cannot reach the database allows its own part beside the others', so windows with such a fault are not judged.
 */
const limitFaults = (cases: readonly Case[], faults: readonly Fault[]): string[] => {
  const times = cases
    .filter(({ ask }) => ask.tenant === LIMITED)
    .flatMap(({ attempts }) => attempts)
    .filter(({ seen }) => seen && seen.status !== 429 && seen.status !== 401)
    .map(({ issued }) => issued)
    .toSorted((a, b) => a - b);
  const isJudged = (from: number, to: number): boolean =>
    !faults.some((fault) => /^(?:database|gateway)/.test(fault.name) && fault.from <= to && fault.to + 2000 >= from);
  // A window of one second may begin anywhere: one more second's worth at the edges.
  const most = (LIMIT_PER_S * (WINDOW_MS / 1000) + LIMIT_PER_S) * 1.1;
  for (let from = 0, to = 0; to < times.length; to++) {
    while (times[to]! - times[from]! > WINDOW_MS) from++;
    if (to - from + 1 > most && isJudged(times[from]!, times[to]!))
      return [
        `H8: ${to - from + 1} requests of tenant ${LIMITED} were let through in ${WINDOW_MS} ms, at most ${most}`,
      ];
  }
  return [];
};
