/** Formats a log line as text for a terminal: time, level, message, and the fields that are not in the message. */
import { isatty } from "node:tty";
import { fieldsInText } from "./event-row.ts";
import { EVENTS } from "./event-table.ts";

type Env = Readonly<Record<string, string | undefined>>;

const STDERR = 2;

/** True when `OCSGW_LOG_FORMAT` is text, or when it is not json and stderr is a terminal. */
export const isForPeople = (env: Env = process.env, isTerminal: () => boolean = () => isatty(STDERR)): boolean => {
  const format = (env["OCSGW_LOG_FORMAT"] ?? "").trim().toLowerCase();
  return format === "text" || (format !== "json" && isTerminal());
};

const LEVELS: Readonly<Record<number, string>> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};

/** Fields that the text format omits. */
const LEFT_OUT = ["level", "time", "pid", "hostname", "name", "msg"];
const WARN = 40;

/** `line`: a line of pino's with its line break. Returns a line that is not JSON unchanged. */
export const humanLine = (line: string): string => {
  const logged = read(line);
  if (!logged) return line;
  const level = Number(logged["level"]);
  const leftOut = leftOutOf(logged["event"], level);
  const fields = Object.entries(logged)
    .filter(([key]) => !leftOut.has(key))
    .map(([key, value]) => `${key}=${valueText(value)}`);
  const text = typeof logged["msg"] === "string" ? logged["msg"] : "";
  const time = String(logged["time"]).slice(11, 19);
  return `${[time, (LEVELS[level] ?? String(logged["level"])).padEnd(5), text, ...fields].join("  ")}\n`;
};

/** Fields to omit. Warnings and errors keep the event's name, so that operators can look it up. */
const leftOutOf = (event: unknown, level: number): ReadonlySet<string> => {
  const row =
    typeof event === "string" && Object.hasOwn(EVENTS, event) ? EVENTS[event as keyof typeof EVENTS] : undefined;
  return new Set([...LEFT_OUT, ...(level < WARN ? ["event"] : []), ...(row ? fieldsInText(row) : [])]);
};

const read = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};

/** Quotes other values as JSON, which escapes control characters of terminals. */
const valueText = (value: unknown): string =>
  typeof value === "string" && /^[\x21-\x7E]+$/.test(value) && !value.includes('"') ? value : JSON.stringify(value);
