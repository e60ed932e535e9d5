/** The content of `/api/status`, and what makes the gateway not ready. Durations in milliseconds. */
import type { JournalStatus } from "../journal/journal.ts";
import type { RolloutStep } from "./now/rollout.ts";

export type EndpointState = {
  /** scheme://host:port */
  readonly endpoint: string;
  readonly role: "primary" | "backup";
  /** Requests go to this one. */
  readonly active: boolean;
  /** The active OCS accepts requests; never true for the standby. */
  readonly up: boolean;
  /** What the last probe of the standby found; undefined for the active OCS, and before the first probe. */
  readonly standby?: StandbyState;
};

export type StandbyState = {
  readonly seen: "accepts" | "accepts and closes" | "refuses" | "silent" | "fails TLS";
  /** The error, where there was one. */
  readonly detail: string | undefined;
  /** How long probes have found this. */
  readonly since: number;
  /** What a healthy standby does: as configured (`standby`), or learned; undefined while unknown. */
  readonly expected: "closes" | "refuses" | "accepts" | undefined;
  readonly healthy: boolean;
};

export type LaneState = {
  readonly name: string;
  /** Null while the lane has no connection. */
  readonly endpoint: string | null;
  readonly state: "idle" | "connecting" | "busy" | "ready";
  readonly tenant?: string | undefined;
  readonly dbid?: number | undefined;
  /** The request in flight. */
  readonly request?: LaneRequest | undefined;
  /** Time in this state. */
  readonly since: number;
};

/** `identifier`: as the journal keeps it; null if the request names none, or if the journal keeps none. */
export type LaneRequest = { readonly action: string; readonly resource: string; readonly identifier: string | null };

export type QueueState = {
  readonly tenant: string;
  readonly dbid: number;
  readonly waiting: number;
  readonly bytes: number;
  /** How long the oldest queued request has waited. */
  readonly oldest: number;
};

export type UpstreamState = {
  readonly name: string;
  /** Increased by one after each takeover by the peer. */
  readonly epoch: number;
  readonly endpoints: readonly EndpointState[];
  readonly lanes: readonly LaneState[];
  readonly queue: readonly QueueState[];
};

export type HandlesState = {
  readonly upstream: string;
  readonly tenant: string;
  /** Record handles that the tenant owns. */
  readonly handles: number;
  /** Those that OCS has not confirmed since the gateway started or its connections were lost. */
  readonly unconfirmed: number;
};

export type Status = {
  readonly version: string;
  readonly uptime: number;
  readonly config_hash: string;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /** Problems that do not stop the gateway from serving but need an operator. */
  readonly warnings: readonly string[];
  /** How many tenants enforce their policy, and how many only observe it. */
  readonly modes: { readonly enforce: number; readonly observe: number };
  /** The steps from recording to enforcing, in their order. */
  readonly rollout: readonly RolloutStep[];
  readonly upstreams: readonly UpstreamState[];
  readonly records: readonly HandlesState[];
  readonly journal: Omit<JournalStatus, "failed"> & {
    /** Why the journal cannot be written. */
    readonly failed: string | null;
    /** How many entries the last checkpoint covers, and its age. */
    readonly checkpoint: { readonly size: number; readonly age: number };
    /**
     * Bytes of the journal, free bytes on its disk, bytes by which these shrink in an hour, and time until none is
     * left; null while unknown.
     */
    readonly disk: {
      readonly journal: number;
      readonly free: number;
      readonly per_hour: number | null;
      readonly full_in: number | null;
    } | null;
    /** Entries below index `size` were verified again at `at` (milliseconds since 1970); null before the first time. */
    readonly verified: { readonly size: number; readonly at: number } | null;
    /** One sentence for each part that does not match what was signed. */
    readonly damage: readonly string[];
    /**
     * By name and key id: how many entries the witness has cosigned, the age of its cosignature (null before the first
     * one in this run), and why it does not cosign.
     */
    readonly witnesses: readonly {
      readonly witness: string;
      readonly url: string;
      readonly size: number;
      readonly age: number | null;
      readonly trouble: string | null;
    }[];
    /** How many must cosign, whether they do, and how many entries that many have cosigned; null without witnesses. */
    readonly quorum: { readonly needed: number; readonly met: boolean; readonly size: number } | null;
    /** The last timestamp of this run: entries, time (milliseconds since 1970) and age; null without an authority. */
    readonly timestamp: {
      readonly url: string;
      readonly last: { readonly size: number; readonly time: number; readonly age: number } | null;
      readonly trouble: string | null;
    } | null;
  };
  /**
   * Do-Not-Calls that OCS has not accepted, by tenant (null if the request named none), and the age of the oldest; null
   * while unknown.
   */
  readonly open_do_not_calls:
    | readonly { readonly tenant: string | null; readonly open: number; readonly oldest: number }[]
    | null;
  /** Accepted Do-Not-Calls that OCS has not carried out, by tenant; `alarms`: those that wait for a person. */
  readonly outbox: readonly {
    readonly tenant: string;
    readonly pending: number;
    readonly alarms: number;
    readonly oldest: number;
  }[];
  /** Since the start, all tenants together. */
  readonly requests: readonly { readonly origin: string; readonly status_class: string; readonly count: number }[];
  /** `most`: up to three tenants with the highest counts. */
  readonly refusals: readonly {
    readonly code: string;
    readonly count: number;
    readonly most: readonly { readonly tenant: string; readonly count: number }[];
  }[];
  /** Why credentials were rejected (src/docs/reference/credentials.md), only for reasons that occurred. */
  readonly auth_failures: readonly { readonly reason: string; readonly count: number }[];
  /** Requests that were sent and got no complete answer. */
  readonly no_answers: readonly { readonly code: string; readonly count: number }[];
};

