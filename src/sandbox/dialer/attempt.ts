/** One record on its way to a call: retrieved with a handle, validated, and then dialed, stopped, or put back. */
import { attachedData, type AttachedData } from "./attached-data.ts";
import { retrieveNext, retrievedBy, type Retrieved } from "./dialling.ts";
import { tenantOfList, type CallingList } from "./directory.ts";
import type { EventLog, SandboxEvent } from "./event-log.ts";
import { settle } from "./groups.ts";
import { endHandle, releaseRecord } from "./handles.ts";
import { CALL_RESULT, RECORD_STATUS } from "./numbers.ts";
import { changeRecord, processRecord, type Hours } from "./records.ts";
import { USER_FIELDS, type CallingRecord } from "./schema.ts";
import type { Verdict } from "./validation.ts";
import type { World } from "./world.ts";

export type Attempt = {
  /** What was told of this record, and of those before it that are not to be called. */ readonly events: readonly SandboxEvent[];
} & (
  | { readonly kind: "dialed"; readonly retrieved: Retrieved }
  | { readonly kind: "stopped" }
  /** The validation-uri does not answer: the record is ready again. */
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
  readonly validate: ((data: AttachedData) => Promise<Verdict>) | undefined;
};

export const attempt = async (parts: AttemptParts, list: CallingList, hours: Hours): Promise<Attempt> => {
  const { world, log, base, validate } = parts;
  const events: SandboxEvent[] = [];
  const retrieved = world.db.transaction(() => {
    settle(world);
    return retrieveNext(world, list, hours, (record) => {
      events.push(
        tellStopped(world, log, {
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
  const verdict: Verdict = validate ? await validate(data) : { kind: "dial", changes: {} };
  return world.db.transaction(() => conclude(parts, { before: retrieved, data, verdict, events }));
};

type Judged = {
  readonly before: Retrieved;
  readonly data: AttachedData;
  readonly verdict: Verdict;
  readonly events: readonly SandboxEvent[];
};

const conclude = ({ world, log }: AttemptParts, { before, data, verdict, events }: Judged): Attempt => {
  // The answer took its time: a switchover, an unload or the stale timeout may have ended the handle meanwhile.
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
        tellStopped(world, log, { list, record, because: `pre-dial validation: ${because}`, callResult }),
      ],
    };
  }
  changeRecord(world, record.record_id, columnsIn(verdict.changes));
  const udata = { ...verdict.changes, ...unchangeable(data, verdict.changes) };
  return { kind: "dialed", retrieved, events: [...events, tellDialed(world, log, retrieved, udata)] };
};

/** The calling list's own columns that a validator gave other values. */
const columnsIn = (changes: AttachedData): Partial<CallingRecord> =>
  Object.fromEntries(
    USER_FIELDS.flatMap(({ column, key }) => (changes[key] === undefined ? [] : [[column, changes[key]]])),
  );

/** A validator changes what a column is bound to, and adds what OCS does not know; which record it is stays OCS's word. */
const unchangeable = (data: AttachedData, changes: AttachedData): AttachedData =>
  Object.fromEntries(
    Object.entries(data).filter(
      ([key]) => changes[key] === undefined || !USER_FIELDS.some((field) => field.key === key),
    ),
  );

const tellDialed = (
  world: World,
  log: EventLog,
  { record, list, group, tenant, since }: Retrieved,
  udata: AttachedData,
): SandboxEvent =>
  log.tell("record.dialed", tenant, {
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

const tellStopped = (world: World, log: EventLog, { list, record, because, callResult }: Stopped): SandboxEvent =>
  log.tell("record.stopped", tenantOfList(world, list), {
    record: record.record_id,
    list: list.name,
    phone: record.contact_info,
    because,
    call_result: callResult,
  });
