/**
 * Every finding of `ocsgw lint`: code, severity, title and what to do. The page src/docs/how-to/check-clients-code.md
 * has the same rows.
 */
export type LintSeverity = "error" | "warning";

export type Rule = {
  readonly code: string;
  readonly severity: LintSeverity;
  /** What is wrong, without a value of the file. */
  readonly title: string;
  readonly help: string;
};

export const RULES = {
  unreadable: {
    code: "OCSGW-6400",
    severity: "error",
    title: "the file, or a part of it, cannot be read",
    help: "correct the file; what cannot be read is not judged",
  },
  directAddress: {
    code: "OCSGW-6401",
    severity: "error",
    title: "this call goes to OCS itself, around the gateway",
    help: "use the gateway's address; calls around it are neither checked nor recorded",
  },
  recordUriAddress: {
    code: "OCSGW-6402",
    severity: "warning",
    title: "the address is taken from GSW_RECORD_URI, which names OCS itself",
    help:
      "take only the path from GSW_RECORD_URI and the address from a setting, or let OCS's address lead to the " +
      "gateway (ocsgw check --connect --record-uri URI tells)",
  },
  addRepeated: {
    code: "OCSGW-6403",
    severity: "error",
    title: "AddRecord is sent again after an error",
    help: "a second AddRecord is a second phone call: repeat it only if the reply has Ocsgw-Delivery: not-sent",
  },
  addRetried: {
    code: "OCSGW-6404",
    severity: "warning",
    title: "AddRecord is repeated until it succeeds",
    help: "a second AddRecord is a second phone call: repeat it only if the reply has Ocsgw-Delivery: not-sent",
  },
  recordLeftOpen: {
    code: "OCSGW-6405",
    severity: "warning",
    title: "the original record stays open after AddRecord",
    help:
      "AddRecord does not end the record whose handle it uses: send RecordProcessed, RecordReject, RecordReschedule, " +
      "RequestRecordCancel or DoNotCall for that handle too",
  },
  finalizedTwice: {
    code: "OCSGW-6406",
    severity: "warning",
    title: "the record is finalized twice",
    help: "over HTTP, RecordReschedule ends the record: leave out the RecordProcessed behind it, which gets 410",
  },
  missingTenant: {
    code: "OCSGW-6407",
    severity: "error",
    title: "the body names no tenant",
    help: "add GSW_TENANT_DBID or GSW_TENANT_NAME: OCS refuses phones and customer_ids without one",
  },
  handWrittenLength: {
    code: "OCSGW-6408",
    severity: "warning",
    title: "Content-length is written by hand",
    help: "leave the header to the HTTP library, which counts the bytes of the body",
  },
  wrongLength: {
    code: "OCSGW-6409",
    severity: "error",
    title: "Content-length is not the length of the body",
    help: "leave the header to the HTTP library; a wrong length gets OCSGW-1006 and a closed connection",
  },
  secret: {
    code: "OCSGW-6410",
    severity: "error",
    title: "the file contains a credential",
    help:
      "read it from a file, from the environment or from a secret store, and replace this one: whoever has the file " +
      "has it",
  },
  unknownAction: {
    code: "OCSGW-6411",
    severity: "error",
    title: "req is not an action of this resource",
    help: "use an action that the resource has (ocsgw help actions lists them)",
  },
  wrongTarget: {
    code: "OCSGW-6412",
    severity: "error",
    title: "the path is no resource of OCS, or the identifier is not of its kind",
    help:
      "write /records/HANDLE, /phones/NUMBER, /customer_ids/ID, /lists/NAME or /campaigngroups/DBID at the root, " +
      "percent-encoded",
  },
  wrongMethod: {
    code: "OCSGW-6413",
    severity: "error",
    title: "the method is not for this resource",
    help: "send actions with POST; GET reads campaign groups only",
  },
  wrongBody: {
    code: "OCSGW-6414",
    severity: "error",
    title: "the body is not a JSON object",
    help: "send one JSON object, or no body",
  },
  wrongContentType: {
    code: "OCSGW-6415",
    severity: "error",
    title: "the content type is not application/json",
    help: "send Content-type: application/json, the only type that OCS supports",
  },
  missingAttribute: {
    code: "OCSGW-6416",
    severity: "error",
    title: "an attribute is missing",
    help: "add it to the body (ocsgw help actions lists the attributes of each action)",
  },
  wrongAttribute: {
    code: "OCSGW-6417",
    severity: "error",
    title: "an attribute has a wrong name, type or value",
    help: "correct it (ocsgw help actions lists the attributes of each action)",
  },
  duplicateScope: {
    code: "OCSGW-6418",
    severity: "error",
    title: "a key that names a tenant or object appears twice",
    help: "write it once",
  },
  uriDisagrees: {
    code: "OCSGW-6419",
    severity: "error",
    title: "the URI and the body name different things",
    help: "leave the attribute out of the body: the URI names the resource",
  },
  manualSpelling: {
    code: "OCSGW-6420",
    severity: "warning",
    title: "this spelling is a misprint of the manual",
    help: "write the name that OCS's examples use; the gateway accepts both",
  },
  misspelledName: {
    code: "OCSGW-6421",
    severity: "warning",
    title: "this looks like a misspelled name of OCS",
    help: "correct the name: OCS passes over names that it does not know",
  },
} as const satisfies Record<string, Rule>;

/** A place that no rule can judge: counted, and never an error. */
export const UNDECIDED = {
  code: "OCSGW-6449",
  title: "this cannot be decided from the file alone",
  help: "only the running program knows the value; look at the place, or write it where the linter can see it",
} as const;

export type RuleName = keyof typeof RULES;

/** A finding at an offset of its file. `detail` never repeats a value of the file. */
export type LintFinding = {
  readonly rule: RuleName;
  readonly at: number;
  readonly detail?: string;
  readonly help?: string;
};
