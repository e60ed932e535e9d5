/** What `/api/status` says, and who is in no state to serve. Durations in milliseconds. */
import type { JournalStatus } from "../journal/append.ts";

export type EndpointState = {
  /** scheme://host:port */
  readonly endpoint: string;
  readonly role: "primary" | "backup";
  /** Requests go to this one. */
  readonly active: boolean;
  /** And it takes them: never true for the standby. */
  readonly up: boolean;
  /** What the last probe of the standby saw; undefined for the active one, and until the first probe. */
  readonly standby?: StandbyState;
};

export type StandbyState = {
  readonly seen: "accepts" | "accepts and closes" | "refuses" | "silent" | "fails TLS";
  /** The error, where there was one. */
  readonly detail: string | undefined;
  /** Seen so for this long. */
  readonly since: number;
  /** What is healthy: as configured (`standby`), or learned; undefined while neither. */
  readonly expected: "closes" | "refuses" | "accepts" | undefined;
  readonly healthy: boolean;
};

export type LaneState = {
  readonly name: string;
  /** Null while it has no connection. */
  readonly endpoint: string | null;
  readonly state: "idle" | "connecting" | "busy" | "ready";
  readonly tenant?: string | undefined;
  /** In this state. */
  readonly since: number;
};

export type QueueState = {
  readonly tenant: string;
  readonly waiting: number;
  readonly bytes: number;
  /** How long the one who waits the longest has waited. */
  readonly oldest: number;
};

export type UpstreamState = {
  readonly name: string;
  /** The number of the OCS life that requests go to: one more after each takeover by the peer. */
  readonly epoch: number;
  readonly endpoints: readonly EndpointState[];
  readonly lanes: readonly LaneState[];
  readonly queue: readonly QueueState[];
};

export type HandlesState = {
  readonly upstream: string;
  readonly tenant: string;
  /** Record handles that are the tenant's. */
  readonly handles: number;
  /** Those of them that OCS has not confirmed since its connections were lost, or since the start. */
  readonly unconfirmed: number;
};

export type Status = {
  readonly version: string;
  readonly uptime: number;
  readonly config_hash: string;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /** What does not keep it from serving and yet wants looking after. */
  readonly warnings: readonly string[];
  readonly upstreams: readonly UpstreamState[];
  readonly records: readonly HandlesState[];
  readonly journal: Omit<JournalStatus, "failed"> & {
    /** Why nothing can be appended. */
    readonly failed: string | null;
    /** Entries that the last checkpoint covers, and its age. */
    readonly checkpoint: { readonly size: number; readonly age: number };
    /** Bytes of the journal, bytes that are free where it lies, bytes an hour by which these shrink, and when none is left; null while not known. */
    readonly disk: {
      readonly journal: number;
      readonly free: number;
      readonly per_hour: number | null;
      readonly full_in: number | null;
    } | null;
    /** Entries below `size` were read again and found as they were signed, at `at` (milliseconds since 1970); null before the first time. */
    readonly verified: { readonly size: number; readonly at: number } | null;
    /** In words: what was found that is not as it was signed. */
    readonly damage: readonly string[];
    /**
     * By name and id of the key: entries that each has cosigned, the age of that (null before the first time in this
     * run), and why it does not cosign.
     */
    readonly witnesses: readonly {
      readonly witness: string;
      readonly url: string;
      readonly size: number;
      readonly age: number | null;
      readonly trouble: string | null;
    }[];
    /** How many must cosign, whether they do, and how many entries so many have cosigned; null without witnesses. */
    readonly quorum: { readonly needed: number; readonly met: boolean; readonly size: number } | null;
    /** The last timestamp of this run: entries, its time (milliseconds since 1970), its age; null without an authority. */
    readonly timestamp: {
      readonly url: string;
      readonly last: { readonly size: number; readonly time: number; readonly age: number } | null;
      readonly trouble: string | null;
    } | null;
  };
  /**
   * Do-Not-Calls that OCS has not taken, by tenant (null where the client did not say for which of its tenants), and the age of the oldest; null
   * while it is not known.
   */
  readonly open_do_not_calls:
    | readonly { readonly tenant: string | null; readonly open: number; readonly oldest: number }[]
    | null;
  /** Since the start, all tenants together. */
  readonly requests: readonly { readonly origin: string; readonly status_class: string; readonly count: number }[];
  /** `most`: the tenants that have the most of them, three at most. */
  readonly refusals: readonly {
    readonly code: string;
    readonly count: number;
    readonly most: readonly { readonly tenant: string; readonly count: number }[];
  }[];
  /** What was wrong with credentials (src/docs/credentials.md), where it happened. */
  readonly auth_failures: readonly { readonly reason: string; readonly count: number }[];
  /** Requests that were sent and got no whole answer. */
  readonly no_answers: readonly { readonly code: string; readonly count: number }[];
};

/** Milliseconds, and bytes, by the names under which they stand in the status. */
const UNITS: Readonly<Record<string, string>> = {
  uptime: "uptime_ms",
  since: "since_ms",
  oldest: "oldest_ms",
  lag: "lag_ms",
  age: "age_ms",
  full_in: "full_in_ms",
  at: "at_ms",
  time: "time_ms",
  free: "free_bytes",
  per_hour: "bytes_per_hour",
  journal: "journal_bytes",
};

