/** A line of the log for people at a terminal: time, level, sentence, and what it is about. Programs get JSON. */
import { isatty } from "node:tty";

type Env = Readonly<Record<string, string | undefined>>;

const STDERR = 2;

/** `OCSGW_LOG_FORMAT` decides, json or text; when it says neither, whether stderr is a terminal. */
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

/** Of no interest to who sits before the machine. */
const LEFT_OUT: ReadonlySet<string> = new Set(["level", "time", "pid", "hostname", "name", "msg"]);

/** `line`: one of pino's, with its end. What is no such line comes back as it is. */
export const humanLine = (line: string): string => {
  const told = read(line);
  if (!told) return line;
  const about = Object.entries(told)
    .filter(([key]) => !LEFT_OUT.has(key))
    .map(([key, value]) => `${key}=${shown(value)}`);
  const level = LEVELS[Number(told["level"])] ?? String(told["level"]);
  return `${[String(told["time"]).slice(11, 19), level.padEnd(5), typeof told["msg"] === "string" ? told["msg"] : "", ...about].join("  ")}\n`;
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

/** JSON has no character that could steer a terminal. */
const shown = (value: unknown): string =>
  typeof value === "string" && /^[\x21-\x7E]+$/.test(value) && !value.includes('"') ? value : JSON.stringify(value);
