/** An entry as a message of RFC 5424: its members as structured data, and the journal's line as text. */
import type { Kind, Recorded } from "../entry.ts";
import { syslogMessage, type Element, type Severity } from "../receivers/syslog-message.ts";
import { MOST_DATAGRAM_BYTES } from "../receivers/send-datagrams.ts";
import { VERDICTS } from "./severity.ts";
import type { Request } from "./recent-intents.ts";
import type { EntryLine, Missing } from "./segment-reader.ts";

/** Members with one value, in the order of the parameters. */
const MEMBERS = [
  "id",
  "client",
  "source",
  "listener",
  "action",
  "resource",
  "identifier",
  "delivery",
  "origin",
  "status",
  "code",
  "reason",
  "detail",
  "stage",
  "setting",
  "would_refuse",
  "traceparent",
  "upstream",
  "endpoint",
  "count",
  "user",
  "role",
  "operation",
  "purpose",
  "results",
  "verdict",
  "change",
  "config_hash",
  "version",
  "from",
  "to",
] as const;

export type Rfc5424 = {
  readonly entry: (line: EntryLine, request: Request | undefined) => string;
  readonly missing: (missing: Missing) => string;
};

/** `isDatagram`: a line that does not fit is left out, and the structured data says so. */
export const rfc5424 = (enterprise: number, isDatagram: boolean): Rfc5424 => ({
  entry: ({ entry, text }, request) => {
    const params = paramsOf(entry, request);
    const message = (own: Element["params"], body: string): string =>
      syslogMessage({
        severity: severityOf(entry),
        time: entry.time,
        id: entry.kind,
        elements: [{ id: `ocsgw@${enterprise}`, params: own }],
        text: body,
      });
    const whole = message(params, text);
    if (!isDatagram || Buffer.byteLength(whole) <= MOST_DATAGRAM_BYTES) return whole;
    const short = params.map(([name, value]) => [name, value.slice(0, LONGEST_VALUE)] as const);
    return message([...short, ["truncated", "yes"]], "");
  },
  missing: (missing) =>
    syslogMessage({
      severity: "error",
      time: new Date().toISOString(),
      id: "forward-gap",
      elements: [
        {
          id: `ocsgw@${enterprise}`,
          params: [
            ["kind", "forward-gap"],
            ["from", String(missing.from)],
            ["to", String(missing.to)],
            ["reason", missing.reason],
          ],
        },
      ],
      text: gapText(missing),
    }),
});

const LONGEST_VALUE = 512;

/** One sentence for people. `to` in it is the last missing entry. */
export const gapText = ({ from, to, reason }: Missing): string =>
  `journal entries ${from} to ${to - 1} were not forwarded: ${reason}`;

const severityOf = (entry: Recorded): Severity => VERDICTS[entry.kind as Kind]?.(entry).syslog ?? "notice";

const paramsOf = (entry: Recorded, request: Request | undefined): Element["params"] => {
  const known: Readonly<Record<string, unknown>> = { ...request, ...entry };
  const { tenant, credential } = known as Partial<Request>;
  return [
    ["index", String(entry.index)],
    ["kind", entry.kind],
    ...(tenant
      ? ([
          ["tenant", tenant.name],
          ["dbid", String(tenant.dbid)],
        ] as const)
      : []),
    ...(credential ? ([["credential", `${credential.kind} ${credential.id}`]] as const) : []),
    ...MEMBERS.flatMap((name) => {
      const value = known[name];
      return isSingle(value) ? [[name, String(value)] as const] : [];
    }),
  ];
};

const isSingle = (value: unknown): value is string | number | bigint | boolean =>
  ["string", "number", "bigint", "boolean"].includes(typeof value);
