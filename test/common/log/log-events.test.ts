import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fieldsInText } from "../../../src/common/log/event-row.ts";
import { EVENTS, SUBJECTS } from "../../../src/common/log/event-table.ts";
import { humanLine } from "../../../src/common/log/human-line.ts";
import { LOG_EVENTS_PAGE, logEventsPage } from "../../../src/common/log/write-log-events.ts";
import { root, run } from "../../kit/command.ts";

const ROWS = SUBJECTS.flatMap(([, rows]) => Object.entries(rows));
/** Members of every line, which no field may replace. */
const RESERVED = ["level", "time", "pid", "hostname", "name", "event", "msg"];

describe("src/docs/reference/log-events.md", () => {
  it("matches the table of log events; after a change: node src/common/log/write-log-events.ts", async () => {
    expect(await readFile(LOG_EVENTS_PAGE, "utf8")).toBe(logEventsPage());
  });

  it("lists every event once", () => {
    expect(ROWS.map(([name]) => name).toSorted()).toEqual(Object.keys(EVENTS).toSorted());
  });
});

describe("a row of the table of log events", () => {
  it("uses only required fields in its text", () => {
    const missing = ROWS.flatMap(([event, row]) =>
      fieldsInText(row)
        .filter((name) => !row.fields[name] || row.fields[name].isOptional)
        .map((name) => [event, name]),
    );
    expect(missing).toEqual([]);
  });

  it("has no field named like a member of all lines", () => {
    const taken = ROWS.flatMap(([event, { fields }]) =>
      RESERVED.filter((name) => Object.hasOwn(fields, name)).map((name) => [event, name]),
    );
    expect(taken).toEqual([]);
  });

  it("is logged somewhere in the sources", () => {
    const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
    const sources = files.filter((file) => file.endsWith(".ts") && !file.startsWith(join("common", "log", "rows")));
    const words = new Set(sources.flatMap((file) => readFileSync(join(root, "src", file), "utf8").split(/\W+/)));
    expect(ROWS.map(([name]) => name).filter((name) => !words.has(name))).toEqual([]);
  });

  it("has an action if it is a warning or an error", () => {
    expect(ROWS.filter(([, { level, action }]) => level !== "info" && action === undefined)).toEqual([]);
  });

  it("names the config file in every command to run", () => {
    const PROSE = /^ocsgw (?:help|revoke|check cannot tell|check knows|flows(?: and the console|$))/;
    const commands = ROWS.flatMap(([event, { message, action = "" }]) =>
      [...`${message}. ${action}`.matchAll(/ocsgw [^;,.:]+/g)].map(([command]) => [event, command] as const),
    );
    expect(commands.length).toBeGreaterThan(15);
    expect(commands.filter(([, command]) => !command.includes(" -c FILE") && !PROSE.test(command))).toEqual([]);
  });

  it("begins with a capital letter and ends without a full stop", () => {
    const texts = ROWS.flatMap(([, { message, action }]) => [message, ...(action === undefined ? [] : [action])]);
    expect(texts.filter((text) => text.endsWith("."))).toEqual([]);
    expect(ROWS.filter(([, { message }]) => !/^([A-Z{]|systemd)/.test(message))).toEqual([]);
  });
});

/** What a program that logs this writes to stderr, where it is no terminal. */
const linesOf = async (calls: string, env: Readonly<Record<string, string>> = {}): Promise<string[]> => {
  const module = JSON.stringify(join(root, "src/common/log/events.ts"));
  const program = `import { events } from ${module}; ${calls}`;
  const { stderr } = await run(process.execPath, ["--input-type=module", "-e", program], {
    env: { ...process.env, OCSGW_LOG: "", OCSGW_LOG_FORMAT: "", ...env },
  });
  return stderr.trimEnd().split("\n");
};

const importOf = (file: string, name: string): string =>
  `import { ${name} } from ${JSON.stringify(join(root, "src", file))};`;

const REJECTED = 'events.configRejected({ where: "ocsgw.yaml:41:7", problem: "unknown key capaigns", more: 2 });';

describe("a log line", () => {
  it("as JSON has the event's name, its fields, and a text that says what happened and what to do", async () => {
    const [line] = await linesOf(REJECTED);
    expect(JSON.parse(line!)).toMatchObject({
      level: 50,
      event: "configRejected",
      where: "ocsgw.yaml:41:7",
      problem: "unknown key capaigns",
      more: 2,
      msg:
        "Config reload rejected; the running config is unchanged: ocsgw.yaml:41:7 unknown key capaigns. " +
        "Correct the file and run ocsgw reload -c FILE; ocsgw check -c FILE shows every problem. Until a reload is " +
        "accepted, ocsgw status -c FILE shows this warning",
    });
  });

  it("as text has the fields that are not in the message, and the event's name of a warning", async () => {
    const lines = await linesOf(`${REJECTED} events.stopped();`, { OCSGW_LOG_FORMAT: "text" });
    expect(lines.map((line) => line.replace(/^[\d:]{8}/, "12:00:00"))).toEqual([
      "12:00:00  error  Config reload rejected; the running config is unchanged: ocsgw.yaml:41:7 unknown key " +
        "capaigns. Correct the file and run ocsgw reload -c FILE; ocsgw check -c FILE shows every problem. Until a " +
        "reload is accepted, ocsgw status -c FILE shows this warning  event=configRejected  more=2",
      "12:00:00  info   The gateway has stopped",
    ]);
  });

  it("has the path of the config file in its commands once it is known", async () => {
    const named = 'import { nameConfigInLog } from MODULE; nameConfigInLog("/etc/ocs gateway/ocsgw.yaml");';
    const [line] = await linesOf(
      `${named.replace("MODULE", JSON.stringify(join(root, "src/common/log/events.ts")))} ${REJECTED}`,
    );
    expect(JSON.parse(line!)).toMatchObject({
      msg: expect.stringMatching(
        /run ocsgw reload -c '\/etc\/ocs gateway\/ocsgw\.yaml'; ocsgw check -c '\/etc\/ocs gateway\/ocsgw\.yaml' shows/,
      ) as string,
    });
  });

  it("contains an error's reason, code or name, but never the message of an error that may quote input", async () => {
    const [system, coded, other] = await linesOf(
      [
        'Object.assign(new Error("4155550100"), { code: "ENOSPC", syscall: "write" })',
        'Object.assign(new Error("4155550100"), { code: "ERR_X" })',
        'new TypeError("4155550100")',
      ]
        .map((error) => `events.checkpointNotWritten({ error: ${error} });`)
        .join(" "),
    );
    expect(system).toContain("could not be written: no space is left on the disk. The newest entries");
    expect(coded).toContain("could not be written: ERR_X. ");
    expect(other).toContain("could not be written: TypeError. ");
    expect(`${system}${coded}${other}`).not.toContain("4155550100");
  });

  it("contains the message of an error that quotes no input", async () => {
    const words = "the journal in /a cannot be written: no space is left on the disk";
    const lines = await linesOf(
      `${importOf("journal/errors.ts", "JournalUnavailable")} ${importOf("common/timeout.ts", "TimeoutError")} ` +
        'const full = new JournalUnavailable("/a", "no space is left on the disk"); ' +
        "events.loginsNotRecorded({ count: 2, error: full }); " +
        'events.startStateNotWritten({ error: new TimeoutError("no answer from the disk for 5000 ms") });',
    );
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      expect.stringContaining(`are missing from the journal for good: ${words}. `),
      expect.stringContaining("could not be saved: no answer from the disk for 5000 ms. "),
    ]);
  });

  it("lists the log levels if OCSGW_LOG is invalid", async () => {
    const [line] = await linesOf("events.stopped();", { OCSGW_LOG: "verbose" });
    expect(JSON.parse(line!)).toMatchObject({
      msg:
        "OCSGW_LOG=verbose is not a log level; the gateway uses info. " +
        "Set it to one of trace, debug, info, warn, error, fatal, silent",
    });
  });

  it("as text is unchanged if it is not JSON, and readable if its event is unknown", () => {
    expect(humanLine("plain\n")).toBe("plain\n");
    expect(humanLine('{"level":40,"time":"2026-11-22T12:04:31.218Z","event":"constructor","msg":"m"}\n')).toBe(
      "12:04:31  warn   m  event=constructor\n",
    );
  });
});
