/** What the sandbox does and on whose word: printed by `ocsgw sandbox fidelity`. Nothing assumed is ever shown as Genesys's word. */
import { ASSUMED, type Basis } from "./assumptions.ts";
import { CONDITIONS, type ConditionRow } from "./conditions.ts";
import { KIND_NAMES, kindOf } from "./fault-kinds.ts";
import { TRANSITIONS, type Transition } from "./actions/transitions.ts";
import { TIME_ZONES } from "./time-zones.ts";

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
const assumed = row("assumed");

const STATED: readonly FidelityRow[] = [
  manual("request target", "origin form and absolute form", "Examples"),
  manual("positive answer", "200 with Content-length 0 and no body to every POST", "HTTP Responses"),
  manual(
    "negative answer",
    "a bare integer in Warning; the text, when there is one, as an HTML page",
    "OCS HTTP Response Headers",
  ),
  manual(
    "number in the text of a negative answer",
    "0, whatever the Warning says",
    "An Unsuccessful RecordProcessed Request",
  ),
  manual(
    "headers of a request",
    "all but Host, User-Agent, Content-type and Content-length are ignored",
    "POST Request Headers",
  ),
  manual("URI and body name the same thing", "the URI goes before the body", "Client Request BODY, Notes"),
  manual(
    "tenant of phones and customer_ids",
    "wanted in the body; the DBID goes before the name",
    "HTTP Requests for the phones and customer ids Resources",
  ),
  manual(
    "finalizing requests",
    "RecordProcessed and RecordReschedule end the handle, AddRecord does not",
    "HTTP Request Actions for records",
  ),
  manual(
    "AddRecord on lists",
    "the campaign must be active or running and the INSERT must succeed; nothing of the new record is answered",
    "Successful AddRecord Request",
  ),
  manual("SetDialingMode", "only while the group is running", "Setting Dialing Parameters for a Campaign Group"),
  manual(
    "groups: 404 and 410",
    "404 is not in the configuration, 410 is in it and not active",
    "OCS HTTP Responses to Campaign Groups-Related Requests",
  ),
  manual(
    "GET of campaign groups",
    "Cache-control: private, an unquoted integer as Etag, message types 24 and 46",
    "Successful request for … status",
  ),
  manual(
    "connections",
    "stay open, Connection: close is ignored; closed when the instance becomes backup",
    "Guidelines for Client Connections",
  ),
  manual("pipelining", "not supported: one request at a time on a connection", "Guidelines for Client Connections"),
  material(
    "duplicate key of a body",
    "taken, as the manual's own example has one",
    "Successful AddRecord Request of the Campaign Rescheduled Type",
  ),
  material(
    "integers",
    "taken as JSON numbers and as decimal strings",
    "a deployed client sends every value as a string",
  ),
  material("Content-type", "may be missing from a request", "a deployed client sends none"),
  material("RequestRecordCancel", "record status 5, call result 52", "Genesys enumerations"),
  material(
    "DoNotCall",
    "an entry in the list of the tenant, record type 7, call result 51; checked before a dial by phone, then by customer id",
    "Do Not Call pages",
  ),
  material(
    "DoNotCall, RequestRecordCancel, RecordReject",
    "end the handle",
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
  material("chain id of AddRecord", "joins the chain when given, else a new chain", "Genesys Web Services pages"),
  material(
    "automatic completion",
    "with GSW_AUTO_COMPLETION 1 a running group without records left stops and unloads; 0 or absent is off",
    "Auto Completion page",
  ),
  material("Complete", "stops when needed, then unloads gracefully", "Schedules page"),
  material(
    "pre-dial validation",
    "one POST of the record's data before it is dialed, connections kept; 200 dials, 409 ends the record with its GSW_CALL_RESULT",
    "Pre-Dial Validation page",
  ),
  material("handle in the validation's body", "GSW_RECORD_HANDLE", "a deployed receiver reads it"),
  material(
    "call reports",
    "GSW_HIST_SEQUENCE_NUM 0 at the attempt, 1 at the end with GSW_CALL_RESULT; they name the tenant, the other two messages do not",
    "Submitting Call Report Records page",
  ),
  material(
    "dial mode of a group that is not running",
    "left out of the GETs",
    "status notifications define it for running groups only",
  ),
];

const PROPOSED: readonly FidelityRow[] = [
  assumed("duplicate key of a body with different values", "the last counts", "no source found"),
  assumed("keys that no column is bound to", "ignored", "no source found"),
  assumed("other Content-type than application/json", "400", "the manual supports this type only; the status is ours"),
  assumed(
    "number of a refused campaign group request without a code",
    "no Warning: Unload and Complete while a group unloads",
    "no code of GSW_CM_AttrError says it",
  ),
  assumed("text of campaign group answers", "our words; none with 409", "the manual's 409 has no body"),
  assumed(
    "optimization pair",
    "wanted for dial modes 1, 5 and 10, optional for the others",
    "Campaign Group status page names the predictive mode only",
  ),
  assumed(
    "change of dial mode",
    "refused with 409, Warning 11 between plain, seizing (4, 5, 7), GVP (9 to 11) and Push Preview (8) modes",
    "no source found",
  ),
  assumed(
    "Launch and Stage",
    "Launch loads and starts, Stage brings the group to loaded and not dialing",
    "symmetry with Complete",
  ),
  assumed("GSW_CM_AttrReferenceID", "never shown", "the manual shows it in one of two examples"),
  assumed("optimization pair of a stopped group", "kept and shown until the group is unloaded", "no source found"),
  assumed("GET of a group that is not loaded", "200 with status 0", "analogy with the GET of all groups"),
  assumed(
    "Etag",
    "the second of the last change of any group, always greater than the one before",
    "the example's value is such a time",
  ),
  assumed(
    "handles",
    "increasing, never used twice in a run of OCS, kept over a restart with a state directory; after a switchover the other OCS counts from 1",
    "no source found",
  ),
  assumed(
    "GSW_PHONE in requests by handle",
    "a new number in UpdateCallCompletionStats, ignored in RequestRecordCancel and DoNotCall",
    "Composer: handle before contact before customer id",
  ),
  assumed("DoNotCall by handle, AllChain", "every number of the chain is listed", "no source found"),
  assumed(
    "DoNotCall by phone or customer id",
    "stops retrieved records of the tenant and ends their handles; others meet the check before their dial",
    "the check is sourced, the rest is not",
  ),
  assumed(
    "RequestRecordCancel by phone or customer id",
    "finds unfinished records in lists of loaded campaigns; none is 410",
    "no source found",
  ),
  assumed(
    "RecordProcessed in a chain",
    "records of the chain that wait become Chain Updated (7)",
    "name of the status",
  ),
  assumed(
    "GSW_TREATMENT",
    "is appended to the treatments column; the seeded world has no treatments that would schedule another attempt",
    "no source found",
  ),
  assumed(
    "date that the record's clock shows twice or never",
    "the first of the two; as if the clock had not been put forward",
    "no source found",
  ),
  assumed("callback without GSW_DATE_TIME in AddRecord", "400", "no source found"),
  assumed(
    "daily window",
    "from and till count, in the record's time zone; one that ends before it begins goes over midnight; POST /sandbox/records/open does not look at it",
    "no source found",
  ),
  assumed(
    "order of a chain",
    "one record at a time by chain_n; a record that waits for its day keeps the later ones waiting, one that waits for its hour does not",
    "no source found",
  ),
  assumed(
    "attached data",
    "the keys are those that integrations read; GSW_TZ_OFFSET is seconds to UTC, GSW_CONTACT_MEDIA_TYPE is Phone",
    "public integrations name the keys only",
  ),
  assumed(
    "pre-dial validation without an answer",
    "when nobody listens or the connection ends, the record is Ready again, its handle void, and nothing is dialed for a second",
    "no source found",
  ),
  assumed(
    "pre-dial validation, 200 with fields",
    "columns of the calling list take the new values; handle and URI stay",
    "that there may be fields is Genesys's word",
  ),
  assumed(
    "validation-uri at start and after a reset",
    "is told of every handle that is out",
    "the seeded handles are taken to have been validated when they were given out",
  ),
  assumed(
    "call report of sequence 1",
    "is sent when the record's handle has ended, until it is answered with 200",
    "the recovery options are not modelled",
  ),
  assumed(
    "second request before the first answer",
    "the connection is reset; with the fault reject-second it is closed in order after the first answer",
    "the manual says no pipelining; what happens is ours",
  ),
  assumed(
    "message that is no HTTP request",
    "400, then the connection is closed; a head has 16 KiB at most, a body 1 MiB",
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
    "names are configured objects; these are ours",
  ),
];

const faultRows = KIND_NAMES.flatMap((name) => {
  const { assumes } = kindOf(name);
  return assumes === undefined ? [] : [assumed(`fault: ${name}`, assumes, "no source found")];
});

const basisOf = ({ warning, text, status, basis, source }: ConditionRow, name: string): FidelityRow => ({
  topic: `answer: ${name}`,
  behaviour: `${status}, ${warning === undefined ? "no Warning" : `Warning ${warning}`}, ${text ?? "no body"}`,
  basis,
  source,
});

const transitionText = (transition: Transition): string => {
  if ("effect" in transition) return transition.effect;
  const { status, warning }: ConditionRow = CONDITIONS[transition.refused];
  return warning === undefined ? String(status) : `${status}/${warning}`;
};

const transitionRows = Object.entries(TRANSITIONS).map(([state, requests]) =>
  assumed(
    `campaign group, ${state}`,
    Object.entries(requests)
      .map(([request, transition]) => `${request}: ${transitionText(transition)}`)
      .join(", "),
    "names of GSW_CM_AttrError; Load of a loaded group (409/5) is the manual's",
  ),
);

export const FIDELITY: readonly FidelityRow[] = [
  ...STATED,
  ...Object.entries(CONDITIONS).map(([name, condition]) => basisOf(condition, name)),
  ...PROPOSED,
  ...Object.values(ASSUMED).map(({ topic, behaviour, source }) => assumed(topic, behaviour, source)),
  ...transitionRows,
  ...faultRows,
];

const BASES: readonly Basis[] = ["manual", "genesys material", "assumed"];

/** One paragraph per basis, one line per row: topic, behaviour, source. */
export const renderFidelity = (rows: readonly FidelityRow[] = FIDELITY): string => {
  const width = Math.max(...rows.map(({ topic }) => topic.length));
  const line = ({ topic, behaviour, source }: FidelityRow): string =>
    `  ${topic.padEnd(width)}  ${behaviour}  [${source}]`;
  return BASES.map(
    (basis) =>
      `${basis}\n${rows
        .filter((each) => each.basis === basis)
        .map(line)
        .join("\n")}\n`,
  ).join("\n");
};
