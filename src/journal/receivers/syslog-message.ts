/** Messages of RFC 5424, the syslog protocol. */
import { hostname } from "node:os";

/** Facility 13: log audit. */
const FACILITY = 13;

/** The severities of RFC 5424. */
export const SEVERITY = { alert: 1, critical: 2, error: 3, warning: 4, notice: 5, info: 6 } as const;
export type Severity = keyof typeof SEVERITY;

/** SD-ELEMENT: its SD-ID and the names and values of its parameters. */
export type Element = { readonly id: string; readonly params: readonly (readonly [name: string, value: string])[] };

export type SyslogMessage = {
  readonly severity: Severity;
  /** RFC 3339, UTC, at most six digits of a second. */
  readonly time: string;
  readonly id: string;
  readonly elements?: readonly Element[];
  /** Without line breaks. */
  readonly text: string;
};

const HOST_BYTES = 255;

/** HOSTNAME has printable US-ASCII without spaces. */
const HOST = hostname()
  .replaceAll(/[^!-~]/g, "")
  .slice(0, HOST_BYTES);

/**
 * One message, without the framing of its transport. A text with characters beyond US-ASCII begins with a byte order
 * mark, as the RFC demands of UTF-8; one without is the same in every encoding.
 */
export const syslogMessage = ({ severity, time, id, elements = [], text }: SyslogMessage): string => {
  const header = `<${FACILITY * 8 + SEVERITY[severity]}>1 ${time} ${HOST || "-"} ocsgw ${process.pid} ${id}`;
  const data = elements.length === 0 ? "-" : elements.map(elementText).join("");
  return `${header} ${data} ${isAscii(text) ? "" : "\uFEFF"}${text}`;
};

const isAscii = (text: string): boolean => !/[^ -~\t]/.test(text);

const elementText = ({ id, params }: Element): string =>
  `[${id}${params.map(([name, value]) => ` ${name}="${escape(value)}"`).join("")}]`;

/** Escapes as section 6.3.3 says. A receiver may split lines at a control character, so none is sent. */
const escape = (value: string): string =>
  value
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, "\uFFFD")
    .replaceAll(/["\\\]]/g, String.raw`\$&`);
