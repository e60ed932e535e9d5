/** Metrics of the journal: writing, disk, verification, checkpoints and their sinks, retention, open Do-Not-Calls. */
import type { TenantCount } from "../../journal/open-dnc/open-dnc-rows.ts";
import type { Histogram } from "../counters.ts";
import { flag, seconds, single, type Rows } from "./exposition.ts";
import type { MetricRow } from "./sources.ts";

/** The label of requests that named none of their client's tenants. A tenant of this name is counted with them. */
const NO_TENANT = "none";

const labelOf = ({ tenant }: TenantCount): string => tenant ?? NO_TENANT;

export const OPEN_DNC_METRICS: readonly MetricRow[] = [
  {
    name: "ocsgw_dnc_open",
    type: "gauge",
    help:
      "Open Do-Not-Calls: requested, and not confirmed by OCS. Absent while the number is unknown, as in the first " +
      "seconds after a start.",
    rows: function* ({ openDoNotCalls, tenants }) {
      const counts = openDoNotCalls?.();
      if (!counts) return;
      const open = new Map<string, number>();
      for (const each of counts) open.set(labelOf(each), (open.get(labelOf(each)) ?? 0) + each.open);
      for (const tenant of new Set([...tenants.map(({ name }) => name), ...open.keys()]))
        yield [{ tenant }, open.get(tenant) ?? 0];
    },
  },
  {
    name: "ocsgw_dnc_open_oldest_seconds",
    type: "gauge",
    help: "Time since the tenant's oldest open Do-Not-Call was requested. Absent when none is open.",
    rows: function* ({ openDoNotCalls }) {
      const first = new Map<string, number>();
      for (const each of openDoNotCalls?.() ?? [])
        first.set(labelOf(each), Math.min(each.oldest, first.get(labelOf(each)) ?? each.oldest));
      for (const [tenant, oldest] of first) yield [{ tenant }, Math.max(0, (Date.now() - oldest / 1000) / 1000)];
    },
  },
];

