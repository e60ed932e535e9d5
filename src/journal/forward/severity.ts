/** How grave an entry is, in the words of RFC 5424 and of OCSF, and whether what it reports succeeded. */
import type { Entry, Kind } from "../entry.ts";
import type { Severity } from "../receivers/syslog-message.ts";

/** `severity_id` of OCSF: 1 Informational, 2 Low, 3 Medium, 4 High. `status_id`: 0 Unknown, 1 Success, 2 Failure. */
export type Verdict = {
  readonly syslog: Severity;
  readonly severity: 1 | 2 | 3 | 4;
  readonly status?: 0 | 1 | 2 | undefined;
};

const INFO: Verdict = { syslog: "info", severity: 1 };
const NOTICE: Verdict = { syslog: "notice", severity: 1 };
const DENIED: Verdict = { syslog: "warning", severity: 2, status: 2 };
const UNCLEAR: Verdict = { syslog: "warning", severity: 3, status: 0 };
const GRAVE: Verdict = { syslog: "error", severity: 4 };

type Of<Name extends Kind> = Extract<Entry, { readonly kind: Name }>;

const ROWS: { readonly [Name in Kind]: (entry: Of<Name>) => Verdict } = {
  intent: () => ({ ...INFO, status: 0 }),
  outcome: ({ delivery, status }) =>
    delivery === "sent-no-answer" ? UNCLEAR : status < 400 ? { ...INFO, status: 1 } : DENIED,
  refusal: () => DENIED,
  replay: ({ delivery, status }) =>
    delivery === "sent-no-answer" ? UNCLEAR : status < 400 ? { ...INFO, status: 1 } : DENIED,
  "in-doubt": () => UNCLEAR,
  flood: () => ({ ...DENIED, severity: 3 }),
  abandoned: () => ({ ...NOTICE, status: 2 }),
  config: ({ change }) => (change === "refused" ? { ...DENIED, severity: 3 } : { ...NOTICE, status: 1 }),
  start: () => NOTICE,
  stop: () => NOTICE,
  gap: () => GRAVE,
  clock: () => ({ syslog: "warning", severity: 3 }),
  deleted: () => NOTICE,
  "set-aside": () => GRAVE,
  "open-dnc": () => ({ syslog: "warning", severity: 2 }),
  switchover: () => ({ syslog: "warning", severity: 2 }),
  access: ({ reason }) => (reason === undefined ? { ...NOTICE, status: 1 } : DENIED),
  alarm: () => ({ syslog: "critical", severity: 4 }),
};

/** A kind that a later version wrote has none. */
export const VERDICTS = ROWS as unknown as Readonly<Partial<Record<Kind, (entry: Entry) => Verdict>>>;
