/**
 * What OCS tells on its own account: pre-dial validation (`validation-uri`), one POST for each record before it is dialed, and call report
 * records (`history-uri`), two for each call. 200 lets a record be dialed: only when its owner is on disk. Nothing that is wrong with one
 * announcement stops the dialing of others.
 */
import { BodyFault, bytesOf, type Arrival, type Fault, type Handler, type Reply } from "../message.ts";

/** As far as OCS says it. */
export type Announced = {
  readonly handle: number;
  readonly tenantDbid: number | undefined;
  readonly tenantName: string | undefined;
  readonly groupDbid: number | undefined;
  readonly groupName: string | undefined;
  readonly campaign: string | undefined;
  readonly list: string | undefined;
  readonly phone: string | undefined;
  readonly attempt: string | undefined;
};

/** The end of a call, named by its record's handle or by its attempt's GUID. */
export type CallEnd = { readonly handle: number | undefined; readonly attempt: string | undefined };

export type AnnouncementParts = {
  /** False when it is not said by the OCS that requests go to. */
  readonly speaksForActive: (address: string, at: number) => Promise<boolean>;
  /** Resolves, when it is on disk which tenant owns the record, with whether OCS may dial it. */
  readonly announced: (record: Announced) => Promise<boolean>;
  /** It came from an OCS that requests do not go to, so it can have no owner here. */
  readonly astray: (record: Announced) => void;
  /** The validator keeps the record from being dialed. Resolves when it has no owner any more. */
  readonly withheld: (record: Announced) => Promise<unknown>;
  /** Resolves, when the record has no owner any more, with whether that is on disk. */
  readonly ended: (call: CallEnd) => Promise<boolean>;
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

type Properties = Readonly<Record<string, unknown>>;

const MAX_HANDLE = 2_147_483_647;
const WHOLE = /^[1-9][0-9]{0,9}$/;
/** A validator's word for a record that is not to be dialed. */
const CONFLICT = 409;
const NOTHING = bytesOf("");
/** OCS dials only what is answered with 200: a record whose owner is not on disk would ring at somebody's without an owner here. */
const NOT_DIALED: Reply = { status: 502, headers: [], body: NOTHING };

export const createAnnouncements = (parts: AnnouncementParts): Handler => async (arrival) => {
  try {
    const body = await bodyOf(arrival);
    const said = propertiesIn(body);
    return isReport(said) ? await takeReport(parts, said, arrival) : await takeRecord(parts, { said, body, arrival });
  } catch (error) {
    const { why, message } = malformedBy(error);
    const status = parts.malformed(arrival, why, message);
    return {
      status,
      headers: [["Content-Type", "text/plain; charset=utf-8"], ...(why === "method" ? [["Allow", "POST"] as const] : [])],
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
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    throw new Malformed("json", "the body is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Malformed("json", "the body is not a JSON object");
  return value as Properties;
};

const isReport = (said: Properties): boolean => said.GSW_HIST_SEQUENCE_NUM !== undefined;

/** Sequence 0 tells of the attempt, 1 of the end of the call. The handles of an OCS that requests do not go to are not those that are owned. */
const takeReport = async ({ speaksForActive, ended }: AnnouncementParts, said: Properties, { source, at }: Arrival): Promise<Reply> => {
  if (wholeOrZero(said.GSW_HIST_SEQUENCE_NUM) !== 1 || !await speaksForActive(source, at)) return { status: 200, headers: [], body: NOTHING };
  const stored = await ended({ handle: whole(said.GSW_RECORD_HANDLE), attempt: text(said.GSW_CALL_ATTEMPT_GUID) });
  return { status: stored ? 200 : 503, headers: [], body: NOTHING };
};

type Message = { readonly said: Properties; readonly body: Uint8Array; readonly arrival: Arrival };

const takeRecord = async (parts: AnnouncementParts, { said, body, arrival }: Message): Promise<Reply> => {
  const record = recordIn(said);
  if (!await parts.speaksForActive(arrival.source, arrival.at)) {
    parts.astray(record);
    return NOT_DIALED;
  }
  if (!await parts.announced(record)) return NOT_DIALED;
  if (!parts.validate) return { status: 200, headers: [["ETag", String(record.handle)]], body: NOTHING };
  const reply = await parts.validate(body, arrival, record.handle);
  if (reply.status === CONFLICT) await parts.withheld(record);
  return reply;
};

const recordIn = (said: Properties): Announced => {
  const handle = whole(said.GSW_RECORD_HANDLE);
  if (handle === undefined) throw new Malformed("attribute", "GSW_RECORD_HANDLE is missing, or is not a whole number from 1");
  return {
    handle,
    tenantDbid: whole(said.GSW_TENANT_DBID),
    tenantName: text(said.GSW_TENANT_NAME),
    groupDbid: whole(said.GSW_CAMPAIGN_GROUP_DBID),
    groupName: text(said.GSW_CAMPAIGN_GROUP_NAME),
    campaign: text(said.GSW_CAMPAIGN_NAME),
    list: text(said.GSW_CALLING_LIST),
    phone: text(said.GSW_PHONE),
    attempt: text(said.GSW_CALL_ATTEMPT_GUID),
  };
};

/** OCS's attached data are texts as often as numbers. */
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined);

const whole = (value: unknown): number | undefined => {
  const number = (typeof value === "string" || typeof value === "number") && WHOLE.test(String(value)) ? Number(value) : undefined;
  return number !== undefined && number <= MAX_HANDLE ? number : undefined;
};

const wholeOrZero = (value: unknown): number | undefined => (value === 0 || value === "0" ? 0 : whole(value));