export const JOURNAL_METRICS: readonly MetricRow[] = [
  {
    name: "ocsgw_journal_up",
    type: "gauge",
    help: "0 while the journal cannot be written; audit.on_failure decides whether requests are refused.",
    rows: ({ journal }) => single(flag(journal().failed === undefined)),
  },
  {
    name: "ocsgw_journal_failures_total",
    type: "counter",
    help: "Times that the journal became unwritable.",
    rows: ({ journal }) => single(journal().failures),
  },
  {
    name: "ocsgw_journal_append_seconds",
    type: "histogram",
    help: "Time until an intent or an outcome is on disk.",
    rows: ({ counts }): Rows<Histogram> => [[{}, counts.appends]],
  },
  {
    name: "ocsgw_journal_waiting_entries",
    type: "gauge",
    help: "Entries that wait to be written to disk.",
    rows: ({ journal }) => single(journal().waiting),
  },
  {
    name: "ocsgw_journal_lag_seconds",
    type: "gauge",
    help: "How long the oldest entry that waits for the disk has waited. 0 when none waits.",
    rows: ({ journal }) => single(seconds(journal().lag)),
  },
  {
    name: "ocsgw_journal_bytes",
    type: "gauge",
    help: "Size of all files in audit.dir.",
    rows: ({ diskUse }) => single(diskUse?.()?.journal),
  },
  {
    name: "ocsgw_disk_free_bytes",
    type: "gauge",
    help: "Free space for the gateway on the disk of audit.dir.",
    rows: ({ diskUse }) => single(diskUse?.()?.free),
  },
  {
    name: "ocsgw_disk_full_in_seconds",
    type: "gauge",
    help:
      "Time until the disk of audit.dir is full at the rate of the last hour. Absent when it is unknown or the disk " +
      "is not filling up.",
    rows: ({ diskUse }) => single(seconds(diskUse?.()?.fullInMs)),
  },
  {
    name: "ocsgw_journal_verified_entries",
    type: "gauge",
    help:
      "Entries, counted from the first one, that were read again and match their signature. Absent before the first " +
      "verification.",
    rows: ({ backgroundVerify: rereading }) => single(rereading?.verified()?.size),
  },
  {
    name: "ocsgw_journal_damage",
    type: "gauge",
    help:
      "Damaged places below the last checkpoint; the journal has an alarm for each. Absent before the first " +
      "verification.",
    rows: ({ backgroundVerify: rereading }) => {
      const places = rereading?.damage().length ?? 0;
      return single(places === 0 && rereading?.verified() === undefined ? undefined : places);
    },
  },
  {
    name: "ocsgw_journal_checkpoint_age_seconds",
    type: "gauge",
    help: "Time since the last checkpoint was signed.",
    rows: ({ checkpointAge }) => single(checkpointAge() / 1000),
  },
  {
    name: "ocsgw_second_place_up",
    type: "gauge",
    help:
      "0 while checkpoints cannot be delivered to a checkpoint sink, or earlier ones were removed there. Absent " +
      "before the first delivery.",
    rows: function* ({ checkpointSinks }) {
      for (const { place, arrives } of checkpointSinks?.() ?? [])
        if (arrives !== undefined) yield [{ place }, flag(arrives)];
    },
  },
  {
    name: "ocsgw_second_place_waiting",
    type: "gauge",
    help: "Checkpoints that wait for delivery to a checkpoint sink.",
    rows: function* ({ checkpointSinks }) {
      for (const { place, waiting } of checkpointSinks?.() ?? []) yield [{ place }, waiting];
    },
  },
  {
    name: "ocsgw_retention_ok",
    type: "gauge",
    help: "0 while retention deletes nothing although entries may be due; ocsgw audit retention shows the reason.",
    rows: ({ retention }) => single(retention && flag(retention.state().waits === null)),
  },
  {
    name: "ocsgw_retention_next_look_seconds",
    type: "gauge",
    help: "Time until retention runs next.",
    rows: ({ retention }) => single(seconds(retention?.state().next_look)),
  },
  {
    name: "ocsgw_retention_deleted_entries_total",
    type: "counter",
    help: "Expired entries that retention deleted.",
    rows: ({ retention }) => single(retention?.deleted()),
  },
];

/** Absent without witnesses or an authority, and before the first answer of this run. */
export const EVIDENCE_METRICS: readonly MetricRow[] = [
  {
    name: "ocsgw_witness_cosigned_entries",
    type: "gauge",
    help: "Entries that a witness has cosigned.",
    rows: function* ({ evidence: outside }) {
      for (const { witness, size } of outside?.witnesses() ?? []) yield [{ witness }, size];
    },
  },
  {
    name: "ocsgw_witness_age_seconds",
    type: "gauge",
    help: "Time since a witness last cosigned, in this run.",
    rows: function* ({ evidence: outside }) {
      for (const { witness, age } of outside?.witnesses() ?? []) if (age !== undefined) yield [{ witness }, age / 1000];
    },
  },
  {
    name: "ocsgw_witness_quorum_met",
    type: "gauge",
    help:
      "0 while fewer witnesses cosign than audit.checkpoint.witness_quorum requires. Absent before the first " +
      "witness answered in this run.",
    rows: ({ evidence: outside }) => {
      const quorum = outside?.quorum();
      const isHeard = outside?.witnesses().some(({ age, trouble }) => age !== undefined || trouble !== undefined);
      return single(quorum && isHeard ? flag(quorum.isMet) : undefined);
    },
  },
  {
    name: "ocsgw_timestamp_age_seconds",
    type: "gauge",
    help: "Time since a checkpoint last got a timestamp, in this run.",
    rows: ({ evidence: outside }) => single(seconds(outside?.timestamps()?.last?.age)),
  },
];
