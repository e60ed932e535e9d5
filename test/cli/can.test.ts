import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mutated } from "../settings/kit.ts";
import { ocsgw } from "../kit/command.ts";

const CONFIG = "config/ocsgw.yaml";
const add = '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}';
type Verdict = { readonly allowed: boolean; readonly code?: string; readonly rule: string; readonly at: string; readonly sends?: string; readonly body?: string };

const can = async (...args: string[]): Promise<{ code: number | null; verdict: Verdict }> => {
  const { code, stdout } = await ocsgw("can", ...args, "-c", CONFIG, "--json");
  return { code, verdict: JSON.parse(stdout) as Verdict };
};

describe("ocsgw can", () => {
  it("says yes with what would be sent and the line that grants it", async () => {
    const { code, verdict } = await can("alpha-ors", "DoNotCall", "/phones/4155550100", "--body", '{"GSW_TENANT_NAME":"Alpha Tenant"}');
    expect(code).toBe(0);
    expect(verdict).toMatchObject({ allowed: true, sends: "POST /phones/4155550100?req=DoNotCall", body: '{"GSW_TENANT_DBID":101}', rule: "tenants[0].clients.alpha-ors.actions" });
    expect(verdict.at).toMatch(/^config\/ocsgw\.yaml:\d+:\d+$/);
  });

  it.each([
    ["an action that is not granted", ["alpha-ops", "ForceUnload", "campaigngroups/106"], "OCSGW-2101", "tenants[0].clients.alpha-ops.actions"],
    ["a group that is not among the client's", ["alpha-ops", "Load", "campaigngroups/115"], "OCSGW-2101", "tenants[0].clients.alpha-ops.campaign_groups"],
    ["another tenant's group", ["alpha-ops", "ReadStatus", "campaigngroups/208"], "OCSGW-2104", "tenants[0].campaign_groups"],
    ["another tenant's list", ["alpha-ors", "AddRecord", "lists/Beta%20List", "--body", add], "OCSGW-2104", "tenants[0].lists"],
    ["another tenant's campaign", ["beta-crm", "AddRecord", "lists/Beta%20List", "--body", add], "OCSGW-2104", "tenants[1].campaigns"],
    ["another tenant", ["alpha-ors", "DoNotCall", "phones/4155550100", "--body", '{"GSW_TENANT_DBID":102}'], "OCSGW-2103", "tenants[0].dbid"],
    ["an action that does not exist", ["alpha-ops", "Lod", "campaigngroups/106"], "OCSGW-1002", "tenants[0].clients.alpha-ops"],
  ] as const)("says no to %s, with the line that lacks it", async (_what, args, refusal, rule) => {
    const { code, verdict } = await can(...args);
    expect([code, verdict.allowed, verdict.code, verdict.rule]).toEqual([9, false, refusal, rule]);
  });

  it("names the clients there are when it does not know one", async () => {
    const { code, stderr } = await ocsgw("can", "alpha-opz", "Load", "campaigngroups/106", "-c", CONFIG);
    expect([code, stderr]).toEqual([9, expect.stringContaining("alpha-ops")]);
  });

  it("says what of it is only observed", async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-can-"));
    await writeFile(join(dir, "ocsgw.yaml"), mutated(["    fields: any", "    mode: observe"]));
    const asked = async (...args: string[]): Promise<string> => (await ocsgw("can", ...args, "-c", join(dir, "ocsgw.yaml"))).stdout;
    expect(await asked("alpha-ops", "ForceUnload", "campaigngroups/106")).toMatch(/^no .*OCSGW-2101[^]*\n {5}mode: observe: it is let pass, and recorded\n$/);
    expect(await asked("alpha-ops", "Load", "campaigngroups/208")).not.toContain("observe");
    await rm(dir, { recursive: true });
  });

  it("says so in words", async () => {
    const { stdout } = await ocsgw("can", "alpha-ops", "Load", "campaigngroups/208", "-c", CONFIG);
    expect(stdout).toMatch(/^no {3}alpha-ops may not Load campaigngroups\/208: OCSGW-2104 .+\n {5}config\/ocsgw\.yaml:\d+:\d+ {2}tenants\[0\]\.campaign_groups\n$/);
  });
});

describe("ocsgw", () => {
  it("answers wrong usage with 2 and help with 0", async () => {
    expect((await ocsgw("frobnicate")).code).toBe(2);
    expect((await ocsgw("can", "one")).code).toBe(2);
    expect((await ocsgw("sandbox", "--port", "99999")).code).toBe(2);
    expect((await ocsgw("--help")).code).toBe(0);
    expect((await ocsgw("check", "-c", "no-such-file.yaml")).code).toBe(3);
  });
});
