import { describe, expect, it } from "vitest";
import { SNIPPET_LANGUAGES } from "../../src/contract/snippets/snippets.ts";
import { ocsgw, run } from "../kit/command.ts";

describe("ocsgw snippet", () => {
  it("prints a request about the path, with the body, for a shell that can run it", async () => {
    const body = `{"GSW_TENANT_NAME":"O'Neil & \\"Sons\\""}`;
    const { code, stdout, stderr } = await ocsgw(
      "snippet",
      "donotcall",
      "/phones/+14155550100",
      "--for",
      "curl",
      "--body",
      body,
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`"$OCSGW_URL"'/phones/+14155550100?req=DoNotCall'`);
    const echo = stdout.replace("curl -sS", "echo");
    expect((await run("sh", ["-c", echo])).stdout).toContain(body);
  });

  it("prints a usual request without a path, if the action has one resource", async () => {
    const { code, stdout } = await ocsgw("snippet", "Load", "--for", "python");
    expect([code, stdout.includes("/campaigngroups/106?req=Load")]).toEqual([0, true]);
  });

  it("says on standard error which are not tried yet, and prints JSON for programs", async () => {
    const { code, stdout, stderr } = await ocsgw("snippet", "Load", "--for", "ors", "--json");
    expect([code, stderr]).toEqual([0, "snippet: not tried on ORS strategy (SCXML) yet\n"]);
    expect(JSON.parse(stdout)).toMatchObject({ language: "ors", tried: false, fence: "xml" });
  });

  it.each<[string, string[], number, RegExp]>([
    ["an unknown action", ["DoNotCal", "--for", "curl"], 2, /DoNotCal is no action of OCS; did you mean DoNotCall\?/],
    ["several resources", ["DoNotCall", "--for", "curl"], 2, /add a path: \/records\/<record handle>, \/phones/],
    [
      "another resource",
      ["Load", "/phones/1234", "--for", "curl"],
      2,
      /Load is no action of \/phones\/1234; its paths/,
    ],
    ["a wrong identifier", ["Load", "/campaigngroups/x", "--for", "curl"], 2, /not a campaign group DBID/],
    ["a wrong body", ["Load", "--for", "curl", "--body", '{"X":1}'], 2, /takes no fields of your own \(\/X\)/],
    ["no language", ["Load"], 2, /--for <language>/],
    ["an unknown language", ["Load", "--for", "cobol"], 2, /Allowed choices are curl/],
    ["a language that cannot", ["ReadStatus", "--for", "gvp"], 1, /gvp cannot send ReadStatus/],
  ])("refuses %s", async (_, args, exit, message) => {
    const { code, stdout, stderr } = await ocsgw("snippet", ...args);
    expect([code, stdout]).toEqual([exit, ""]);
    expect(stderr).toMatch(message);
  });

  it("offers every language", async () => {
    const { stdout } = await ocsgw("snippet", "--help");
    for (const language of SNIPPET_LANGUAGES) expect(stdout).toContain(`"${language}"`);
  });
});
