/**
 * What OCS tells on its own account: pre-dial validation (`validation-uri`), one POST for each record before it is dialed, and call report
 * records (`history-uri`), two for each call. 200 lets a record be dialed: only when its owner is on disk. Nothing that is wrong with one
 * announcement stops the dialing of others.
 */
import { BodyFault, bytesOf, type Arrival, type Fault, type Handler, type Reply } from "../message.ts";
import { JsonFault } from "../ocs/json.ts";
import { isMalformed, Properties, wellFormed, type Said } from "../ocs/properties.ts";
import { Violation } from "../ocs/violation.ts";

/** What OCS says of a record: of each thing nothing, a value, or something malformed, which is not the same as nothing. */
export type Announced = {
  readonly handle: number;
  readonly tenantDbid: Said<number>;
  readonly tenantName: Said<string>;
  readonly groupDbid: Said<number>;
  readonly groupName: Said<string>;
  readonly campaign: Said<string>;
  readonly list: Said<string>;
  /** Undefined as well when it is malformed: it does not decide whose the record is. */
  readonly phone: string | undefined;
  /** Likewise. */
  readonly customer: string | undefined;
  readonly attempt: string | undefined;
};

/** The end of a call, named by its record's handle or by its attempt's GUID. */
export type CallEnd = { readonly handle: number | undefined; readonly attempt: string | undefined };

/**
 * `blocked`: OCS must not dial the record. `known`: an earlier announcement gave it its owner. OCS may
 * have been told to dial it then, so nothing that is said of the later one takes the owner away: should OCS not dial the
 * record, it answers 410 itself.
 */
export type Standing = "new" | "known" | "blocked";

export type AnnouncementParts = {
  /** False when it is not said by the OCS that requests go to. */
  readonly speaksForActive: (address: string, at: number) => Promise<boolean>;
  /** Resolves when it is on disk which tenant owns the record. */
  readonly announced: (record: Announced) => Promise<Standing>;
  /** It came from an OCS that requests do not go to, so it can have no owner here. */
  readonly astray: (record: Announced) => void;
  /** The validator keeps the record from being dialed. Resolves when it has no owner any more. */
  readonly withheld: (record: Announced) => Promise<unknown>;
  /** Resolves, when the record has no owner any more, with whether that is on disk. */
  readonly ended: (call: CallEnd) => Promise<boolean>;
  /** A call report whose handle or attempt is malformed ends nothing. OCS gets its 200: it would send the same report again. */
  readonly unclearEnd: (what: string) => void;
  /** The operator's own validator, which has the last word on a record. */
  readonly validate: ((body: Uint8Array, arrival: Arrival, handle: number) => Promise<Reply>) | undefined;
  /** What cannot be read is told with the reason. Returns the status of the reply. */
  readonly malformed: (arrival: Arrival, why: Why, detail: string) => number;
};

export type Why = "json" | "attribute" | "method" | Fault["kind"];

class Malformed extends Error {
  readonly why: Why;
  constructor(why: Why, detail: string) {
    super(detail);
    this.why = why;
  }
}

/** A validator's word for a record that is not to be dialed. */
const CONFLICT = 409;
const NOTHING = bytesOf("");
/** OCS dials only what is answered with 200: a record whose owner is not on disk would ring at somebody's without an owner here. */
const NOT_DIALED: Reply = { status: 502, headers: [], body: NOTHING };

export const createAnnouncements =
  (parts: AnnouncementParts): Handler =>
  async (arrival) => {
    try {
      const body = await bodyOf(arrival);
      const said = propertiesIn(body);
      return sequenceIn(said) !== undefined
        ? await takeReport(parts, said, arrival)
        : await takeRecord(parts, { said, body, arrival });
    } catch (error) {
      const { why, message } = malformedBy(error);
      const status = parts.malformed(arrival, why, message);
      return {
        status,
        headers: [
          ["Content-Type", "text/plain; charset=utf-8"],
          ...(why === "method" ? [["Allow", "POST"] as const] : []),
        ],
        body: bytesOf(`${message}\n`),
        // What was read whole leaves the connection as it was.
        ...(why !== "json" && why !== "attribute" && { close: true }),
      };
    }
  };

