/**
 * A 401 tells its client nothing and its operator all: reason and what was presented, in the journal, in explain and in
 * the metric.
 */
import { generateKeyPairSync } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { readFile, writeFile } from "node:fs/promises";
import type { Recorded } from "../../src/journal/entry.ts";
import { ocsgw } from "../kit/command.ts";
import { aGateway, basic, keyFor, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { claims, es256, jwkOf } from "./kit.ts";

const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ISSUER = "https://idp.test/";
let gateway: TestGateway;

beforeAll(async () => {
  const config = twoTenants("http://127.0.0.1:9");
  config["identity"] = {
    keys: { file: "keys.yaml" },
    jwt: [{ name: "corp", issuer: ISSUER, audience: "ocs-gateway", jwks_file: "jwks.json", claims: { client: "azp" } }],
    failures: { rate: "1/h", burst: 100 },
  };
  config["admin"] = { bind: "127.0.0.1:0" };
  Object.assign(config.upstreams["ocs"] as object, {
    callbacks: {
      bind: "127.0.0.1:0",
      allow_from: ["127.0.0.1"],
      registrars: [{ client: "minter", tenants: ["Alpha Tenant"] }],
    },
  });
  gateway = await aGateway(config, ["alpha", "beta", "nobody", "expired", "minter"], {
    "jwks.json": JSON.stringify({ keys: [jwkOf(ec.publicKey, { kid: "2026-a" })] }),
  });
  const keys = join(gateway.dir, "keys.yaml");
  const written = parse(await readFile(keys, "utf8")) as { keys: { id: string; expires?: string }[] };
  written.keys.find(({ id }) => id === "expired")!.expires = "2026-02-01T00:00:00Z";
  await writeFile(keys, stringify(written));
  await appendFile(join(gateway.dir, "ocsgw.yaml"), "# read again\n");
  expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
});
afterAll(() => gateway.stop());

const token = (more: object, header: object = { alg: "ES256", kid: "2026-a" }): string =>
  `Bearer ${es256(ec.privateKey, header, claims({ iat: now(), exp: now() + 300, ...more }))}`;
const now = (): number => Math.floor(Date.now() / 1000);
const expired = (): string => token({ iat: now() - 7200, exp: now() - 3600 });
const PATH = "/phones/4155550100?req=DoNotCall";

type Row = {
  readonly what: string;
  readonly by: () => string | undefined;
  readonly reason: string;
  readonly presented: object;
  readonly advice: RegExp;
};

const rows: readonly Row[] = [
  { what: "nothing", by: () => undefined, reason: "no-credential", presented: {}, advice: /Send the key as Basic/ },
  {
    what: "an unknown scheme",
    by: () => "Negotiate AAAA",
    reason: "unreadable",
    presented: {},
    advice: /Correct the header/,
  },
  {
    what: "an unknown key",
    by: () => `Basic ${Buffer.from("mallory:wrong").toString("base64")}`,
    reason: "key-unknown",
    presented: { client: "mallory" },
    advice: /ocsgw keys list/,
  },
  {
    what: "an expired key",
    by: () => basic("expired"),
    reason: "key-expired",
    presented: { client: "expired", key: "expired" },
    advice: /keys create/,
  },
  {
    what: "another client's key",
    by: () => `Basic ${Buffer.from(`mallory:${keyFor("alpha")}`).toString("base64")}`,
    reason: "key-client",
    presented: { client: "mallory", key: "alpha" },
    advice: /Basic's user/,
  },
  {
    what: "a client under no tenant",
    by: () => basic("nobody"),
    reason: "no-tenant",
    presented: { client: "nobody", key: "nobody" },
    advice: /tenant's clients/,
  },
  {
    what: "an expired token",
    by: expired,
    reason: "token-expired",
    presented: { client: "ors-main", kid: "2026-a", issuer: ISSUER },
    advice: /fetch a new token/,
  },
  {
    what: "a foreign issuer's token",
    by: () => token({ iss: "https://old-idp.test/" }),
    reason: "token-issuer",
    presented: { kid: "2026-a", issuer: "https://old-idp.test/" },
    advice: /identity\.jwt\[\]\.issuer/,
  },
  {
    what: "a token of an unknown key",
    by: () => token({}, { alg: "ES256", kid: "2025-z" }),
    reason: "token-key",
    presented: { client: "ors-main", kid: "2025-z", issuer: ISSUER },
    advice: /kid/,
  },
];

const entryOf = async (id: string, of = gateway): Promise<Extract<Recorded, { kind: "refusal" }>> =>
  (await of.journal()).findLast(
    (entry): entry is Extract<Recorded, { kind: "refusal" }> => entry.kind === "refusal" && entry.id === id,
  )!;
const countOf = async (reason: string, of = gateway): Promise<number> => {
  const text = await (await fetch(`${of.gateway.admin}/metrics`)).text();
  return Number(new RegExp(`^ocsgw_auth_failures_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec(text)![1]);
};
const ask = (by: string | undefined, url = gateway.url, path = PATH, method = "POST"): Promise<Response> =>
  fetch(`${url}${path}`, { method, headers: by === undefined ? {} : { authorization: by } });

describe("a request that is not authenticated", () => {
  it.each(rows)(
    "is refused with 401 and journaled with its reason: $what",
    { timeout: 30_000 },
    async ({ by, reason, presented, advice }) => {
      const before = await countOf(reason);
      const reply = await ask(by());
      const id = reply.headers.get("ocsgw-request-id")!;
      // Every one of them has the same reply.
      expect([reply.status, reply.headers.get("ocsgw-code"), await reply.text()]).toEqual([
        401,
        "OCSGW-2001",
        "<HTML><body>401 Unauthorized : OCSGW-2001 no usable credential. Not sent to OCS.</body></HTML>",
      ]);
      expect(await entryOf(id)).toMatchObject({
        kind: "refusal",
        code: "OCSGW-2001",
        stage: "identity",
        reason: expect.stringMatching(new RegExp(`^${reason}: \\S`)) as string,
      });
      expect((await entryOf(id)).presented).toEqual({ ...presented, path: "/phones/······" });
      expect((await countOf(reason)) - before).toBe(1);
      const { stdout } = await ocsgw("explain", id, "-c", join(gateway.dir, "ocsgw.yaml"));
      expect(stdout).toMatch(new RegExp(`identity +deny +OCSGW-2001 +${reason}: `));
      expect(stdout).toMatch(advice);
      expect(stdout).not.toContain("-c FILE");
      const { key, ...claimed } = presented as Record<string, string>;
      for (const [name, said] of Object.entries(claimed))
        expect(stdout).toMatch(new RegExp(`claimed +.*${name} ${said}.*; nothing of it was verified`));
      expect(/^ +API key +(\S+), as in the keys file$/m.exec(stdout)?.[1]).toBe(key);
    },
  );

  it("is journaled in the same way as a registrar's", async () => {
    const url = gateway.gateway.callbacks["ocs"]!;
    const before = await countOf("no-registrar");
    const reply = await ask(basic("alpha"), url, "/ownership/ocs/7", "PUT");
    expect(reply.status).toBe(401);
    expect(await entryOf(reply.headers.get("ocsgw-request-id")!)).toMatchObject({
      stage: "identity",
      reason: "no-registrar: client alpha (key alpha) is not a registrar of upstream ocs",
      presented: { client: "alpha" },
    });
    expect((await countOf("no-registrar")) - before).toBe(1);
    const elsewhere = await ask(basic("minter"), url, "/ownership/other/7", "PUT");
    expect(await entryOf(elsewhere.headers.get("ocsgw-request-id")!)).toMatchObject({
      code: "OCSGW-1001",
      stage: "operation",
    });
  });

  it("has a metric for each reason from the first scrape on", async () => {
    expect(await countOf("token-lifetime")).toBe(0);
  });
});

describe("an issuer whose keys cannot be fetched", () => {
  let away: TestGateway;
  beforeAll(async () => {
    const config = twoTenants("http://127.0.0.1:9");
    // Nobody fetches from port 9.
    config["identity"] = {
      keys: { file: "keys.yaml" },
      jwt: [{ name: "corp", issuer: ISSUER, audience: "ocs-gateway", jwks_uri: "http://127.0.0.1:9/jwks.json" }],
    };
    config["admin"] = { bind: "127.0.0.1:0" };
    away = await aGateway(config);
  });
  afterAll(() => away.stop());

  it(
    "makes its tokens get 503 with Retry-After, and is reported by readyz, metrics, journal and explain",
    { timeout: 30_000 },
    async () => {
      const reply = await fetch(`${away.url}${PATH}`, {
        method: "POST",
        headers: { authorization: token({}), accept: "application/json" },
      });
      expect([
        reply.status,
        reply.headers.get("ocsgw-code"),
        reply.headers.get("ocsgw-delivery"),
        reply.headers.get("www-authenticate"),
      ]).toEqual([503, "OCSGW-2003", "not-sent", null]);
      expect(Number(reply.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(Number(reply.headers.get("retry-after"))).toBeLessThanOrEqual(30);
      expect(await reply.json()).toMatchObject({
        code: "OCSGW-2003",
        status: 503,
        detail: "the keys of the token's issuer cannot be fetched",
      });
      const id = reply.headers.get("ocsgw-request-id")!;
      expect((await away.journal()).find((entry) => entry.kind === "refusal" && entry.id === id)).toMatchObject({
        stage: "identity",
        reason: expect.stringMatching(/^issuer-unavailable: the keys of issuer corp cannot be fetched: /) as string,
        presented: { client: "ors-main", kid: "2026-a", issuer: ISSUER },
      });
      const ready = (await (await fetch(`${away.gateway.admin}/readyz`)).json()) as { warnings: string[] };
      expect(ready.warnings).toContainEqual(
        expect.stringMatching(
          /^the keys of issuer corp cannot be fetched \(.+\): its tokens are refused \(503 OCSGW-2003\)$/,
        ),
      );
      const metrics = await (await fetch(`${away.gateway.admin}/metrics`)).text();
      expect(metrics).toContain('ocsgw_key_set_up{issuer="corp"} 0');
      expect(metrics).not.toContain("ocsgw_key_set_age_seconds{");
      expect(metrics).toContain('ocsgw_auth_failures_total{reason="issuer-unavailable"} 1');
      expect(metrics).toContain('ocsgw_refusals_total{tenant="none",code="OCSGW-2003"} 1');
      const { stdout } = await ocsgw("explain", id, "-c", join(away.dir, "ocsgw.yaml"));
      expect(stdout).toMatch(/identity +deny +OCSGW-2003 +issuer-unavailable: the keys of issuer corp/);
      expect(stdout).toMatch(/check identity\.jwt\[\]\.jwks_uri and the network/);
      // Whoever has a key is not concerned.
      expect((await ask(basic("alpha"), away.url)).headers.get("ocsgw-code")).toBe("OCSGW-4001");
    },
  );
});

describe("an address with too many failures", () => {
  let throttling: TestGateway;
  beforeAll(async () => {
    const config = twoTenants("http://127.0.0.1:9");
    config["identity"] = { keys: { file: "keys.yaml" }, failures: { rate: "1/h", burst: 3 } };
    config["admin"] = { bind: "127.0.0.1:0" };
    throttling = await aGateway(config);
  });
  afterAll(() => throttling.stop());

  it("gets 429, and the journal has the reason and the setting", { timeout: 30_000 }, async () => {
    const wrong = (at: number): Promise<Response> =>
      ask(`Basic ${Buffer.from(`mallory:wrong ${at}`).toString("base64")}`, throttling.url);
    for (let at = 0; at < 3; at++) expect((await wrong(at)).status).toBe(401);
    const reply = await wrong(3);
    expect([
      reply.status,
      reply.headers.get("ocsgw-code"),
      reply.headers.get("ocsgw-repeat"),
      reply.headers.get("retry-after"),
    ]).toEqual([429, "OCSGW-2002", "safe", expect.stringMatching(/^\d+$/)]);
    const id = reply.headers.get("ocsgw-request-id")!;
    expect(await entryOf(id, throttling)).toMatchObject({
      code: "OCSGW-2002",
      setting: "identity.failures",
      presented: { client: "mallory" },
      reason: expect.stringMatching(/^throttled: too many different credentials/) as string,
    });
    const { stdout } = await ocsgw("explain", id, "-c", join(throttling.dir, "ocsgw.yaml"));
    expect(stdout).toMatch(/decided by +.*ocsgw\.yaml:\d+:\d+ {2}identity\.failures/);
    expect(stdout).toMatch(/correct the credential, and wait.*The same request may be sent again/s);
    expect([await countOf("throttled", throttling), await countOf("key-unknown", throttling)]).toEqual([1, 3]);
  });
});
