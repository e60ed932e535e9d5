/**
 * Judges afterwards, from three ledgers that know nothing of each other: what each client saw, what each OCS received,
 * what the journal says. Every violation is a sentence that begins with its rule, H1 to H6.
 */
import type { Recorded } from "../../src/journal/entry.ts";
import { idsOf, statusOf, warningOf, type Received } from "../kit/recording-ocs.ts";
import type { Asked, Seen } from "./client.ts";
import { findJournalFaults } from "./history-journal.ts";

export type History = {
  /** In the order of asking, per connection. */
  readonly asked: readonly Asked[];
  /** In the order of receiving, per OCS. */
  readonly received: readonly Received[];
  readonly journal: readonly Recorded[];
  /** The upstream that serves a tenant. */
  readonly upstreamOf: (tenant: number) => string;
};

/** A request with all that an OCS received for it. */
export type Case = {
  readonly asked: Asked;
  readonly arrivals: readonly Received[];
  readonly executions: readonly Received[];
};

export const check = (history: History): string[] => {
  const { cases, strays } = match(history);
  return [
    ...cases.flatMap((each) => [...answerFaults(each), ...executionFaults(each)]),
    ...strays.map(({ marker, endpoint }) => `H2: ${endpoint} received ${marker}, which no client asked`),
    ...connectionFaults(history.received),
    ...orderFaults(history.asked),
    ...findJournalFaults(cases, history.journal),
    ...cases.flatMap((each) => tenantFaults(each, history.upstreamOf)),
  ];
};

/**
 * A POST is found by its marker. A GET is its client's latest one for that group: a group is read by one connection
 * alone.
 */
const match = ({ asked, received }: History): { cases: Case[]; strays: Received[] } => {
  const arrivals = new Map<Asked, Received[]>(asked.map((each) => [each, []]));
  const posts = new Map(asked.filter(({ group }) => group === undefined).map((each) => [each.marker, each]));
  const gets = Map.groupBy(
    asked.filter(({ group }) => group !== undefined),
    ({ group }) => `GET ${group}`,
  );
  const strays = received.filter((each) => {
    const owner = posts.get(each.marker) ?? gets.get(each.marker)?.findLast(({ issued }) => issued <= each.at);
    if (owner) arrivals.get(owner)!.push(each);
    return !owner;
  });
  return {
    cases: [...arrivals].map(([one, its]) => ({
      asked: one,
      arrivals: its,
      executions: its.filter(({ executed }) => executed),
    })),
    strays,
  };
};

const isAnswer = ({ origin }: Seen): boolean => origin === "ocs";

/** H1: what the client saw of OCS is what OCS says to this request and to no other. */
const answerFaults = ({ asked: { marker, group, seen }, executions }: Case): string[] => {
  if (!seen) return [];
  if (!isAnswer(seen))
    return seen.warning === undefined ? [] : [`H1: ${marker} got a Warning from the gateway: ${seen.warning}`];
  const due =
    group === undefined
      ? { status: statusOf(marker), warning: warningOf(marker) }
      : { status: 200, warning: executions.at(-1)?.warning };
  const faults: string[] = [];
  if (seen.status !== due.status)
    faults.push(`H1: ${marker} saw status ${seen.status}; OCS answers it with ${due.status}`);
  if (seen.warning !== due.warning)
    faults.push(`H1: ${marker} saw Warning ${seen.warning}; OCS answers it with ${due.warning}`);
  if (group !== undefined && !showsGroup(seen.body, group))
    faults.push(`H1: ${marker} asked for group ${group} and saw ${seen.body}`);
  if (group === undefined && due.status === 200 && seen.body !== "")
    faults.push(`H1: ${marker} saw a body behind a positive answer: ${seen.body}`);
  return faults;
};

const showsGroup = (body: string, dbid: number): boolean => {
  const { campaign, group } = idsOf(dbid);
  return body.includes(`"GSW_CM_AttrCampaignID":${campaign},`) && body.includes(`"GSW_CM_AttrGroupID":${group},`);
};

