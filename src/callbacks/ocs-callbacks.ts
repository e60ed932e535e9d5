/**
 * OCS's own requests: pre-dial validation (`validation-uri`), one POST for each record before OCS dials it, called an
 * announcement here, and call reports (`history-uri`), two for each call. OCS dials a record that is answered with 200,
 * so the gateway sends 200 only once the owner is on disk. A malformed announcement does not stop other records.
 */
import { BodyFault, bytesOf, type Arrival, type Fault, type Handler, type Reply } from "../common/message.ts";
import { JsonFault } from "../ocs/json-fault.ts";
import { isMalformed, Properties, wellFormed, type PropertyValue } from "../ocs/properties.ts";
import { Violation } from "../ocs/violation.ts";

/** OCS's announcement of a record: each property is missing, a value, or malformed. */
export type AnnouncedRecord = {
  readonly handle: number;
  readonly tenantDbid: PropertyValue<number>;
  readonly tenantName: PropertyValue<string>;
  readonly groupDbid: PropertyValue<number>;
  readonly groupName: PropertyValue<string>;
  readonly campaign: PropertyValue<string>;
  readonly list: PropertyValue<string>;
  /** Undefined also if malformed, because it does not decide who owns the record. */
  readonly phone: string | undefined;
  /** As `phone`. */
  readonly customer: string | undefined;
  readonly attempt: string | undefined;
};

/** The end of a call, named by its record's handle or by its attempt's GUID. */
export type CallEnd = { readonly handle: number | undefined; readonly attempt: string | undefined };

/**
 * `blocked`: OCS must not dial the record. `known`: it has its owner from an earlier announcement. OCS may dial the
 * record because of that one, so the validator's rejection of a later announcement does not remove the owner: if OCS
 * does not dial the record, it answers 410 itself.
 */
export type AnnouncementResult = "new" | "known" | "blocked";

export type OcsCallbackDeps = {
  /** False for a request that is not from the active OCS. */
  readonly speaksForActive: (address: string, at: number) => Promise<boolean>;
  /** Resolves when the owner of the record is on disk. */
  readonly onAnnounced: (record: AnnouncedRecord) => Promise<AnnouncementResult>;
  /** Called if an inactive OCS announced the record, which gets no owner. */
  readonly onInactiveSource: (record: AnnouncedRecord) => void;
  /** True if the person of the record must not be called: the gateway has accepted a Do-Not-Call that is pending. */
  readonly mustNotBeCalled?: (record: AnnouncedRecord) => boolean;
  /** Called if the validator rejected the record. Resolves when its owner is removed. */
  readonly onRejected: (record: AnnouncedRecord) => Promise<unknown>;
  /** Called at the end of a call. Resolves when the record's owner is removed: true if that is on disk. */
  readonly onCallEnd: (call: CallEnd) => Promise<boolean>;
  /**
   * The handle or attempt of a call report is malformed, so the report ends no record. OCS gets its 200, because it
   * would send the same report again.
   */
  readonly onMalformedCallEnd: (what: string) => void;
  /** The operator's own validator, which makes the final decision. */
  readonly validate: ((body: Uint8Array, arrival: Arrival, handle: number) => Promise<Reply>) | undefined;
  /** Returns the status of the reply. */
  readonly onMalformed: (arrival: Arrival, why: MalformedReason, detail: string) => number;
};

export type MalformedReason = "json" | "attribute" | "method" | Fault["kind"];

class MalformedCallback extends Error {
  readonly why: MalformedReason;
  constructor(why: MalformedReason, detail: string) {
    super(detail);
    this.why = why;
  }
}

/** The validator's status for a record that OCS must not dial. */
const REJECTED = 409;
const NOTHING = bytesOf("");
/** OCS dials only records that are answered with 200, and without an owner no client could finish the record. */
const NOT_DIALED: Reply = { status: 502, headers: [], body: NOTHING };

const ACCEPTED: Reply = { status: 200, headers: [], body: NOTHING };
const NOT_STORED: Reply = { status: 503, headers: [], body: NOTHING };

export const createOcsCallbacks =
  (deps: OcsCallbackDeps): Handler =>
  async (arrival) => {
    try {
      const body = await bodyOf(arrival);
      const properties = propertiesIn(body);
      return sequenceOf(properties) !== undefined
        ? await onReport(deps, properties, arrival)
        : await onAnnouncement(deps, { properties, body, arrival });
    } catch (error) {
      const { why, message } = malformedBy(error);
      const status = deps.onMalformed(arrival, why, message);
      return {
        status,
        headers: [
          ["Content-Type", "text/plain; charset=utf-8"],
          ...(why === "method" ? [["Allow", "POST"] as const] : []),
        ],
        body: bytesOf(`${message}\n`),
        // After a complete request the connection can be used again.
        ...(why !== "json" && why !== "attribute" && { close: true }),
      };
    }
  };

