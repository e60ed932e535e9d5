/**
 * The log for operators: one function per row of the table of events (event-table.ts), which takes the row's fields.
 * Lines go to stderr, as JSON or text (`OCSGW_LOG_FORMAT`); they contain no phone, customer id, record field or
 * credential. `OCSGW_LOG` sets the level: info when it is unset or empty, silent for no log.
 */
import { pino, type Level } from "pino";
import { textOf, type EventRow, type FieldValues } from "./event-row.ts";
import { EVENTS } from "./event-table.ts";
import { humanLine, isForPeople } from "./human-line.ts";
import { stderrSink } from "./sink.ts";
import { LoggableError } from "./loggable-error.ts";
import { withConfig } from "../shell-word.ts";
import { faultInWords, isSystemError } from "../system-error.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const satisfies readonly (
  | Level
  | "silent"
)[];

const wanted = (process.env["OCSGW_LOG"] ?? "").trim();
const level = wanted === "" ? "info" : LEVELS.find((each) => each === wanted.toLowerCase());

const sink = stderrSink({ caughtUp: (lines) => events.logLinesDropped({ lines }) });

const isHuman = isForPeople();

/** True until the warning about an invalid OCSGW_LOG is written, with the first line. */
let isWarningPending = level === undefined;
const write = (line: string): void => {
  if (isWarningPending) {
    isWarningPending = false;
    events.logLevelUnknown({ value: wanted, levels: LEVELS });
  }
  sink.write(isHuman ? humanLine(line) : line);
};

const log = pino({ name: "ocsgw", level: level ?? "info", timestamp: pino.stdTimeFunctions.isoTime }, { write });

/** Number of lines dropped since the start because stderr was blocked. */
export const droppedLogLines = (): number => sink.dropped();

let configFile: string | undefined;

/** From now on the commands in log lines name this config file. */
export const nameConfigInLog = (file: string): void => {
  configFile = file;
};

type Logged = { readonly name: string; readonly code?: string; readonly reason?: string; readonly stack?: string };

/** The safe members of an error: messages of the platform may quote the input. */
const logged = (error: unknown): Logged =>
  error instanceof Error
    ? {
        name: error.name,
        ...(isSystemError(error)
          ? { reason: faultInWords(error) }
          : error instanceof LoggableError
            ? { reason: error.message }
            : "code" in error && typeof error.code === "string" && { code: error.code }),
        ...(error.stack !== undefined && {
          stack: error.stack
            .split("\n")
            .filter((line) => line.startsWith("    at "))
            .slice(0, 8)
            .join("\n"),
        }),
      }
    : { name: typeof error };

const inText = (value: unknown): string => {
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value !== "object" || value === null) return String(value);
  const { name, code, reason } = value as Logged;
  return reason ?? code ?? name;
};

/** A line of the log, as programs read it. `fields`: without those that were not given. */
export type LogLine = {
  readonly event: string;
  readonly level: EventRow["level"];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
};

const readers = new Set<(line: LogLine) => void>();

/** Calls `reader` with every line from now on; it must not throw. Returns the function that ends it. */
export const readLog = (reader: (line: LogLine) => void): (() => void) => {
  readers.add(reader);
  return () => void readers.delete(reader);
};

const logger =
  (event: string, row: EventRow) =>
  (given: Readonly<Record<string, unknown>> = {}): void => {
    if (!log.isLevelEnabled(row.level)) return;
    const fields = Object.fromEntries(
      Object.keys(row.fields).map((name) => [
        name,
        row.fields[name]!.type === "error" ? logged(given[name]) : given[name],
      ]),
    );
    const text = textOf(row, (name) => inText(fields[name]));
    const says = withConfig(text, configFile);
    log[row.level]({ event, ...fields }, says);
    for (const reader of readers) reader({ event, level: row.level, fields, text: says });
  };

type Events = {
  readonly [Name in keyof typeof EVENTS]: keyof (typeof EVENTS)[Name]["fields"] extends never
    ? () => void
    : (fields: FieldValues<(typeof EVENTS)[Name]["fields"]>) => void;
};

export const events = Object.fromEntries(
  Object.entries(EVENTS).map(([event, row]) => [event, logger(event, row)]),
) as unknown as Events;
