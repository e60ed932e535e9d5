/**
 * What each kind of entry means for the parts of the journal that buffer, recover and index entries: they read this
 * table and no list of their own. A new kind is a type in `entry.ts`, a row here, and its members in `entry-line.ts`.
 */
import type { Entry, Kind } from "./entry.ts";

export type Outage = "reported" | "deferred" | "counted" | "merged";

type Row = {
  /**
   * `begins`: the request is in doubt until an entry that `ends` it has the same `id`. A start closes requests that no
   * entry ended.
   */
  readonly request?: "begins" | "ends";
  /**
   * What happens to the entry while the journal cannot be written. `reported`: its append is rejected; with
   * `on_failure: continue` the gap counts the entry instead. `deferred`: it is kept and written once the disk recovers.
   * `counted`: it is lost, and the gap counts it. `merged`: it becomes part of the next gap.
   */
  readonly outage: Outage;
  /**
   * A start parses it, because it states what the writer must know; of other entries a start reads only a few bytes.
   */
  readonly restores?: true;
  /**
   * No other entry depends on it: `audit.retention` may delete it before its segment. The entries of a request depend
   * on each other only, and are deleted together.
   */
  readonly deletedEarly?: true;
};

const KIND_ROWS = {
  intent: { outage: "reported", request: "begins" },
  outcome: { outage: "deferred", request: "ends" },
  refusal: { outage: "counted", deletedEarly: true },
  replay: { outage: "counted", deletedEarly: true },
  "in-doubt": { outage: "reported", request: "ends" },
  flood: { outage: "deferred", deletedEarly: true },
  abandoned: { outage: "deferred", request: "ends" },
  config: { outage: "deferred", restores: true },
  start: { outage: "reported", restores: true },
  stop: { outage: "reported" },
  gap: { outage: "merged" },
  clock: { outage: "deferred", restores: true },
  deleted: { outage: "reported", restores: true },
  "set-aside": { outage: "reported", restores: true },
  "open-dnc": { outage: "reported" },
  switchover: { outage: "deferred" },
  access: { outage: "reported", deletedEarly: true },
  alarm: { outage: "deferred" },
} as const satisfies Readonly<Record<Kind, Row>>;

type Rows = typeof KIND_ROWS;
type KindWith<Trait> = { [K in Kind]: Rows[K] extends Trait ? K : never }[Kind];
type BeginningKind = KindWith<{ readonly request: "begins" }>;
type EndingKind = KindWith<{ readonly request: "ends" }>;
type RestoringKind = KindWith<{ readonly restores: true }>;

/** A journal of a later version may have other kinds. */
const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>(Object.entries(KIND_ROWS));

export const KINDS = Object.keys(KIND_ROWS) as readonly Kind[];

export const outageOf = (kind: Kind): Outage => KIND_ROWS[kind].outage;

export const beginsRequest = <E extends Entry>(entry: E): entry is Extract<E, { kind: BeginningKind }> =>
  ROWS.get(entry.kind)?.request === "begins";

export const endsRequest = <E extends Entry>(entry: E): entry is Extract<E, { kind: EndingKind }> =>
  ROWS.get(entry.kind)?.request === "ends";

export const isRestoring = (entry: Entry): entry is Extract<Entry, { kind: RestoringKind }> =>
  ROWS.get(entry.kind)?.restores === true;

/** Whether entries of this kind begin or end a request; undefined: neither. */
export const beginsOrEnds = (kind: Kind): Row["request"] => ROWS.get(kind)?.request;

/** Kinds that begin or end a request, and those that a start must parse. */
export const REQUEST_KINDS = KINDS.filter((kind) => ROWS.get(kind)?.request !== undefined);
export const RESTORING_KINDS = KINDS.filter((kind) => ROWS.get(kind)?.restores === true);
export const EARLY_DELETED_KINDS = KINDS.filter((kind) => ROWS.get(kind)?.deletedEarly === true);
