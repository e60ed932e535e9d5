import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Evidence } from "../../src/journal/search/person-search.ts";
import type { TransactionJson } from "../../src/journal/search/to-json.ts";
import { unpack } from "../../src/journal/verify/segments/unpack.ts";
import { announce, betaRecord, post, record } from "../kit/announcing.ts";
import { ocsgw, ocsgwWith } from "../kit/command.ts";
import { basic, twoTenants } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { furnish, runGateway, type RunningGateway } from "../kit/running-gateway.ts";
import { patternOf } from "../kit/pattern.ts";

const PHONE = "4155550100";
const OTHER = "4155550142";
const CUSTOMER = "CUST-77";

let [dir, config] = ["", ""];
let ocs: RawOcs;
let gateway: RunningGateway;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-announced-"));
  config = join(dir, "ocsgw.yaml");
  ocs = await rawOcs();
  const settings = { ...twoTenants(ocs.url), admin: { bind: "127.0.0.1:0" } };
  Object.assign(settings.upstreams["ocs"] as object, { callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] } });
  for (const tenant of settings.tenants as { records: string }[]) tenant.records = "pre-dial";
  await furnish(dir, settings, ["alpha", "beta"]);
  await start();
});
afterAll(async () => {
  await gateway.kill("SIGKILL");
  await ocs.close();
  await rm(dir, { recursive: true, force: true });
});

const start = async (): Promise<void> => void (gateway = await runGateway(dir, ["clients", "callbacks:ocs"]));
const tell = async (handle: number, over: Readonly<Record<string, unknown>>, of = record): Promise<number> =>
  (await announce(gateway.urls.get("callbacks:ocs")!, of(handle, over))).status;
const ask = async (client: string, path: string): Promise<number> =>
  (
    await post(gateway.urls.get("clients")!, {
      path,
      body: "{}",
      headers: { Authorization: basic(client), "Content-Type": "application/json" },
    })
  ).status;

type Found = { readonly requests: readonly TransactionJson[]; readonly evidence: Evidence };
const look = async (
  value: string,
  option: string,
  ...more: readonly string[]
): Promise<[code: number, found: Found]> => {
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { code, stdout } = await ocsgwWith(value, "audit", "search", "-c", config, "--json", option, ...more);
  return [code!, JSON.parse(stdout) as Found];
};
const endsOf = ({ requests }: Found): unknown[] =>
  requests.map(({ action, record, status }) => [action, record, status]);