/** The same with the unit in the name of each number, beside the name that it had before. */
export const withUnits = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withUnits);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]: [string, unknown]) => {
      const named = typeof each === "object" && each !== null ? undefined : UNITS[name];
      return [
        [name, withUnits(each)],
        ...(named === undefined || typeof each === "string" || (each === null && name === "journal")
          ? []
          : [[named, each]]),
      ];
    }),
  );
};

/** In words; nothing while at least one OCS can be reached, because the tenants of that one can be served. */
export const unreachable = (upstreams: readonly UpstreamState[]): readonly string[] =>
  upstreams.length > 0 && upstreams.every(({ endpoints }) => endpoints.every(({ up }) => !up))
    ? [
        `no OCS reachable: ${upstreams.map(({ name, endpoints }) => `${name} (${endpoints.map(({ endpoint }) => endpoint).join(", ")})`).join(", ")}`,
      ]
    : [];

/** In words: each upstream whose OCS cannot be reached while another one's can. Where none can, `unreachable` says so. */
export const partlyUnreachable = (upstreams: readonly UpstreamState[]): readonly string[] => {
  const away = upstreams.filter(({ endpoints }) => endpoints.every(({ up }) => !up));
  return away.length === upstreams.length
    ? []
    : away.map(
        ({ name, endpoints }) =>
          `no OCS of upstream ${name} can be reached (${endpoints.map(({ endpoint }) => endpoint).join(", ")}): requests of its tenants get 503 OCSGW-4001`,
      );
};

/** In words: each standby that does not do what it does while all is well. */
export const unhealthyStandbys = (upstreams: readonly UpstreamState[]): readonly string[] =>
  upstreams.flatMap(({ name, endpoints }) =>
    endpoints.flatMap(({ endpoint, standby }) => {
      if (!standby || standby.healthy) return [];
      const { seen, detail, expected } = standby;
      const usual =
        expected === undefined
          ? ""
          : `, and while all is well it ${expected === "closes" ? "accepts and closes" : expected}`;
      const hint =
        seen === "refuses" && expected === undefined
          ? ` (where a standby always refuses, set upstreams.${name}.standby: refuses)`
          : "";
      return [
        `the standby OCS ${endpoint} of upstream ${name} ${seen === "silent" ? "is silent" : seen}${detail === undefined ? "" : ` (${detail})`}${usual}: it may not be able to take over${hint}`,
      ];
    }),
  );

/** Of an issuer whose keys are fetched. Milliseconds. */
export type KeySetState = {
  readonly issuer: string;
  /** Since its keys were fetched; undefined before the first time. */
  readonly age: number | undefined;
  /** For so long they count, unless they are fetched again; 0 when none counts. */
  readonly counts: number;
  /** Why the last attempt to fetch them failed. */
  readonly failing: string | undefined;
};

/** In words: each issuer whose keys cannot be fetched, and what becomes of its tokens. */
export const awayIssuers = (sets: readonly KeySetState[]): readonly string[] =>
  sets.flatMap(({ issuer, age, counts, failing }) => {
    if (failing === undefined) return [];
    const rest =
      age === undefined || counts === 0
        ? "its tokens are refused (503 OCSGW-2003)"
        : `its tokens are verified with the keys of ${minutes(age)} ago, for ${minutes(counts)} more at most`;
    return [`the keys of issuer ${issuer} cannot be fetched (${failing}): ${rest}`];
  });

const minutes = (ms: number): string => {
  const count = Math.round(ms / 60_000);
  return count < 120 ? `${count} min` : `${Math.floor(count / 60)} h`;
};

const MOST = 3;

/** By code, with the tenants that have the most of each. Tenant "none": refused before it was known for whom. */
export const refusalsOf = (
  rows: Iterable<{ readonly tenant: string; readonly code: string; readonly count: number }>,
): Status["refusals"] => {
  const all = [...rows];
  return totals(all, ["code"]).map(({ code, count }) => {
    const known = all
      .filter((row) => row.code === code && row.tenant !== "none")
      .toSorted((one, other) => other.count - one.count);
    return {
      code,
      count,
      most: known.slice(0, MOST).map(({ tenant, count: ofTenant }) => ({ tenant, count: ofTenant })),
    };
  });
};

/** Adds up what agrees in the given members. */
export const totals = <Row extends { readonly count: number }, Key extends Exclude<keyof Row, "count"> & string>(
  rows: Iterable<Row>,
  keys: readonly Key[],
): (Pick<Row, Key> & { count: number })[] => {
  const sums = new Map<string, Pick<Row, Key> & { count: number }>();
  for (const row of rows) {
    const id = keys.map((key) => String(row[key])).join("\0");
    const sum = sums.get(id);
    if (sum) sum.count += row.count;
    else
      sums.set(id, { ...(Object.fromEntries(keys.map((key) => [key, row[key]])) as Pick<Row, Key>), count: row.count });
  }
  return [...sums.entries()].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, sum]) => sum);
};
