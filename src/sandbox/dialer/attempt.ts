/** One dialing attempt: a record is retrieved with a handle, validated, and then dialed, stopped, or put back. */
import { attachedData, type AttachedData } from "./attached-data.ts";
import { retrieveNext, retrievedBy, type Retrieved } from "./retrieve-records.ts";
import { tenantOfList, type CallingList } from "../world/directory.ts";
import type { EventLog, SandboxEvent } from "../world/event-log.ts";
import { settle } from "../world/groups.ts";
import { endHandle, releaseRecord } from "../world/handles.ts";
import { CALL_RESULT, RECORD_STATUS } from "../world/codes.ts";
import { changeRecord, processRecord, type Hours } from "../world/records.ts";
import { USER_FIELDS, type CallingRecord } from "../world/schema.ts";
import type { Verdict } from "./announce.ts";
import type { World } from "../world/world.ts";

export type Attempt = {
  /** The events of this record and of the records stopped before it. */
  readonly events: readonly SandboxEvent[];
} & (
  | { readonly kind: "dialed"; readonly retrieved: Retrieved }
  | { readonly kind: "stopped" }
  /** The record was put back: the validation-uri did not answer, or the handle ended meanwhile. */
  | { readonly kind: "later"; readonly because: string }
  /** The list has nothing to dial now. */
  | { readonly kind: "none" }
);

export type AttemptParts = {
  readonly world: World;
  readonly log: EventLog;
  /** Scheme and authority of GSW_RECORD_URI. */
  readonly base: string;
  /** undefined: every record may be dialed. */
  readonly announce: ((data: AttachedData) => Promise<Verdict>) | undefined;
};

export const attempt = async (parts: AttemptParts, list: CallingList, hours: Hours): Promise<Attempt> => {
  const { world, log, base, announce } = parts;
  const events: SandboxEvent[] = [];
  const retrieved = world.db.transaction(() => {
    settle(world);
    return retrieveNext(world, list, hours, (record) => {
      events.push(
        logStopped(world, log, {
          list,
          record,
          because: "on the do-not-call list",
          callResult: CALL_RESULT.doNotCall,
        }),
      );
    });
  });
  if (!retrieved) return { kind: "none", events };
  const data = attachedData(world, retrieved, base);
  const verdict: Verdict = announce ? await announce(data) : { kind: "dial", changes: {} };
  return world.db.transaction(() => conclude(parts, { before: retrieved, data, verdict, events }));
};

type Judged = {
  readonly before: Retrieved;
  readonly data: AttachedData;
  readonly verdict: Verdict;
  readonly events: readonly SandboxEvent[];
};

const conclude = ({ world, log }: AttemptParts, { before, data, verdict, events }: Judged): Attempt => {
  // A switchover, an unload or the stale timeout may have ended the handle during the validation.
  const retrieved = retrievedBy(world, before.handle);
  if (retrieved?.run !== before.run)
    return { kind: "later", because: "its handle ended before the validation's answer", events };
  const { record, list } = retrieved;
  if (verdict.kind === "later") {
    releaseRecord(world, record.record_id, { attempt: record.attempt - 1 });
    return { ...verdict, events };
  }
  if (verdict.kind === "stop") {
    const { callResult, because } = verdict;
    processRecord(world, record.record_id, {
      record_status: RECORD_STATUS.updated,
      call_result: callResult,
      attempt: record.attempt - 1,
    });
    endHandle(world, record);
    return {
      kind: "stopped",
      events: [
        ...events,
        logStopped(world, log, { list, record, because: `pre-dial validation: ${because}`, callResult }),
      ],
    };
  }
  changeRecord(world, record.record_id, columnsIn(verdict.changes));
  const udata = { ...verdict.changes, ...unchangeable(data, verdict.changes) };
  return { kind: "dialed", retrieved, events: [...events, logDialed(world, log, retrieved, udata)] };
};

/** The user-defined columns of the calling list that the validator changed. */
const columnsIn = (changes: AttachedData): Partial<CallingRecord> =>
  Object.fromEntries(
    USER_FIELDS.flatMap(({ column, key }) => (changes[key] === undefined ? [] : [[column, changes[key]]])),
  );

/**
 * The part of the data that the validator cannot replace. It may change keys bound to a user-defined column and add
 * keys that OCS does not know, but not what identifies the record.
 */
const unchangeable = (data: AttachedData, changes: AttachedData): AttachedData =>
  Object.fromEntries(
    Object.entries(data).filter(
      ([key]) => changes[key] === undefined || !USER_FIELDS.some((field) => field.key === key),
    ),
  );

const logDialed = (
  world: World,
  log: EventLog,
  { record, list, group, tenant, since }: Retrieved,
  udata: AttachedData,
): SandboxEvent =>
  log.add("record.dialed", tenant, {
    record: record.record_id,
    list: list.name,
    group: group.dbid,
    udata,
    expects: { finalize: true, before: new Date(since * 1000 + world.staleTimeout).toISOString() },
  });

type Stopped = {
  readonly list: CallingList;
  readonly record: CallingRecord;
  readonly because: string;
  readonly callResult: number;
};

const logStopped = (world: World, log: EventLog, { list, record, because, callResult }: Stopped): SandboxEvent =>
  log.add("record.stopped", tenantOfList(world, list), {
    record: record.record_id,
    list: list.name,
    phone: record.contact_info,
    because,
    call_result: callResult,
  });
