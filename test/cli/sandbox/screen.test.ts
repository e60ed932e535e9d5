/** The output of the sandbox: commands to copy, requests, and log lines in text form. */
import { describe, expect, it } from "vitest";
import { commandName } from "../../../src/cli/process/command-name.ts";
import { inShell } from "../../../src/common/shell-word.ts";
import { requestLine, type ShownRequest } from "../../../src/cli/sandbox/request-line.ts";
import { humanLine, isForPeople } from "../../../src/common/log/human-line.ts";
import { readTarget } from "../../../src/ocs/target.ts";

describe("the command name in printed texts", () => {
  const at = (env: Record<string, string>, execPath = "/usr/bin/node"): string =>
    commandName({ env, argv: [execPath, "/home/me/gw/src/cli/main.ts"], execPath, cwd: "/home/me/gw" });
  it.each<[string, Record<string, string>, string]>([
    ["npm start", { npm_lifecycle_event: "start" }, "npm run --silent ocsgw --"],
    ["npm run ocsgw", { npm_lifecycle_event: "ocsgw" }, "npm run --silent ocsgw --"],
    ["the package's command", { OCSGW_COMMAND: "ocsgw" }, "ocsgw"],
    ["Node itself", {}, "/usr/bin/node src/cli/main.ts"],
    ["another script of npm", { npm_lifecycle_event: "test" }, "/usr/bin/node src/cli/main.ts"],
  ])("follows how the process was started: %s", (_, env, name) => expect(at(env)).toBe(name));

  it("is quoted for a shell", () => {
    expect(at({}, "/opt/my node/bin/node")).toBe("'/opt/my node/bin/node' src/cli/main.ts");
    expect([inShell("/tmp/a-b.yaml"), inShell("it's")]).toEqual(["/tmp/a-b.yaml", "'it'\\''s'"]);
  });
});

describe("a request's line on the screen", () => {
  const at = new Date("2026-11-22T12:04:31.218Z");
  const seen = (method: "GET" | "POST", target: string, client?: string): ShownRequest => ({
    arrival: { id: "01KAPQ7Z8M3V", method },
    operation: readTarget(method, target),
    waits: { queue: 0.12, ocs: 2.84 },
    caller: client === undefined ? undefined : ({ client } as ShownRequest["caller"]),
  });
  it.each([
    ["POST", "/phones/4155550100?req=DoNotCall", "phones/······0100"],
    ["POST", "/customer_ids/CUST-884411?req=DoNotCall", "customer_ids/······4411"],
    ["POST", "/records/15?req=RecordProcessed", "records/15"],
    ["POST", "/lists/Alpha%20List?req=AddRecord", "lists/Alpha List"],
    ["GET", "/campaigngroups", "campaigngroups"],
  ] as const)("shows only the last four characters of a number: %s %s", (method, target, shown) => {
    expect(requestLine(seen(method, target, "alpha-crm"), { status: 200 }, at)).toMatch(
      new RegExp(`^12:04:31\\.218  200  ocs      alpha-crm  \\w+ +${shown} +queue 0\\.1  ocs 2\\.8 ms  01KAPQ7Z8M3V$`),
    );
  });

  it("has the code of a refusal, even if the request was not understood", () => {
    const line = requestLine(
      { arrival: { id: "01KAPQ7Z8M3V", method: "POST" }, operation: undefined, caller: undefined, waits: undefined },
      { status: 401, code: "OCSGW-2001" },
      at,
    );
    expect(line).toMatch(/^12:04:31\.218  401  gateway  - +POST +- +OCSGW-2001  01KAPQ7Z8M3V$/);
  });
});

describe("the log of the sandbox", () => {
  it.each<[Record<string, string>, boolean, boolean]>([
    [{}, true, true],
    [{}, false, false],
    [{ OCSGW_LOG_FORMAT: "json" }, true, false],
    [{ OCSGW_LOG_FORMAT: "text" }, false, true],
    [{ OCSGW_LOG_FORMAT: "" }, true, true],
    [{ OCSGW_LOG_FORMAT: " JSON " }, true, false],
  ])("with %j, on a terminal: %s, is in text form: %s", (env, isTerminal, expected) =>
    expect(isForPeople(env, () => isTerminal)).toBe(expected),
  );

  it("in text form has time, level and sentence first, then the fields", () => {
    const line =
      '{"level":40,"time":"2026-11-22T12:04:31.218Z","pid":7,"hostname":"h","name":"ocsgw",' +
      '"listener":"clients","address":"http://127.0.0.1:8080","n":3,"why":"two ' +
      'words","msg":"listening"}\n';
    expect(humanLine(line)).toBe(
      '12:04:31  warn   listening  listener=clients  address=http://127.0.0.1:8080  n=3  why="two words"\n',
    );
    expect(humanLine("no JSON\n")).toBe("no JSON\n");
  });
});