const malformedBy = (error: unknown): MalformedCallback => {
  if (error instanceof MalformedCallback) return error;
  if (error instanceof BodyFault) return new MalformedCallback(error.fault.kind, error.fault.detail);
  throw error;
};

/** OCS may use any name for the gateway, because this listener checks the address of its peers. */
const bodyOf = async (arrival: Arrival): Promise<Uint8Array> => {
  const { fault, method } = arrival;
  if (fault && fault.kind !== "foreign-authority") throw new MalformedCallback(fault.kind, fault.detail);
  if (method !== "POST") throw new MalformedCallback("method", "expected POST");
  return arrival.body();
};

const propertiesIn = (body: Uint8Array): Properties => {
  try {
    return new Properties(body);
  } catch (error) {
    if (error instanceof JsonFault || error instanceof Violation) throw new MalformedCallback("json", error.message);
    throw error;
  }
};

/** The sequence of a call report; undefined for an announcement. Rejects a request that may be either. */
const sequenceOf = (properties: Properties): number | undefined => {
  const sequence = properties.whole("GSW_HIST_SEQUENCE_NUM", 0);
  if (isMalformed(sequence))
    throw new MalformedCallback(
      "attribute",
      "GSW_HIST_SEQUENCE_NUM is malformed, so this may be a call report or an announcement",
    );
  return sequence;
};

/** Sequence 0 reports the attempt, 1 the end of the call. Owned handles are of the active OCS only. */
const onReport = async (deps: OcsCallbackDeps, properties: Properties, arrival: Arrival): Promise<Reply> => {
  if (sequenceOf(properties) !== 1) return ACCEPTED;
  if (!(await deps.speaksForActive(arrival.source, arrival.at))) return ACCEPTED;
  // If OCS closed the connection while the report waited, it may have been restarted; it sends the report again.
  return !arrival.gone.aborted && (await onEnd(deps, properties)) ? ACCEPTED : NOT_STORED;
};

const onEnd = async ({ onCallEnd, onMalformedCallEnd }: OcsCallbackDeps, properties: Properties): Promise<boolean> => {
  const [handle, attempt] = [properties.whole("GSW_RECORD_HANDLE"), properties.text("GSW_CALL_ATTEMPT_GUID")];
  if (!isMalformed(handle) && !isMalformed(attempt)) return onCallEnd({ handle, attempt });
  onMalformedCallEnd(`${isMalformed(handle) ? "GSW_RECORD_HANDLE" : "GSW_CALL_ATTEMPT_GUID"} is malformed`);
  return true;
};

type Message = { readonly properties: Properties; readonly body: Uint8Array; readonly arrival: Arrival };

const onAnnouncement = async (deps: OcsCallbackDeps, { properties, body, arrival }: Message): Promise<Reply> => {
  const record = recordOf(properties);
  if (!(await deps.speaksForActive(arrival.source, arrival.at))) {
    deps.onInactiveSource(record);
    return NOT_DIALED;
  }
  // OCS closed the connection while the announcement waited, so it gets no 200 and does not dial the record. It may
  // have been restarted meanwhile; then the handle belongs to another record.
  if (arrival.gone.aborted) return NOT_DIALED;
  const result = await deps.onAnnounced(record);
  if (result === "blocked") return NOT_DIALED;
  if (deps.mustNotBeCalled?.(record)) {
    if (result === "new") await deps.onRejected(record);
    return NOT_DIALED;
  }
  if (!deps.validate) return { status: 200, headers: [["ETag", String(record.handle)]], body: NOTHING };
  const reply = await deps.validate(body, arrival, record.handle);
  if (reply.status === REJECTED && result === "new") await deps.onRejected(record);
  return reply;
};

const recordOf = (properties: Properties): AnnouncedRecord => {
  const handle = properties.whole("GSW_RECORD_HANDLE");
  if (handle === undefined || isMalformed(handle))
    throw new MalformedCallback("attribute", "GSW_RECORD_HANDLE is missing or is not a whole number from 1");
  return {
    handle,
    tenantDbid: properties.whole("GSW_TENANT_DBID"),
    tenantName: properties.text("GSW_TENANT_NAME"),
    groupDbid: properties.whole("GSW_CAMPAIGN_GROUP_DBID"),
    groupName: properties.text("GSW_CAMPAIGN_GROUP_NAME"),
    campaign: properties.text("GSW_CAMPAIGN_NAME"),
    list: properties.text("GSW_CALLING_LIST"),
    phone: wellFormed(properties.digits("GSW_PHONE")),
    customer: wellFormed(properties.digits("GSW_CUSTOMER_ID")),
    attempt: wellFormed(properties.text("GSW_CALL_ATTEMPT_GUID")),
  };
};
