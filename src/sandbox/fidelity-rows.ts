/** Behaviours of the sandbox that no table of its code states, with the source of each. */
import type { Basis } from "./assumptions.ts";
import { TIME_ZONES } from "./world/time-zones.ts";

export type FidelityRow = {
  readonly topic: string;
  readonly behaviour: string;
  readonly basis: Basis;
  readonly source: string;
};

const row =
  (basis: Basis) =>
  (topic: string, behaviour: string, source: string): FidelityRow => ({ topic, behaviour, basis, source });
const manual = row("manual");
const material = row("genesys material");
export const assumed = row("assumed");

export const STATED: readonly FidelityRow[] = [
  manual("request target", "origin form and absolute form", "Examples"),
  manual("positive answer", "200 with Content-length 0 and no body to every POST", "HTTP Responses"),
  manual(
    "negative answer",
    "a bare integer in Warning; the text, when there is one, as an HTML page",
    "OCS HTTP Response Headers",
  ),
  manual(
    "number in the text of a negative answer",
    "always 0, whatever the number in Warning",
    "An Unsuccessful RecordProcessed Request",
  ),
  manual(
    "headers of a request",
    "only Host, User-Agent, Content-type and Content-length are read",
    "POST Request Headers",
  ),
  manual("URI and body name the same thing", "the URI wins", "Client Request BODY, Notes"),
  manual(
    "tenant of phones and customer_ids",
    "required in the body; the DBID wins over the name",
    "HTTP Requests for the phones and customer ids Resources",
  ),
  manual(
    "finalizing requests",
    "RecordProcessed and RecordReschedule invalidate the handle, AddRecord does not",
    "HTTP Request Actions for records",
  ),
  manual(
    "AddRecord on lists",
    "the campaign must be active or running and the INSERT must succeed; the answer has nothing about the new record",
    "Successful AddRecord Request",
  ),
  manual("SetDialingMode", "only while the group is running", "Setting Dialing Parameters for a Campaign Group"),
  manual(
    "groups: 404 and 410",
    "404: not in the configuration; 410: configured but not active",
    "OCS HTTP Responses to Campaign Groups-Related Requests",
  ),
  manual(
    "GET of campaign groups",
    "Cache-control: private, an unquoted integer as Etag, message types 24 and 46",
    "Successful request for … status",
  ),
  manual(
    "connections",
    "stay open; Connection: close is ignored; OCS closes them when the instance becomes backup",
    "Guidelines for Client Connections",
  ),
  manual("pipelining", "not supported: one request at a time on a connection", "Guidelines for Client Connections"),
  material(
    "duplicate key of a body",
    "accepted: the manual's own example has one",
    "Successful AddRecord Request of the Campaign Rescheduled Type",
  ),
  material(
    "integers",
    "accepted as JSON numbers and as decimal strings",
    "a deployed client sends every value as a string",
  ),
  material("Content-type", "may be missing from a request", "a deployed client sends none"),
  material("RequestRecordCancel", "record status 5, call result 52", "Genesys enumerations"),
  material(
    "DoNotCall",
    "adds an entry to the tenant's do-not-call list, sets record type 7 and call result 51; checked before each " +
      "dial, by phone and then by customer id",
    "Do Not Call pages",
  ),
  material(
    "DoNotCall, RequestRecordCancel, RecordReject",
    "invalidate the handle",
    "Composer pages for DoNotCall; the other two by inference",
  ),
  material(
    "RecordReschedule",
    "record type 5 or 6, status 1, dial_sched_time in UTC seconds from the record's time zone",
    "public integrations, Defined Constants",
  ),
  material(
    "calling list and do-not-call list",
    "columns of the default table format",
    "Defined Constants, Do Not Call pages",
  ),
  material(
    "chain id of AddRecord",
    "given: the record joins that chain; absent: a new chain",
    "Genesys Web Services pages",
  ),
  material(
    "automatic completion",
    "with GSW_AUTO_COMPLETION 1 a running group stops and unloads when no records are left; 0 or absent: off",
    "Auto Completion page",
  ),
  material("Complete", "stops the group if it is running, then unloads it gracefully", "Schedules page"),
  material(
    "pre-dial validation",
    "one POST of the record's data before each dial, on persistent connections; 200: dial; 409: finish the record " +
      "with the GSW_CALL_RESULT of the answer",
    "Pre-Dial Validation page",
  ),
  material("handle in the validation's body", "GSW_RECORD_HANDLE", "a deployed receiver reads it"),
  material(
    "call reports",
    "GSW_HIST_SEQUENCE_NUM 0 at the attempt, 1 at the end with GSW_CALL_RESULT; call reports name the tenant, the " +
      "other two messages do not",
    "Submitting Call Report Records page",
  ),
  material(
    "dial mode of a group that is not running",
    "absent from the answers to GET",
    "status notifications define it for running groups only",
  ),
];

