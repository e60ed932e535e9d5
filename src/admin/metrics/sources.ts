/** The values that metrics are computed from at each scrape. */
import type { JournalStatus } from "../../journal/journal.ts";
import type { TenantCount } from "../../journal/open-dnc/open-dnc-rows.ts";
import type { Certificate } from "../certificate-expiry.ts";
import type { Counts, Histogram } from "../counters.ts";
import type { Metric } from "./exposition.ts";
import type { HandlesState, KeySetState, UpstreamState } from "../status.ts";

/** Read again at each scrape, because every value may have changed. */
export type Sources = {
  readonly counts: Counts;
  readonly tenants: readonly { readonly name: string; readonly upstream: string }[];
  /** Their state now. */
  readonly upstreams: () => readonly UpstreamState[];
  /** Rate limits that gateways count together. `inHand`: points taken and not used yet. */
  readonly limitLeases?:
    | (() => { readonly isShared: boolean; readonly inHand: number; readonly statements: number })
    | undefined;
  /** The lanes that this gateway holds of those that several gateways share. */
  readonly laneLeases?:
    | (() => readonly {
        readonly upstream: string;
        readonly held: number;
        readonly total: number;
        readonly reserved: number;
        readonly isLeased: boolean;
      }[])
    | undefined;
  readonly handles?: (() => readonly HandlesState[]) | undefined;
  /** Issuers whose keys are fetched. */
  readonly keySets?: (() => readonly KeySetState[]) | undefined;
  readonly journal: () => Pick<JournalStatus, "failed" | "failures"> & Partial<Pick<JournalStatus, "waiting" | "lag">>;
  /** Milliseconds. */
  readonly checkpointAge: () => number;
  readonly certificates: readonly Certificate[];
  readonly configHash: string;
  /** Why the gateway rejected the config file on disk. */
  readonly refused?: string | undefined;
  readonly outbox?: (() => OutboxSamples) | undefined;
  /** Undefined while the counts are unknown. */
  readonly openDoNotCalls?: (() => readonly TenantCount[] | undefined) | undefined;
  /** Bytes and milliseconds; undefined while unknown. */
  readonly diskUse?:
    | (() => { readonly journal: number; readonly free: number; readonly fullInMs?: number | undefined } | undefined)
    | undefined;
  /** Cosignatures and timestamps of the checkpoints. */
  readonly evidence?:
    | {
        readonly witnesses: () => readonly {
          readonly witness: string;
          readonly size: number;
          readonly age: number | undefined;
          /** Why the witness does not cosign. */
          readonly trouble?: string | undefined;
        }[];
        readonly quorum: () => { readonly isMet: boolean; readonly size: number } | null;
        readonly timestamps: () => { readonly last: { readonly age: number } | undefined } | null;
      }
    | undefined;
  /** Results of verifying the journal's old entries again. */
  readonly backgroundVerify?:
    | { readonly verified: () => { readonly size: number } | undefined; readonly damage: () => readonly string[] }
    | undefined;
  readonly version?: string | undefined;
  /** Whether the process takes clients' requests now. */
  readonly serving?: boolean | undefined;
  /** Logins to the console, by result. */
  readonly logins?: (() => ReadonlyMap<string, number>) | undefined;
  /** For each listener: open connections, and how many more it accepts. */
  readonly connections?:
    | (() => readonly { readonly listener: string; readonly open: number; readonly left: number }[])
    | undefined;
  /** File descriptors allowed for the process; undefined without a limit. */
  readonly descriptorLimit?: number | undefined;
  readonly checkpointSinks?: (() => readonly SinkState[]) | undefined;
  readonly forwarding?: (() => readonly ForwardSample[]) | undefined;
  /** Where gateways share record handles: the log of each upstream. */
  readonly ownershipLogs?: (() => Iterable<OwnershipLogSample>) | undefined;
  /** Spans and log lines that were sent to the OpenTelemetry collector, or not. */
  readonly telemetry?:
    | (() => readonly { readonly signal: string; readonly result: string; readonly items: number }[])
    | undefined;
  /** Absent for a gateway that shares no database. */
  readonly cluster?:
    | {
        readonly nodes: () => Iterable<readonly [state: string, count: number]>;
        /** Milliseconds. */
        readonly leaseLeft: () => number;
        readonly isUp: () => boolean;
        readonly statements: Histogram;
        readonly failures: () => number;
        readonly waiting: () => number;
      }
    | undefined;
  readonly retention?:
    | {
        /** `waits`: why nothing is deleted although entries may be due. `next_look`: milliseconds. */
        readonly state: () => { readonly waits: string | null; readonly next_look: number };
        /** Entries that this process deleted. */
        readonly deleted: () => number;
      }
    | undefined;
  /** Requests of earlier runs that this start found without an outcome. */
  readonly inDoubt?: number | undefined;
  /** Rate limits of which at least half is used now: the used part, from 0 to 1. */
  readonly limits?:
    | (() => readonly { readonly tenant: string; readonly limit: string; readonly used: number }[])
    | undefined;
  /** How many requests of one tenant an upstream's queue accepts. */
  readonly queueMax?: ((upstream: string) => number | undefined) | undefined;
};

/** Accepted Do-Not-Calls of a tenant. `oldest`: milliseconds. */
export type OutboxSample = {
  readonly tenant: string;
  readonly pending: number;
  readonly alarms: number;
  readonly oldest: number;
};

export type OutboxSamples = {
  readonly counts: readonly OutboxSample[];
  readonly attempts: readonly { readonly tenant: string; readonly result: string; readonly count: number }[];
};

/** A checkpoint sink. */
export type SinkState = {
  /** As written in the config. */
  readonly place: string;
  /** Whether the last checkpoint arrived; undefined before the first one was sent. */
  readonly arrives: boolean | undefined;
  /** Checkpoints that are not there yet. */
  readonly waiting: number;
};

/** A destination of `audit.forward`. */
export type ForwardSample = {
  readonly destination: string;
  readonly isUp: boolean;
  /** The index of the next entry, and how many entries are not there yet; undefined until the position is known. */
  readonly next: number | undefined;
  readonly lag: number | undefined;
  /** Failed attempts, and entries that were gone before they were forwarded, both in this run. */
  readonly failures: number;
  readonly missing: number;
};

/** The log of an upstream's record handles. Counts are of this run. */
export type OwnershipLogSample = {
  readonly upstream: string;
  /** The last event that was applied, and how many are known that were not. */
  readonly position: number;
  readonly lag: number;
  readonly mayAnswer: boolean;
  /** Events that could not be written yet. */
  readonly pending: number;
  /** Events that were applied, and those of them that this gateway wrote. */
  readonly applied: number;
  readonly appended: number;
  /** Turns of finalizing requests, reads, and announcements that waited for other gateways. */
  readonly claims: number;
  readonly catchUps: number;
  readonly waits: number;
};

export type MetricRow = Metric<Sources>;
