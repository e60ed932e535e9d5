/** What the gateway does with each callback from OCS: records owners, asks the validator, raises alarms. */
import type { AnnouncedRecord, MalformedReason, OcsCallbackDeps } from "../../callbacks/ocs-callbacks.ts";
import { fallbackReply, type ValidatorClient } from "../../callbacks/validator-client.ts";
import type { Counts } from "../../admin/counters.ts";
import { maskNumbers } from "../../common/mask.ts";
import { headerOf, type Arrival, type Reply } from "../../common/message.ts";
import { REFUSALS, type Refusal } from "../../gateway/refusals.ts";
import { FOR_FAULT } from "../../gateway/refused.ts";
import type { Stage } from "../../journal/entry.ts";
import { wellFormed, type PropertyName } from "../../ocs/properties.ts";
import { mayDial, type OwnershipResult, type DecidingProperties } from "../../ownership/ownership.ts";
import type { CallbacksSettings } from "../../settings/schema/schema.ts";
import type { Generation } from "../generation.ts";
import type { Records } from "./ownership.ts";

export type CallbackContext = {
  readonly records: Records;
  readonly counts: Counts;
  readonly current: () => Generation;
  readonly upstream: string;
  readonly callbacks: CallbacksSettings;
  readonly validator: ValidatorClient | undefined;
};

/** The dependencies of OCS's callbacks: the active OCS, ownership, the validator, the journal. */
export const callbackDeps = (context: CallbackContext): OcsCallbackDeps => {
  const { records, counts, current, upstream, validator } = context;
  const count = (result: string): void => counts.callback(upstream, result);
  return {
    speaksForActive: async (address, at) => {
      const activeSource = records.activeSources.get(upstream);
      if (!activeSource) return false;
      // An OCS that announces records is up, whatever the last probe found.
      current().upstreams.get(upstream)?.switchboard.noteAnnouncement(activeSource.originAt(address));
      return activeSource.speaksForActive(address, at);
    },
    onAnnounced: async (record) => {
      const owning = await own(context, record);
      count(owning);
      return !mayDial(owning) ? "blocked" : owning === "again" ? "known" : "new";
    },
    mustNotBeCalled: (record) => {
      const { deps, findTenant } = current();
      const found = findTenant(upstream, record);
      if ("unowned" in found) return false;
      const { phone, customer } = record;
      const isPending = deps.outbox?.pendingFor(found.tenant, { phone, customer }) !== undefined;
      if (isPending) count("dnc-pending");
      return isPending;
    },
    onInactiveSource: () => {
      count("astray");
      records.alarms.raiseOngoing({
        reason: "an inactive OCS announced records; the gateway told it not to dial them",
        advice:
          "Requests are served as usual. This is normal for some seconds after a switchover; if it goes on, check " +
          "which OCS is the primary, upstreams.NAME.primary and backup, and what else may post to the callbacks " +
          "listener",
        upstream,
        resource: "records",
      });
    },
    onRejected: ({ handle, attempt }) => {
      count("withheld");
      return records.ownership.end(upstream, handle, "rejected", attempt);
    },
    onCallEnd: async ({ handle, attempt }) => {
      count("call-ended");
      if (handle !== undefined) return records.ownership.end(upstream, handle, "call-ended", attempt);
      return attempt === undefined || records.ownership.endAttempt(upstream, attempt);
    },
    onMalformedCallEnd: (detail) => {
      count("malformed");
      records.alarms.raiseOngoing({
        reason: "malformed call report: it ended no record handle",
        advice:
          "The handle stays valid for its tenant until OCS or stale_after ends it. Check the call report's settings " +
          "in OCS, and what else may post to the callbacks listener",
        upstream,
        resource: "records",
        detail,
      });
    },
    validate: validator && ((body, arrival, handle) => validate(context, validator, { body, arrival, handle })),
    onMalformed: (arrival, why, detail) => {
      count("malformed");
      const { refusal, stage } = refusalFor(why);
      const { code, status } = REFUSALS[refusal];
      current().deps.note({
        kind: "refusal",
        id: arrival.id,
        source: arrival.source,
        listener: arrival.listener,
        code,
        status,
        delivery: "not-sent",
        detail: maskNumbers(detail),
        stage,
      });
      return status;
    },
  };
};

/** Records the announced record's owner. */
const own = async (
  { records, current, upstream }: CallbackContext,
  record: AnnouncedRecord,
): Promise<OwnershipResult> => {
  const { deps, findTenant } = current();
  const found = findTenant(upstream, record);
  if ("unowned" in found) {
    if (found.unowned === "unregistered") return records.ownership.markUnowned(upstream, record.handle);
    return records.ownership.markUnowned(
      upstream,
      record.handle,
      found.among.map(({ dbid }) => dbid),
      found.malformed.map((key) => PROPERTIES[key]),
    );
  }
  const { handle, campaign, groupDbid, groupName, list, attempt } = record;
  const tokens = deps.redact.tokens("records", undefined, personIn(record));
  return records.ownership.announce({
    upstream,
    handle,
    tenant: found.tenant.dbid,
    campaign: wellFormed(campaign) ?? null,
    group: wellFormed(groupName) ?? wellFormed(groupDbid)?.toString() ?? null,
    list: wellFormed(list) ?? null,
    phone: tokens?.phone ?? null,
    customer: tokens?.customer_id ?? null,
    attempt: attempt ?? null,
  });
};

const personIn = ({ phone, customer }: AnnouncedRecord): ReadonlyMap<string, unknown> =>
  new Map([
    ["GSW_PHONE", phone],
    ["GSW_CUSTOMER_ID", customer],
  ]);

/** The names that OCS uses for these properties. */
const PROPERTIES: Readonly<Record<keyof DecidingProperties, PropertyName>> = {
  tenantDbid: "GSW_TENANT_DBID",
  tenantName: "GSW_TENANT_NAME",
  groupDbid: "GSW_CAMPAIGN_GROUP_DBID",
  groupName: "GSW_CAMPAIGN_GROUP_NAME",
  campaign: "GSW_CAMPAIGN_NAME",
  list: "GSW_CALLING_LIST",
};

type Validated = { readonly body: Uint8Array; readonly arrival: Arrival; readonly handle: number };

const validate = async (
  { records, counts, upstream, callbacks }: CallbackContext,
  validator: ValidatorClient,
  { body, arrival, handle }: Validated,
): Promise<Reply> => {
  const relayed = await validator.send(body, headerOf(arrival.headers, "Content-Type"));
  if ("reply" in relayed) return relayed.reply;
  counts.callback(upstream, `validator-${relayed.failed}`);
  records.alarms.raiseOngoing({
    reason:
      "the validator does not answer: records are " +
      `${callbacks.on_timeout === "allow" ? "dialed without validation" : "not dialed"}`,
    advice:
      "Requests are served as usual. Check the validator and the network to it (upstreams.NAME.callbacks.validator); " +
      "the gateway asks it again for each record, and callbacks.on_timeout decides what OCS does without an answer",
    upstream,
    resource: "records",
    detail: relayed.detail,
  });
  return fallbackReply(callbacks.on_timeout, relayed.failed, handle);
};

const refusalFor = (why: MalformedReason): { readonly refusal: Refusal; readonly stage: Stage } => {
  switch (why) {
    case "json":
      return { refusal: "bad-json", stage: "body" };
    case "attribute":
      return { refusal: "bad-attribute", stage: "body" };
    case "method":
      return { refusal: "wrong-method", stage: "operation" };
    default:
      return { refusal: FOR_FAULT[why], stage: "message" };
  }
};
