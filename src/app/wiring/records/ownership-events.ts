/** Tells operators and auditors about events of record handles' owners. */
import type { Counts } from "../../../admin/counters.ts";
import { events } from "../../../common/log/events.ts";
import type { Tenant } from "../../../journal/entry.ts";
import type { Journal } from "../../../journal/journal.ts";
import type { OwnershipEvent } from "../../../ownership/ownership.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Alarms } from "../alarms.ts";

type EventDeps = {
  readonly journal: Journal;
  readonly alarms: Alarms;
  readonly counts: Counts;
  readonly settings: Settings;
};

/** Logs, counts and journals an event of ownership, or raises an alarm. */
export const reportEvent = (event: OwnershipEvent, { journal, alarms, counts, settings }: EventDeps): void => {
  if (event.kind !== "epoch")
    return alarms[ONGOING.has(event.kind) ? "raiseOngoing" : "raise"](alarmOf(event, settings));
  const { upstream, endpoint, from = endpoint, epoch, reason, proof } = event;
  counts.switchover(upstream);
  if (from === endpoint) events.epochStarted({ upstream, epoch, reason });
  else events.switchover({ upstream, from, to: endpoint, epoch, reason });
  journal.note({ kind: "switchover", upstream, from, to: endpoint, epoch, reason, ...(proof && { proof }) });
};

/** Conditions that are reported again with each record, or each second, as long as they last. */
const ONGOING: ReadonlySet<OwnershipEvent["kind"]> = new Set(["store-failed", "removals-pending"]);

type AlarmEntry = Parameters<Alarms["raise"]>[0];

const alarmOf = (event: Exclude<OwnershipEvent, { kind: "epoch" }>, { tenants }: Settings): AlarmEntry => {
  if (event.kind === "removals-pending") {
    return {
      reason: "the ownership database cannot be written: revoked owners are still stored; the gateway retries",
      advice:
        "Requests are decided correctly while the gateway runs. Free disk space or repair the disk of audit.dir " +
        "before the gateway is restarted",
      upstream: "",
      resource: "records",
      detail: `${event.count} changes pending`,
    };
  }
  const { upstream } = event;
  const tenantOf = (is: (tenant: Settings["tenants"][number]) => boolean): { tenant?: Tenant } => {
    const found = tenants.find((tenant) => tenant.upstream === upstream && is(tenant));
    return found ? { tenant: { dbid: found.dbid, name: found.name } } : {};
  };
  switch (event.kind) {
    case "probes":
      // Only the sum: an auditor of this tenant may read it, and must not learn which handles other tenants have.
      return {
        reason: "a tenant requests record handles that do not belong to it",
        advice:
          "These requests got 410 OCSGW-2106, and many in a second 429 OCSGW-2108; nothing was sent to OCS. Find out " +
          "which of the tenant's clients sends them, and where it got the handles",
        upstream,
        ...tenantOf(({ dbid }) => dbid === event.tenant),
        resource: "records",
        detail: `${event.foreign + event.unknown} requests`,
      };
    case "shared-use":
      return {
        reason: "one record handle was used by two tenants",
        advice:
          "Both requests were sent to OCS, because the tenant's records setting is unscoped. Find out which of the " +
          "two tenants has the call; set records: pre-dial or registered to separate tenants",
        upstream,
        ...tenantOf(({ name }) => name === event.tenants[1]),
        resource: "records",
        identifier: event.handle,
      };
    case "disputed":
      return {
        ...whyDisputed(event.malformed),
        advice:
          "Requests with this handle get 503 OCSGW-5103 from the tenants that may own it, and 410 OCSGW-2106 from " +
          "others. Compare the tenants, groups, campaigns and lists in the config with OCS",
        upstream,
        resource: "records",
        identifier: String(event.handle),
      };
    case "store-failed":
      return {
        reason: "the ownership database cannot be written: the gateway tells OCS not to dial announced records",
        advice:
          "Requests by phone number, customer id, list and group are served as usual. Free disk space or repair the " +
          "disk of audit.dir; the gateway tries again with each record",
        upstream,
        resource: "records",
        detail: event.reason,
      };
    case "log-stalled":
      return {
        reason: "the shared log of record handles contains what this gateway cannot apply",
        advice:
          "Requests with record handles get 503 OCSGW-5103 here, and OCS is told not to dial; all others are served. " +
          "If another gateway has a newer version, upgrade this one; otherwise see the page Two gateways",
        upstream,
        resource: "records",
        detail: event.reason,
      };
    case "log-lost":
      return {
        reason: "the shared database has lost announcements of record handles",
        advice:
          "It was restored, or a standby took over that did not have the last commits. Requests with handles that " +
          "OCS has not announced since get 503 OCSGW-5103; all others are served. Make the standby synchronous",
        upstream,
        resource: "records",
      };
  }
};

const whyDisputed = (
  malformed: readonly string[] | undefined,
): { readonly reason: string; readonly detail?: string } => {
  if (!malformed) return { reason: "a record handle in use was announced for another tenant; it has no owner now" };
  if (malformed.length === 0)
    return {
      reason: "OCS announced a record whose tenant, group, campaign and list contradict each other; it has no owner",
    };
  return {
    reason: "OCS announced a record whose tenant, group, campaign or list is malformed; it has no owner",
    detail: `malformed: ${malformed.join(", ")}`,
  };
};