const malformedBy = (error: unknown): Malformed => {
  if (error instanceof Malformed) return error;
  if (error instanceof BodyFault) return new Malformed(error.fault.kind, error.fault.detail);
  throw error;
};

/** OCS may know the gateway by a name that the gateway does not: who may connect here is limited by address. */
const bodyOf = async (arrival: Arrival): Promise<Uint8Array> => {
  const { fault, method } = arrival;
  if (fault && fault.kind !== "foreign-authority") throw new Malformed(fault.kind, fault.detail);
  if (method !== "POST") throw new Malformed("method", "OCS announces records with POST");
  return arrival.body();
};

const propertiesIn = (body: Uint8Array): Properties => {
  try {
    return new Properties(body);
  } catch (error) {
    if (error instanceof JsonFault || error instanceof Violation) throw new Malformed("json", error.message);
    throw error;
  }
};

/** Undefined for an announcement. Of what may be one or the other, nothing is believed: the record, if it is one, is not dialed. */
const sequenceIn = (said: Properties): number | undefined => {
  const sequence = said.whole("GSW_HIST_SEQUENCE_NUM", 0);
  if (isMalformed(sequence))
    throw new Malformed(
      "attribute",
      "GSW_HIST_SEQUENCE_NUM is malformed: this may be a call report or an announcement",
    );
  return sequence;
};

/** Sequence 0 tells of the attempt, 1 of the end of the call. The handles of an OCS that requests do not go to are not those that are owned. */
const takeReport = async (parts: AnnouncementParts, said: Properties, { source, at }: Arrival): Promise<Reply> => {
  const stored = sequenceIn(said) !== 1 || !(await parts.speaksForActive(source, at)) || (await takeEnd(parts, said));
  return { status: stored ? 200 : 503, headers: [], body: NOTHING };
};

const takeEnd = async ({ ended, unclearEnd }: AnnouncementParts, said: Properties): Promise<boolean> => {
  const [handle, attempt] = [said.whole("GSW_RECORD_HANDLE"), said.text("GSW_CALL_ATTEMPT_GUID")];
  if (!isMalformed(handle) && !isMalformed(attempt)) return ended({ handle, attempt });
  unclearEnd(`${isMalformed(handle) ? "GSW_RECORD_HANDLE" : "GSW_CALL_ATTEMPT_GUID"} is malformed`);
  return true;
};

type Message = { readonly said: Properties; readonly body: Uint8Array; readonly arrival: Arrival };

const takeRecord = async (parts: AnnouncementParts, { said, body, arrival }: Message): Promise<Reply> => {
  const record = recordIn(said);
  if (!(await parts.speaksForActive(arrival.source, arrival.at))) {
    parts.astray(record);
    return NOT_DIALED;
  }
  const standing = await parts.announced(record);
  if (standing === "blocked") return NOT_DIALED;
  if (!parts.validate) return { status: 200, headers: [["ETag", String(record.handle)]], body: NOTHING };
  const reply = await parts.validate(body, arrival, record.handle);
  if (reply.status === CONFLICT && standing === "new") await parts.withheld(record);
  return reply;
};

const recordIn = (said: Properties): Announced => {
  const handle = said.whole("GSW_RECORD_HANDLE");
  if (handle === undefined || isMalformed(handle))
    throw new Malformed("attribute", "GSW_RECORD_HANDLE is missing, or is not one whole number from 1");
  return {
    handle,
    tenantDbid: said.whole("GSW_TENANT_DBID"),
    tenantName: said.text("GSW_TENANT_NAME"),
    groupDbid: said.whole("GSW_CAMPAIGN_GROUP_DBID"),
    groupName: said.text("GSW_CAMPAIGN_GROUP_NAME"),
    campaign: said.text("GSW_CAMPAIGN_NAME"),
    list: said.text("GSW_CALLING_LIST"),
    phone: wellFormed(said.digits("GSW_PHONE")),
    customer: wellFormed(said.digits("GSW_CUSTOMER_ID")),
    attempt: wellFormed(said.text("GSW_CALL_ATTEMPT_GUID")),
  };
};
