/** The state of one upstream's owners as plain data in parts, so that a gateway need not apply the whole log. */
import type { LogSnapshot } from "../../../cluster/log/shared-log.ts";
import type { HandlesListener } from "../../handles/handle-state.ts";
import { Handles } from "../../handles/handles.ts";
import type { HandlesSnapshot } from "../../handles/handles-snapshot.ts";
import type { ReplicaState } from "./apply-event.ts";
import { Claims, type Claim } from "./claims.ts";
import { TakenAt } from "./taken-at.ts";
import { Votes, type Vote } from "./votes.ts";

export type StateOptions = {
  readonly upstream: string;
  readonly journalSize?: (() => number) | undefined;
};

/** The format of snapshots. A version with a new one goes on writing this one until no gateway needs it any more. */
const FORMAT = 1;
/** Members of a list in one part. */
const MEMBERS = 5000;

type Header = {
  readonly format: number;
  readonly votes: readonly Vote[];
  readonly votesEndpoint?: string | undefined;
  readonly claims: readonly Claim[];
  readonly handles: Omit<HandlesSnapshot, "table"> & { readonly previousEpochEndedAt: number };
};

type List = { readonly list: string; readonly members: readonly (readonly [number, never])[] };

/** Nothing of the state depends on these: a log has the ends itself. */
const LISTENER: HandlesListener = { onEnded: () => undefined, onOwnerAdopted: () => undefined };

export const emptyState = (options: StateOptions): ReplicaState => stateOf(options, undefined, 0);

/** The state, copied at once. Its members are not changed any more, so that it can be written in slices. */
export const partsOf = ({ handles, votes, claims }: ReplicaState): readonly unknown[] => {
  const { table, ...rest } = handles.snapshot;
  const { previousEpochEndedAt, current, stale, ended, previousEpoch } = table;
  const header: Header = {
    format: FORMAT,
    votes: votes.all,
    votesEndpoint: votes.endpoint,
    claims: claims.all,
    handles: { ...rest, previousEpochEndedAt },
  };
  const lists = {
    current,
    previousEpoch,
    "stale.young": stale.young,
    "stale.old": stale.old,
    "ended.young": ended.young,
    "ended.old": ended.old,
  };
  const parts: unknown[] = [header];
  for (const [list, members] of Object.entries(lists))
    for (let at = 0; at < members.length; at += MEMBERS) parts.push({ list, members: members.slice(at, at + MEMBERS) });
  return parts;
};

/** Throws for a snapshot that this version cannot read. */
export const stateFrom = (options: StateOptions, { seq, parts }: LogSnapshot): ReplicaState => {
  const [header, ...lists] = parts as readonly [Header, ...List[]];
  if (header?.format !== FORMAT)
    throw new Error(`this version cannot read the snapshot of event ${seq}: format ${JSON.stringify(header?.format)}`);
  const members = (name: string): readonly (readonly [number, never])[] =>
    lists.filter(({ list }) => list === name).flatMap((each) => each.members);
  const { previousEpochEndedAt, ...rest } = header.handles;
  const table = {
    current: members("current"),
    previousEpoch: members("previousEpoch"),
    stale: { young: members("stale.young"), old: members("stale.old") },
    ended: { young: members("ended.young"), old: members("ended.old") },
    previousEpochEndedAt,
  };
  return stateOf(options, header, seq, { ...rest, table });
};

const stateOf = (
  { upstream, journalSize }: StateOptions,
  header: Header | undefined,
  seq: number,
  snapshot?: HandlesSnapshot,
): ReplicaState => ({
  handles: new Handles(upstream, LISTENER, { snapshot }, journalSize),
  votes: new Votes(header?.votesEndpoint, header?.votes),
  claims: new Claims(header?.claims),
  taken: new TakenAt(seq),
});
