/**
 * Refusals and outcomes say at which stage they were thrown and which setting decided, and what somebody claimed who
 * was not let in.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSetting } from "../../src/gateway/deciding-setting.ts";
import type { Recorded } from "../../src/journal/entry.ts";
import { createKey } from "../../src/settings/files/api-key.ts";
import { presentedClaims } from "../../src/identity/presented.ts";
import { ocsgw } from "../kit/command.ts";
import { aGateway, basic, keyFor, twoTenants, type TestGateway } from "../kit/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  const config = twoTenants("http://127.0.0.1:9");
  const [alpha, beta] = config.tenants as Record<string, unknown>[];
  Object.assign(alpha!, { fields: ["CODE"], limits: { actions: { AddRecord: { rate: "1/h", burst: 1 } } } });
  Object.assign(beta!, {
    clients: { beta: { actions: ["DoNotCall"], limits: { requests: { rate: "1/h", burst: 1 } } } },
    records: "pre-dial",
  });
  Object.assign(config.upstreams["ocs"] as object, {
    callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] },
    queue: { max: 10, max_wait: "300ms" },
  });
  gateway = await aGateway(config);
});
afterAll(() => gateway.stop());

type Ask = {
  readonly path: string;
  readonly by?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
};
const ask = async ({ path, by = basic("alpha"), body = "{}", headers = {} }: Ask): Promise<string> => {
  const answer = await fetch(`${gateway.url}${path}`, {
    method: "POST",
    body,
    headers: { Authorization: by, "Content-Type": "application/json", ...headers },
  });
  return answer.headers.get("Ocsgw-Request-Id")!;
};
const entryOf = async (id: string): Promise<Recorded | undefined> => {
  await new Promise((resolve) => setTimeout(resolve, 250));
  const text = await readFile(join(gateway.dir, "audit/segments/000000000000.jsonl"), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Recorded)
    .findLast((entry) => "id" in entry && entry.id === id);
};
const as = (user: string): string => `Basic ${Buffer.from(`${user}:wrong`).toString("base64")}`;

describe("the journal's entry of a refusal", () => {
  it.each<[string, Ask, object]>([
    [
      "of an unknown client",
      { path: "/phones/4155550101?req=DoNotCall", by: as("mallory") },
      { stage: "identity", presented: { client: "mallory", path: "/phones/······" } },
    ],
    [
      "of an unknown client, with a number as the name",
      { path: "/campaigngroups/415-555-0100?req=Load", by: as("415.555.0100") },
      { stage: "identity", presented: { client: "······0100", path: "/campaigngroups/······0100" } },
    ],
    [
      "of an unknown client, with a key as the name",
      { path: "/", by: as(createKey().key) },
      { stage: "identity", presented: { path: "/" } },
    ],
    [
      "of an unknown client, with a valid key as the name",
      { path: "/", by: as(keyFor("beta")) },
      { stage: "identity", presented: { path: "/" } },
    ],
    [
      "of an unknown client, for a customer below another path",
      { path: "/ocs//customer_ids/jane.doe@example.com?req=DoNotCall", by: as("mallory") },
      { stage: "identity", presented: { client: "mallory", path: "/ocs//customer_ids/······" } },
    ],
    [
      "of an unknown client, for a customer after an encoded name",
      { path: "/%63ustomer_ids%2Fjane.doe?req=DoNotCall", by: as("mallory") },
      { stage: "identity", presented: { client: "mallory", path: "/customer_ids/······" } },
    ],
    [
      "of an unknown client, for a customer after a misspelled name",
      { path: "/customerId/jane.doe", by: as("mallory") },
      { stage: "identity", presented: { client: "mallory", path: "/customerId/······" } },
    ],
    [
      "of an unknown client, with a number between encoded characters",
      { path: "/call/415%2D555%C2%A00107", by: as("mallory") },
      { stage: "identity", presented: { client: "mallory", path: "/call/······0107" } },
    ],
    [
      "of an unknown client, with encoded characters that are not a number",
      { path: "/lists/Beta%20List%FF", by: as("mallory") },
      { stage: "identity", presented: { client: "mallory", path: "/lists/Beta%20List%FF" } },
    ],
    ["of an unknown path", { path: "/nothing" }, { stage: "operation" }],
    [
      "of a client without the action",
      { path: "/lists/Beta%20List?req=AddRecord", by: basic("beta") },
      { stage: "policy", setting: "tenants[1].clients.beta.actions" },
    ],
    [
      "of another tenant, by the header",
      { path: "/phones/4155550102?req=DoNotCall", headers: { "Ocsgw-Tenant": "102" } },
      { stage: "policy" },
    ],
    ["of no JSON", { path: "/phones/4155550103?req=DoNotCall", body: "{" }, { stage: "body" }],
    [
      "of another tenant, by the body",
      { path: "/phones/4155550104?req=DoNotCall", body: '{"GSW_TENANT_DBID":102}' },
      { stage: "scope", setting: "tenants[0].dbid" },
    ],
    [
      "of another tenant's campaign",
      { path: "/phones/4155550105?req=DoNotCall", body: '{"GSW_CAMPAIGN_NAME":"Beta Campaign"}' },
      { stage: "scope", setting: "tenants[0].campaigns" },
    ],
    [
      "of another tenant's group",
      { path: "/campaigngroups/208?req=Load" },
      { stage: "scope", setting: "tenants[0].campaign_groups" },
    ],
    [
      "of a field that is not listed",
      { path: "/phones/4155550106?req=DoNotCall", body: '{"OTHER":"1"}' },
      { stage: "scope", setting: "tenants[0].fields" },
    ],
  ])("%s has its stage, setting and claims", async (_what, asked, expected) => {
    const { stage, setting, presented } = (await entryOf(await ask(asked))) as {
      stage?: string;
      setting?: string;
      presented?: object;
    };
    expect({ ...(stage && { stage }), ...(setting && { setting }), ...(presented && { presented }) }).toEqual(expected);
  });

  it("over a limit names the limit of a tenant's action or of a client", async () => {
    const add = { path: "/lists/Alpha%20List?req=AddRecord", body: '{"GSW_PHONE":"1"}' };
    await ask(add);
    expect(await entryOf(await ask(add))).toMatchObject({
      kind: "refusal",
      code: "OCSGW-3001",
      stage: "policy",
      setting: "tenants[0].limits.actions.AddRecord",
    });
    // Urgent actions have no limit of their own here: the numbers are those of `requests`.
    const dnc = (handle: number): Ask => ({ path: `/records/${handle}?req=DoNotCall`, by: basic("beta") });
    expect(await entryOf(await ask(dnc(15)))).toMatchObject({
      kind: "refusal",
      code: "OCSGW-2106",
      stage: "scope",
      setting: "tenants[1].records",
    });
    expect(await entryOf(await ask(dnc(16)))).toMatchObject({
      code: "OCSGW-3001",
      stage: "policy",
      setting: "tenants[1].clients.beta.limits.requests",
    });
  });
});

it(
  "an outcome without OCS's answer has the stage and the upstream's setting, and explain shows the config line",
  { timeout: 30_000 },
  async () => {
    const id = await ask({ path: "/phones/4155550107?req=DoNotCall" });
    expect(await entryOf(id)).toMatchObject({
      kind: "outcome",
      code: "OCSGW-4001",
      stage: "ocs",
      setting: "upstreams.ocs.primary",
    });
    const ran = await ocsgw("explain", id, "-c", join(gateway.dir, "ocsgw.yaml"));
    expect([ran.code, ran.stdout]).toEqual([
      0,
      expect.stringMatching(/decided by +.*ocsgw\.yaml:\d+:\d+ {2}upstreams\.ocs\.primary/),
    ]);
  },
);

it("explain shows the claimed client and the limit", { timeout: 30_000 }, async () => {
  const stranger = await ocsgw(
    "explain",
    await ask({ path: "/phones/4155550108?req=DoNotCall", by: as("mallory") }),
    "-c",
    join(gateway.dir, "ocsgw.yaml"),
  );
  expect(stranger.stdout).toContain("claimed    client mallory, path /phones/······; nothing of it was verified");
  const over = await ocsgw(
    "explain",
    await ask({ path: "/lists/Alpha%20List?req=AddRecord", body: '{"GSW_PHONE":"1"}' }),
    "-c",
    join(gateway.dir, "ocsgw.yaml"),
  );
  expect(over.stdout).toMatch(/decided by +.*ocsgw\.yaml:\d+:\d+ {2}tenants\[0\]\.limits\.actions\.AddRecord/);
});

describe("the claims of an unverified credential", () => {
  const token = (header: string, payload = "{}"): string =>
    `${Buffer.from(header).toString("base64url")}.${Buffer.from(payload).toString("base64url")}.x`;
  const known = {
    isKey: (text: string) => text === "Tr0ub4dor",
    clientClaimOf: (issuer: string) => (issuer === "https://idp/" ? "azp" : undefined),
  };
  it.each<[string, Parameters<typeof presentedClaims>[0], object]>([
    ["a token's key", [{ kind: "jwt", text: token('{"alg":"RS256","kid":"2026-a"}') }], { kid: "2026-a" }],
    ["no kid", [{ kind: "jwt", text: token('{"alg":"RS256"}') }], {}],
    ["a kid that is not a string", [{ kind: "jwt", text: token('{"kid":{"a":1}}') }], {}],
    ["a kid with a line break", [{ kind: "jwt", text: token('{"kid":"a\\nb"}') }], {}],
    ["a header that is not JSON", [{ kind: "jwt", text: "a.b.c" }], {}],
    ["a header that is too long", [{ kind: "jwt", text: token(`{"kid":"a","x":"${"y".repeat(2000)}"}`) }], {}],
    ["a secret in a name's place", [{ kind: "key", user: "sk_sandbox_alpha-ors", key: "" }], {}],
    ["a key without a name", [{ kind: "key", key: "secret" }], {}],
    ["a key of ours in a name's place", [{ kind: "key", user: "Tr0ub4dor", key: "" }], {}],
    ["a UUID in a name's place", [{ kind: "key", user: "550e8400-e29b-41d4-a716-446655440000", key: "" }], {}],
    [
      "a token's issuer and client",
      [{ kind: "jwt", text: token("{}", '{"iss":"https://idp/","azp":"ors-main"}') }],
      { client: "ors-main", issuer: "https://idp/" },
    ],
    [
      "an unknown issuer, whose client claim is unknown",
      [{ kind: "jwt", text: token("{}", '{"iss":"https://other/","azp":"ors-main"}') }],
      { issuer: "https://other/" },
    ],
    ["an issuer with a line break", [{ kind: "jwt", text: token("{}", '{"iss":"a\\nb","azp":"x"}') }], {}],
    [
      "a secret in a claim's place",
      [{ kind: "jwt", text: token("{}", '{"iss":"https://idp/","azp":"sk_live_1"}') }],
      { issuer: "https://idp/" },
    ],
    [
      "a client that is not a string",
      [{ kind: "jwt", text: token("{}", '{"iss":"https://idp/","azp":{}}') }],
      { issuer: "https://idp/" },
    ],
    ["a payload that is not an object", [{ kind: "jwt", text: token("{}", "7") }], {}],
    [
      "a payload that is nested deeper than any token is",
      [
        {
          kind: "jwt",
          text: token('{"kid":"2026-a"}', `{"iss":"https://idp/","x":${"[".repeat(6000)}${"]".repeat(6000)}}`),
        },
      ],
      { kid: "2026-a" },
    ],
    [
      "a token of 500 groups",
      [
        {
          kind: "jwt",
          text: token(
            "{}",
            JSON.stringify({
              iss: "https://idp/",
              azp: "ors-main",
              groups: Array.from({ length: 500 }, (_, at) => `group-${at}`),
            }),
          ),
        },
      ],
      { client: "ors-main", issuer: "https://idp/" },
    ],
    [
      "a token that is too long",
      [{ kind: "jwt", text: token("{}", `{"iss":"https://idp/","x":"${"y".repeat(20_000)}"}`) }],
      {},
    ],
    ["a name", [{ kind: "key", user: "ors-main", key: "secret" }], { client: "ors-main" }],
  ])("%s", (_what, presented, claimed) => expect(presentedClaims(presented, known)).toEqual(claimed));
});

it.each([
  ["tenants[0].limits.requests", ["tenants", 0, "limits", "requests"]],
  ['tenants[2].clients."ors.main".actions', ["tenants", 2, "clients", "ors.main", "actions"]],
  ["upstreams.ocs-main.queue.max", ["upstreams", "ocs-main", "queue", "max"]],
  ["a b", undefined],
])("readSetting parses %s as a path", (text, path) => expect(readSetting(text)).toEqual(path));