/** H2: carried out at most once; once when OCS's status was seen; never when the gateway says that it was not sent. */
const executionFaults = ({ asked: { marker, seen }, arrivals, executions }: Case): string[] => {
  const times = executions.length;
  const faults =
    times > 1
      ? [
          `H2: ${marker} was carried out ${times} times, at ` +
            `${executions.map(({ endpoint, connection }) => `${endpoint} on connection ${connection}`).join(" and ")}`,
        ]
      : [];
  if (arrivals.length > 1) faults.push(`H2: ${marker} was sent ${arrivals.length} times`);
  if (!seen) return faults;
  if (isAnswer(seen) && times === 0)
    faults.push(`H2: ${marker} saw OCS's status ${seen.status}, and no OCS carried it out`);
  if (isAnswer(seen) && seen.delivery !== "answered")
    faults.push(`H2: ${marker} saw OCS's status ${seen.status} with delivery ${seen.delivery}`);
  if (!isAnswer(seen) && seen.delivery === "not-sent" && arrivals.length > 0)
    faults.push(
      `H2: ${marker} was told not-sent (${seen.code}), and OCS ${times > 0 ? "carried it out" : "received it"}`,
    );
  if (!isAnswer(seen) && seen.delivery !== "not-sent" && seen.delivery !== "sent-no-answer")
    faults.push(`H2: ${marker} got the gateway's ${seen.status} with delivery ${JSON.stringify(seen.delivery)}`);
  return faults;
};

/** H3: towards OCS one request at a time on a connection, and one tenant. */
export const connectionFaults = (received: readonly Received[]): string[] => {
  const tenants = new Map<string, Set<number>>();
  const faults: string[] = [];
  for (const { upstream, connection, tenant, marker, ahead } of received) {
    const name = `${upstream}'s connection ${connection}`;
    if (ahead > 0)
      faults.push(`H3: ${marker} came on ${name} while ${ahead} before it ${ahead === 1 ? "was" : "were"} unanswered`);
    tenants.set(name, (tenants.get(name) ?? new Set()).add(tenant));
  }
  for (const [name, served] of tenants)
    if (served.size > 1) faults.push(`H3: ${name} served the tenants ${[...served].join(" and ")}`);
  return faults;
};

/**
 * H4: a client's connection gives answers in the order of asking, without a hole, and none that another request there
 * was due.
 */
const orderFaults = (asked: readonly Asked[]): string[] => {
  const faults: string[] = [];
  for (const [connection, line] of Map.groupBy(asked, (each) => each.connection)) {
    const owners = new Map(
      line.filter(({ group }) => group === undefined).map(({ marker }) => [warningOf(marker), marker]),
    );
    let last: { readonly marker: string; readonly seen: Seen } | undefined;
    let hole: string | undefined;
    for (const { marker, seen } of line) {
      if (!seen) hole ??= marker;
      if (!seen) continue;
      if (hole !== undefined)
        faults.push(`H4: client connection ${connection} got an answer to ${marker}, and none to ${hole} before it`);
      const owner = isAnswer(seen) && owners.get(seen.warning ?? "");
      if (owner && owner !== marker)
        faults.push(
          `H4: client connection ${connection} got the answer to ${owner} in the place of the one to ${marker}`,
        );
      // The first ten characters of a request id are its time.
      if (last && (seen.at < last.seen.at || seen.id.slice(0, 10) < last.seen.id.slice(0, 10)))
        faults.push(`H4: client connection ${connection} got the answer to ${marker} before the one to ${last.marker}`);
      last = { marker, seen };
    }
  }
  return faults;
};

/** H6: an OCS receives its own tenants' requests only, each in its own tenant's name. */
const tenantFaults = ({ asked: { marker, tenant }, arrivals }: Case, upstreamOf: History["upstreamOf"]): string[] =>
  arrivals.flatMap((each) => [
    ...(each.upstream === upstreamOf(tenant)
      ? []
      : [`H6: ${marker} of tenant ${tenant} came to ${each.upstream}, which does not serve it`]),
    ...(each.tenant === tenant ? [] : [`H6: ${marker} of tenant ${tenant} came in the name of tenant ${each.tenant}`]),
  ]);
