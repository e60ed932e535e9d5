import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mutated } from "../settings/kit.ts";
import { ocsgw } from "../kit/command.ts";
import { patternOf } from "../kit/pattern.ts";

const CONFIG = "config/ocsgw.yaml";
const add = '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}';
type Verdict = {
  readonly allowed: boolean;
  readonly code?: string;
  readonly rule: string;
  readonly at: string;
  readonly sends?: string;
  readonly body?: string;
};

const can = async (...args: string[]): Promise<{ code: number | null; verdict: Verdict }> => {
  const { code, stdout } = await ocsgw("can", ...args, "-c", CONFIG, "--json");
  return { code, verdict: JSON.parse(stdout) as Verdict };
};

describe("ocsgw can", () => {
  it("says yes with the request that would be sent and the line that grants it", async () => {
    const { code, verdict } = await can(
      "alpha-ors",
      "DoNotCall",
      "/phones/4155550100",
      "--body",
      '{"GSW_TENANT_NAME":"Alpha Tenant"}',
    );
    expect(code).toBe(0);
    expect(verdict).toMatchObject({
      allowed: true,
      sends: "POST /phones/4155550100?req=DoNotCall",
      body: '{"GSW_TENANT_DBID":101}',
      rule: "tenants[0].clients.alpha-ors.actions",
    });
    expect(verdict.at).toMatch(/^config\/ocsgw\.yaml:\d+:\d+$/);
  });

  it.each([
    [
      "an action that is not granted",
      ["alpha-ops", "ForceUnload", "campaigngroups/106"],
      "OCSGW-2101",
      "tenants[0].clients.alpha-ops.actions",
    ],
    [
      "a group that is not among the client's",
      ["alpha-ops", "Load", "campaigngroups/115"],
      "OCSGW-2101",
      "tenants[0].clients.alpha-ops.campaign_groups",
    ],
    [
      "another tenant's group",
      ["alpha-ops", "ReadStatus", "campaigngroups/208"],
      "OCSGW-2104",
      "tenants[0].campaign_groups",
    ],
    [
      "another tenant's list",
      ["alpha-ors", "AddRecord", "lists/Beta%20List", "--body", add],
      "OCSGW-2104",
      "tenants[0].lists",
    ],
    [
      "another tenant's campaign",
      ["beta-crm", "AddRecord", "lists/Beta%20List", "--body", add],
      "OCSGW-2104",
      "tenants[1].campaigns",
    ],
    [
      "another tenant",
      ["alpha-ors", "DoNotCall", "phones/4155550100", "--body", '{"GSW_TENANT_DBID":102}'],
      "OCSGW-2103",
      "tenants[0].dbid",
    ],
    [
      "a GET request with a body",
      ["alpha-ops", "ReadStatus", "campaigngroups/106", "--body", "{}"],
      "OCSGW-1006",
      "tenants[0].clients.alpha-ops",
    ],
    [
      "an action that does not exist",
      ["alpha-ops", "Lod", "campaigngroups/106"],
      "OCSGW-1002",
      "tenants[0].clients.alpha-ops",
    ],
  ] as const)("says no to %s, with the line that decides", async (_what, args, refusal, rule) => {
    const { code, verdict } = await can(...args);
    expect([code, verdict.allowed, verdict.code, verdict.rule]).toEqual([9, false, refusal, rule]);
  });

  it.each([
    [
      "an unknown client, with the nearest name,",
      ["alpha-opz", "Load", "campaigngroups/106"],
      /no tenant in .* has a client alpha-opz; did you mean alpha-ops\?/,
    ],
    [
      "an unknown client without a near name, with all names,",
      ["somebody", "Load", "campaigngroups/106"],
      /has a client somebody; the clients there: .*beta-ops/,
    ],
    [
      "an unknown tenant",
      ["alpha-ops", "Load", "campaigngroups/106", "--tenant", "Alpha Tennant"],
      /--tenant: no tenant in .* is called Alpha Tennant; did you mean Alpha Tenant\?/,
    ],
    [
      "a target that asks for another action",
      ["alpha-ors", "RecordReject", "phones/4155550100?req=DoNotCall"],
      /the target asks for DoNotCall, and the question is about RecordReject/,
    ],
    [
      "an address that asks for another action",
      ["alpha-ors", "AddRecord", "http://127.0.0.1:18080/phones/4155550100?req=donotcall"],
      /the target asks for donotcall/,
    ],
    [
      "a reading with an action in its target",
      ["alpha-ops", "ReadStatus", "campaigngroups/106?req=Load"],
      /the target asks for Load/,
    ],
    [
      "an unknown owner",
      ["alpha-ors", "RecordReject", "records/15", "--owner", "103"],
      /--owner: no tenant in .* is called 103; did you mean|the tenants there: Alpha Tenant, Beta Tenant/,
    ],
  ])("ends with wrong usage for %s", async (_what, args, says) => {
    const { code, stdout, stderr } = await ocsgw("can", ...args, "-c", CONFIG);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringMatching(says)]);
  });

  describe("for a client of several tenants", () => {
    let dir: string;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "ocsgw-can-"));
      const serves = `      both: { actions: [DoNotCall, RecordReject] }\n`;
      const callbacks = "    connections: 4\n    callbacks: { bind: 127.0.0.1:8444, allow_from: [127.0.0.0/8] }";
      await writeFile(
        join(dir, "ocsgw.yaml"),
        mutated(["    connections: 4", callbacks])
          .replaceAll("records: unscoped", "records: pre-dial")
          .replaceAll(/    clients:\n/g, `    clients:\n${serves}`),
      );
    });
    afterAll(() => rm(dir, { recursive: true }));

    it.each([
      ["a phone, without a tenant", ["DoNotCall", "phones/4155550100"], 9, /OCSGW-2105/],
      [
        "a phone, with the tenant's name",
        ["DoNotCall", "phones/4155550100", "--tenant", "Beta Tenant"],
        0,
        /for Beta Tenant/,
      ],
      ["a phone, with the tenant's DBID", ["DoNotCall", "phones/4155550100", "--tenant", "101"], 0, /for Alpha Tenant/],
      [
        "a phone, with the tenant in the body",
        ["DoNotCall", "phones/4155550100", "--body", '{"GSW_TENANT_DBID":102}'],
        0,
        /for Beta Tenant/,
      ],
      [
        "a record, with its owner's name",
        ["RecordReject", "records/15", "--owner", "Alpha Tenant"],
        0,
        /for Alpha Tenant/,
      ],
      ["a record, with its owner's DBID", ["RecordReject", "records/15", "--owner", "102"], 0, /for Beta Tenant/],
      [
        "a record, with the tenant that asks",
        ["RecordReject", "records/15", "--tenant", "Beta Tenant"],
        0,
        /for Beta Tenant/,
      ],
      [
        "another tenant's record",
        ["RecordReject", "records/15", "--tenant", "Beta Tenant", "--owner", "Alpha Tenant"],
        9,
        /OCSGW-2106/,
      ],
    ] as const)("answers for %s", async (_what, args, code, says) => {
      const ran = await ocsgw("can", "both", ...args, "-c", join(dir, "ocsgw.yaml"));
      expect([ran.stderr, ran.code, ran.stdout]).toEqual(["", code, expect.stringMatching(says)]);
    });

    it("asks for the owner of a record, because the owner decides", async () => {
      const { code, stderr } = await ocsgw("can", "both", "RecordReject", "records/15", "-c", join(dir, "ocsgw.yaml"));
      expect([code, stderr]).toEqual([
        2,
        "both acts for Alpha Tenant, Beta Tenant, and the owner of the record's handle decides for which: name it " +
          "with --owner\n",
      ]);
    });
  });

  it("says which decision is only observed", async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-can-"));
    await writeFile(join(dir, "ocsgw.yaml"), mutated(["    fields: any", "    mode: observe"]));
    const asked = async (...args: string[]): Promise<string> =>
      (await ocsgw("can", ...args, "-c", join(dir, "ocsgw.yaml"))).stdout;
    expect(await asked("alpha-ops", "ForceUnload", "campaigngroups/106")).toMatch(
      /^no .*OCSGW-2101[^]*\n {5}mode: observe: the gateway lets it pass and records it\n$/,
    );
    expect(await asked("alpha-ops", "Load", "campaigngroups/208")).not.toContain("observe");
    await rm(dir, { recursive: true });
  });

  it("prints the decision as a sentence", async () => {
    const { stdout } = await ocsgw("can", "alpha-ops", "Load", "campaigngroups/208", "-c", CONFIG);
    expect(stdout).toMatch(
      patternOf(
        /^no {3}alpha-ops may not Load campaigngroups\/208: OCSGW-2104 .+\n/,
        / {5}config\/ocsgw\.yaml:\d+:\d+ {2}tenants\[0\]\.campaign_groups\n$/,
      ),
    );
  });
});

describe("ocsgw", () => {
  it("ends with 2 for wrong usage and with 0 for help", async () => {
    expect((await ocsgw("frobnicate")).code).toBe(2);
    expect((await ocsgw("can", "one")).code).toBe(2);
    expect((await ocsgw("sandbox", "--port", "99999")).code).toBe(2);
    expect((await ocsgw("--help")).code).toBe(0);
    expect((await ocsgw("check", "-c", "no-such-file.yaml")).code).toBe(3);
  });
});
