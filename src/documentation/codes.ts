/** Every code and log event of this version with its long explanation: for `ocsgw error` and for /docs/errors. */
import { SUBJECTS } from "../common/log/event-table.ts";
import type { EventRow } from "../common/log/event-row.ts";
import { OUTCOME_DELAYED, REFUSALS } from "../gateway/refusals.ts";
import { RULES, UNDECIDED } from "../lint/rules/table.ts";
import { CONFIG_CODES } from "../settings/problems/codes/codes.ts";

/** By the first digit of a code. */
export const FAMILIES: readonly (readonly [digit: number, about: string])[] = [
  [1, "The request is not what OCS's interface allows. The client must be corrected."],
  [2, "The credential was not accepted, or the policy or the isolation of tenants refuses the request."],
  [3, "A limit is reached, or the wait for a connection to OCS was too long."],
  [4, "OCS cannot be reached, or did not answer completely."],
  [5, "The journal cannot be written, or who owns the record handles is not known yet."],
  [
    6,
    "A problem of the config, which ocsgw check shows, or of a client's file, which ocsgw lint shows: each with " +
      "file, line, column and what to do.",
  ],
];

/** One reason for which a client gets this code. */
export type Reason = {
  readonly status: number;
  readonly title: string;
  readonly delivery: string;
  readonly advice: string;
};

export type Explained = { readonly id: string; readonly what: string } & (
  | { readonly kind: "reply"; readonly reasons: readonly [Reason, ...Reason[]] }
  | { readonly kind: "config"; readonly help: string }
  | { readonly kind: "lint"; readonly level: "error" | "warning" | "note"; readonly help: string }
  | {
      readonly kind: "event";
      readonly subject: string;
      readonly level: EventRow["level"];
      readonly action: string | undefined;
      readonly fields: readonly (readonly [name: string, meaning: string])[];
    }
);
export type Kind = Explained["kind"];

const replies = (): readonly Explained[] =>
  [...Map.groupBy(Object.values(REFUSALS), ({ code }) => code)].map(([id, [first, ...others]]) => ({
    kind: "reply",
    id,
    what: [first!, ...others].map(({ title }) => title).join("; or: "),
    reasons: [first!, ...others],
  }));

const outcomeDelayed: Explained = {
  kind: "reply",
  id: OUTCOME_DELAYED,
  what: "OCS has answered, and the journal writes the outcome later",
  reasons: [
    {
      status: 200,
      title: "OCS has answered, and the journal writes the outcome later. The status is the one of OCS",
      delivery: "answered",
      advice:
        "Client: the answer is OCS's; do not send the request again. Operator: free disk space or repair the disk; " +
        "the gateway keeps the outcome in memory until the journal can be written.",
    },
  ],
};

const config = (): readonly Explained[] =>
  Object.entries(CONFIG_CODES).map(([number, { what, help }]) => ({
    kind: "config",
    id: `OCSGW-${number}`,
    what,
    help,
  }));

const lint = (): readonly Explained[] => [
  ...Object.values(RULES).map(({ code, severity, title, help }): Explained => ({
    kind: "lint",
    id: code,
    what: title,
    level: severity,
    help,
  })),
  { kind: "lint", id: UNDECIDED.code, what: UNDECIDED.title, level: "note", help: UNDECIDED.help },
];

const events = (): readonly Explained[] =>
  SUBJECTS.flatMap(([subject, rows]) =>
    Object.entries(rows).map(([id, row]: [string, EventRow]) => ({
      kind: "event" as const,
      id,
      what: row.message,
      subject,
      level: row.level,
      action: row.action,
      fields: Object.entries(row.fields).map(([name, { meaning }]) => [name, meaning] as const),
    })),
  );

const byId = (one: Explained, other: Explained): number => one.id.localeCompare(other.id, "en");

/** Replies first, each kind in the order of its codes. */
export const CODES: readonly Explained[] = [
  ...[...replies(), outcomeDelayed].toSorted(byId),
  ...[...config(), ...lint()].toSorted(byId),
  ...events(),
];

const KNOWN = new Map(CODES.map((each) => [each.id.toLowerCase(), each]));

/** Asked for by code, by its four digits, by the `type` of a problem or by the name of a log event, in any case. */
export const explained = (asked: string): Explained | undefined => {
  const id = asked.trim().replace(/^urn:ocs-gateway:problem:|^\/?docs\/errors\//i, "");
  return KNOWN.get((/^\d{4}$/.test(id) ? `OCSGW-${id}` : id).toLowerCase());
};

export const familyOf = (id: string): string | undefined =>
  FAMILIES.find(([digit]) => id.startsWith(`OCSGW-${digit}`))?.[1];