/** Names of numbers in milliseconds and bytes, with their unit. */
export const UNITS = {
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
} as const;

const unitOf = (name: string): string | undefined =>
  Object.hasOwn(UNITS, name) ? UNITS[name as keyof typeof UNITS] : undefined;

/** Adds to each number a member whose name has the unit. The old member stays for existing clients. */
export const withUnits = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withUnits);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]: [string, unknown]) => {
      const named = typeof each === "object" && each !== null ? undefined : unitOf(name);
      return [
        [name, withUnits(each)],
        ...(named === undefined || typeof each === "string" || (each === null && name === "journal")
          ? []
          : [[named, each]]),
      ];
    }),
  );
};

/** Why the gateway is not ready; empty while one OCS can be reached, because its tenants can be served. */
export const unreachable = (upstreams: readonly UpstreamState[]): readonly string[] =>
  upstreams.length > 0 && upstreams.every(({ endpoints }) => endpoints.every(({ up }) => !up))
    ? [`no OCS reachable: ${upstreams.map((each) => `${each.name} (${addressesOf(each)})`).join(", ")}`]
    : [];

const addressesOf = ({ endpoints }: UpstreamState): string => endpoints.map(({ endpoint }) => endpoint).join(", ");

/** Warnings: each unreachable upstream, unless all are (see `unreachable`). */
export const partlyUnreachable = (upstreams: readonly UpstreamState[]): readonly string[] => {
  const away = upstreams.filter(({ endpoints }) => endpoints.every(({ up }) => !up));
  return away.length === upstreams.length
    ? []
    : away.map(
        (each) =>
          `no OCS of upstream ${each.name} can be reached (${addressesOf(each)}): ` +
          "requests of its tenants get 503 OCSGW-4001",
      );
};

const DOES: Readonly<Record<StandbyState["seen"] | "closes", string>> = {
  accepts: "keeps connections open",
  closes: "accepts and closes connections",
  "accepts and closes": "accepts and closes connections",
  refuses: "refuses connections",
  silent: "does not answer",
  "fails TLS": "fails the TLS handshake",
};

/** Warnings: each standby that does not behave as a healthy one. */
export const unhealthyStandbys = (upstreams: readonly UpstreamState[]): readonly string[] =>
  upstreams.flatMap(({ name, endpoints }) =>
    endpoints.flatMap(({ endpoint, standby }) => {
      if (!standby || standby.healthy) return [];
      const { seen, detail, expected } = standby;
      const usual = expected === undefined ? "" : `; a healthy standby there ${DOES[expected]}`;
      const hint =
        seen === "refuses" && expected === undefined
          ? ` (where a standby always refuses, set upstreams.${name}.standby: refuses)`
          : "";
      return [
        `the standby OCS ${endpoint} of upstream ${name} ` +
          `${DOES[seen]}${detail === undefined ? "" : ` (${detail})`}${usual}. It may fail to take over${hint}`,
      ];
    }),
  );

/** An issuer whose keys are fetched. Milliseconds. */
export type KeySetState = {
  readonly issuer: string;
  /** Since the last successful fetch; undefined before the first. */
  readonly age: number | undefined;
  /** How long the fetched keys remain valid without another fetch; 0 without keys. */
  readonly validFor: number;
  /** Why the last attempt to fetch them failed. */
  readonly lastError: string | undefined;
};

/** Warnings: each issuer whose keys cannot be fetched, and what happens to its tokens. */
export const unavailableIssuers = (sets: readonly KeySetState[]): readonly string[] =>
  sets.flatMap(({ issuer, age, validFor, lastError }) => {
    if (lastError === undefined) return [];
    const rest =
      age === undefined || validFor === 0
        ? "its tokens are refused (503 OCSGW-2003)"
        : `its tokens are verified with the keys of ${minutes(age)} ago, for ${minutes(validFor)} more at most`;
    return [`the keys of issuer ${issuer} cannot be fetched (${lastError}): ${rest}`];
  });

const minutes = (ms: number): string => {
  const count = Math.round(ms / 60_000);
  return count < 120 ? `${count} min` : `${Math.floor(count / 60)} h`;
};

const MOST = 3;

/** Refusals by code, with the tenants that have most of each. Tenant "none": refused before the tenant was known. */
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

/** Sums the counts of rows that agree in the given members. */
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