describe("a Do-Not-Call by record handle", { timeout: 120_000 }, () => {
  it("is found by the phone and customer id that OCS had announced, over a restart, and refused ones too", async () => {
    expect(await tell(1024, { GSW_PHONE: PHONE, GSW_CUSTOMER_ID: CUSTOMER })).toBe(200);
    await gateway.kill("SIGKILL");
    await start();
    expect(await tell(1025, { GSW_PHONE: OTHER, GSW_CUSTOMER_ID: "CUST-78" })).toBe(200);
    expect([
      await ask("alpha", "/records/1024?req=DoNotCall"),
      await ask("alpha", "/records/1024?req=RecordProcessed"),
      await ask("beta", "/records/1025?req=DoNotCall"),
    ]).toEqual([200, 410, 410]);
    const expected = [
      ["RecordProcessed", "1024", 410],
      ["DoNotCall", "1024", 200],
    ];
    for (const [value, option] of [
      [PHONE, "--phone-stdin"],
      [CUSTOMER, "--customer-stdin"],
    ] as const) {
      const [, found] = await look(value, option);
      expect([value, endsOf(found)]).toEqual([value, expected]);
      // A refused request by another client does not identify the person.
      expect(found.evidence.uncovered.map(({ says }) => says)).toEqual([
        "1 Do-Not-Call by record handle contains no " +
          `${option === "--phone-stdin" ? "phone number" : "customer id"}; the gateway refused it`,
      ]);
    }
    expect(endsOf((await look(OTHER, "--phone-stdin"))[1])).toEqual([]);
  });

  it("leaves a look-up complete where every record was announced with its number, and not otherwise", async () => {
    const [code, { evidence }] = await look(PHONE, "--phone-stdin", "tenant:101");
    expect([code, evidence.complete, evidence.uncovered]).toEqual([0, true, []]);
    expect(await tell(2001, { GSW_PHONE: null }, betaRecord)).toBe(200);
    expect(await ask("beta", "/records/2001?req=DoNotCall")).toBe(200);
    const [later, found] = await look(PHONE, "--phone-stdin", "tenant:102");
    expect([later, found.evidence.complete, found.requests]).toEqual([8, false, []]);
    expect(found.evidence.uncovered.map(({ count, refused }) => [count, refused])).toEqual([[2, 1]]);
    const text = await ocsgwWith(PHONE, "audit", "search", "-c", config, "--phone-stdin", "tenant:102");
    expect([text.code, text.stderr]).toMatchObject([
      8,
      expect.stringContaining("2 Do-Not-Calls by record handle contain no phone number") as string,
    ]);
    expect(text.stderr).toContain("NOT COMPLETE");
    expect(text.stderr).not.toMatch(/^complete/im);
  });

  it("is in the person's case, which is a bundle that verifies and holds no number", async () => {
    expect(await ask("alpha", `/customer_ids/${CUSTOMER}?req=DoNotCall`)).toBe(200);
    const out = join(dir, "case.zip");
    const ran = await ocsgwWith(
      PHONE,
      "audit",
      "case",
      "-c",
      config,
      "--phone-stdin",
      "--tenant",
      "Alpha Tenant",
      "--out",
      out,
      "--purpose",
      "complaint 12",
    );
    // The Do-Not-Call by customer id contains no phone number: it is in the case because an entry has both.
    expect([ran.code, ran.stdout]).toMatchObject([
      8,
      expect.stringContaining("2 Do-Not-Calls requested: 2 confirmed") as string,
    ]);
    await mkdir(join(dir, "case"));
    await unpack(out, join(dir, "case"));
    const [page, json, readMe] = await Promise.all(
      ["summary.html", "case.json", "README.txt"].map((name) => readFile(join(dir, "case", name), "utf8")),
    );
    expect(page).toContain(
      "alpha (tenant Alpha Tenant) asked for a Do-Not-Call by record handle 1024 on a record that OCS had announced " +
        "with this number. OCS confirmed it with 200.",
    );
    expect(page).toMatch(
      patternOf(
        /asked for a Do-Not-Call by customer id and named a customer id that entry \d+ /,
        /has together with this number\. OCS confirmed it with 200\./,
      ),
    );
    expect(page).toContain("Not covered: 1 Do-Not-Call by customer id contains no phone number.");
    expect(
      (JSON.parse(json!) as { requests: { end: string; because: string }[] }).requests.map(({ end, because }) => [
        because,
        end,
      ]),
    ).toEqual([
      ["announced", "confirmed"],
      ["announced", "refused"],
      ["joined-token", "confirmed"],
    ]);
    expect(readMe).toContain("proves entries of a token");
    for (const text of [page, json, readMe]) expect(text).not.toContain(PHONE.slice(0, 7));
    expect((await readFile(out)).includes(PHONE)).toBe(false);
    const key = (await readFile(join(dir, "audit/checkpoint.pub"), "utf8")).trim();
    const verified = await ocsgw("audit", "verify", out, "--key", key, "--json");
    expect([verified.code, JSON.parse(verified.stdout)]).toMatchObject([0, { verdict: "ok" }]);
  });

  it("makes an export of the person say what it does not cover", async () => {
    const out = join(dir, "export");
    const ran = await ocsgwWith(
      PHONE,
      "audit",
      "export",
      "-c",
      config,
      "--phone-stdin",
      "--as",
      "bundle",
      "--out",
      out,
    );
    expect(ran.code).toBe(8);
    expect(JSON.parse(await readFile(join(out, "query.json"), "utf8"))).toMatchObject({
      evidence: { complete: false, uncovered: [{ count: 2 }, { count: 1 }] },
    });
    expect(await readFile(join(out, "README.txt"), "utf8")).toContain(
      "Not covered: 2 Do-Not-Calls by record handle contain no phone number",
    );
  });

  it("needs a person, a file that is not there yet, and a tenant that is known", async () => {
    const usage = async (value: string, ...args: readonly string[]): Promise<[number, string]> => {
      const { code, stderr } = await ocsgwWith(value, "audit", "case", "-c", config, ...args);
      return [code!, stderr];
    };
    expect(await usage("", "--out", join(dir, "x.zip"))).toMatchObject([
      2,
      expect.stringContaining("name the person") as string,
    ]);
    expect(await usage(PHONE, "--phone-stdin", "--out", config)).toMatchObject([
      2,
      expect.stringContaining("already exists") as string,
    ]);
    expect(await usage(PHONE, "--phone-stdin", "--tenant", "Alfa", "--out", join(dir, "x.zip"))).toMatchObject([
      2,
      expect.stringContaining("known are Alpha Tenant, Beta Tenant") as string,
    ]);
  });
});