export const PROPOSED: readonly FidelityRow[] = [
  assumed("duplicate key of a body with different values", "the last value wins", "no source found"),
  assumed("keys without a bound column", "ignored", "no source found"),
  assumed(
    "other Content-type than application/json",
    "400",
    "the manual supports this type only; the status is our choice",
  ),
  assumed(
    "rejected campaign group request without a documented code",
    "no Warning: Unload and Complete while a group unloads",
    "GSW_CM_AttrError has no code for it",
  ),
  assumed("text of campaign group answers", "our own text; none with 409", "the manual's 409 has no body"),
  assumed(
    "optimization pair",
    "required for dial modes 1, 5 and 10, optional for the others",
    "Campaign Group status page names the predictive mode only",
  ),
  assumed(
    "change of dial mode",
    "rejected with 409, Warning 11, between plain, seizing (4, 5, 7), GVP (9 to 11) and Push Preview (8) modes",
    "no source found",
  ),
  assumed(
    "Launch and Stage",
    "Launch loads and starts the group; Stage leaves it loaded and not dialing",
    "symmetry with Complete",
  ),
  assumed("GSW_CM_AttrReferenceID", "never shown", "the manual shows it in one of two examples"),
  assumed("optimization pair of a stopped group", "kept and shown until the group is unloaded", "no source found"),
  assumed("GET of a group that is not loaded", "200 with status 0", "analogy with the GET of all groups"),
  assumed(
    "Etag",
    "the time, in seconds, of the last change of any group; always increases",
    "the value in the manual's example is such a time",
  ),
  assumed(
    "handles",
    "increase and are never reused while OCS runs; kept across a restart with a state directory; after a " +
      "switchover the other OCS starts at 1",
    "no source found",
  ),
  assumed(
    "GSW_PHONE in requests by handle",
    "a new number in UpdateCallCompletionStats, ignored in RequestRecordCancel and DoNotCall",
    "Composer: handle before contact before customer id",
  ),
  assumed("DoNotCall by handle, AllChain", "adds every number of the chain to the do-not-call list", "no source found"),
  assumed(
    "DoNotCall by phone or customer id",
    "stops retrieved records of the tenant and invalidates their handles; other records are checked before they " +
      "are dialed",
    "the check is documented, the rest is not",
  ),
  assumed(
    "RequestRecordCancel by phone or customer id",
    "affects unfinished records in lists of loaded campaigns; 410 when there are none",
    "no source found",
  ),
  assumed("RecordProcessed in a chain", "waiting records of the chain become Chain Updated (7)", "name of the status"),
  assumed(
    "GSW_TREATMENT",
    "is appended to the treatments column; no demo record has a treatment that schedules another attempt",
    "no source found",
  ),
  assumed(
    "local time that occurs twice or never (daylight saving)",
    "twice: the first one; never: as if the clock had not been put forward",
    "no source found",
  ),
  assumed("callback without GSW_DATE_TIME in AddRecord", "400", "no source found"),
  assumed(
    "daily window",
    "from and till apply, in the record's time zone; a window that ends before it begins spans midnight; POST " +
      "/sandbox/records/open ignores it",
    "no source found",
  ),
  assumed(
    "order of a chain",
    "one record at a time, by chain_n; a record scheduled for a later day blocks the following ones, a record " +
      "outside its daily window does not",
    "no source found",
  ),
  assumed(
    "attached data",
    "the keys that integrations read; GSW_TZ_OFFSET is the offset from UTC in seconds, GSW_CONTACT_MEDIA_TYPE is Phone",
    "public integrations name the keys only",
  ),
  assumed(
    "pre-dial validation without an answer",
    "when the connection is refused or lost, the record becomes Ready again, its handle is invalid, and OCS dials " +
      "nothing for one second",
    "no source found",
  ),
  assumed(
    "pre-dial validation, 200 with fields",
    "calling list columns take the new values; handle and URI are unchanged",
    "Genesys documents that there may be fields",
  ),
  assumed(
    "validation-uri at start and after a reset",
    "receives every handle in use",
    "the demo handles count as validated when they were assigned",
  ),
  assumed(
    "call report of sequence 1",
    "is sent when the record's handle becomes invalid, and repeated until the answer is 200",
    "the recovery options are not modelled",
  ),
  assumed(
    "second request before the first answer",
    "the connection is reset (RST); with the fault reject-second it is closed (FIN) after the first answer",
    "the manual excludes pipelining; the reaction is our choice",
  ),
  assumed(
    "message that is not an HTTP request",
    "400, then the connection is closed; limits: 16 KiB for the head, 1 MiB for the body",
    "no source found",
  ),
  assumed(
    "connection to the backup",
    "accepted and closed at once",
    "the manual says that a server which becomes backup closes connections",
  ),
  assumed(
    "time zones",
    TIME_ZONES.map(({ name, zone }) => `${name} ${zone}`).join(", "),
    "names are configured objects; these are our choice",
  ),
];
