/** Two gateways in one process, in front of one OCS, with one PostgreSQL schema. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { announce, betaRecord, post, record } from "../kit/announcing.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { describeWithPostgres, POSTGRES_URL, testSchema } from "../kit/postgres.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

/** Does not finalize the record. */
const USE = "UpdateCallCompletionStats";

describeWithPostgres("two gateways in front of one OCS", async () => {
  const { schema } = await testSchema();
  let ocs: RawOcs;
  let [one, two]: (TestGateway | undefined)[] = [];
  const start = (node: string): Promise<TestGateway> => {
    const settings = twoTenants(ocs.url);
    Object.assign(settings.upstreams["ocs"] as object, {
      callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] },
    });
    for (const tenant of settings.tenants as { records: string }[]) tenant.records = "pre-dial";
    return aGateway({ ...settings, node, shared: { postgres: POSTGRES_URL, schema, tls: "none" } });
  };
  beforeAll(async () => {
    ocs = await rawOcs();
    [one, two] = await Promise.all([start("one"), start("two")]);
  });
  afterAll(async () => {
    await Promise.all([one?.stop(), two?.stop()]);
    await ocs.close();
  });

  const tell = async (at: TestGateway, properties: Record<string, unknown>): Promise<number> =>
    (await announce(at.gateway.callbacks["ocs"]!, properties)).status;
  const ask = async (
    at: TestGateway,
    handle: number,
    client = "alpha",
    action = "RecordProcessed",
  ): Promise<string | number> => {
    const headers = { Authorization: basic(client), "Content-Type": "application/json" };
    const { status, body } = await post(at.url, { path: `/records/${handle}?req=${action}`, body: "{}", headers });
    return status === 200 ? 200 : `${status} ${/OCSGW-\d+/.exec(body)?.[0]}`;
  };
  const sent = (handle: number): number => ocs.bytes().split(`/records/${handle}?`).length - 1;

  it("let a tenant use its handle at both, whichever of them OCS told, and nobody else", async () => {
    expect(await tell(one!, record(15))).toBe(200);
    expect(await tell(two!, betaRecord(16))).toBe(200);
    expect(await ask(two!, 15, "alpha", USE)).toBe(200);
    expect(await ask(one!, 16, "beta", USE)).toBe(200);
    expect(await ask(two!, 16, "alpha", USE)).toBe("410 OCSGW-2106");
    expect(await ask(one!, 17)).toBe("410 OCSGW-2106");
    expect([sent(15), sent(16), sent(17)]).toEqual([1, 1, 0]);
  });

  it("finalize a record once, although both are asked at the same time", async () => {
    expect(await tell(one!, record(20))).toBe(200);
    const answers = await Promise.all([one!, two!, one!, two!].map((at) => ask(at, 20)));
    expect(answers.map(String).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "200",
      "410 OCSGW-2106",
      "410 OCSGW-2106",
      "410 OCSGW-2106",
    ]);
    expect(sent(20)).toBe(1);
  });

  it("give a handle that has ended to another tenant, and refuse it to the former one at both", async () => {
    expect(await tell(two!, betaRecord(20, { GSW_CALL_ATTEMPT_GUID: "next" }))).toBe(200);
    expect(await ask(one!, 20, "alpha", USE)).toBe("410 OCSGW-2106");
    expect(await ask(one!, 20, "beta", USE)).toBe(200);
  });

  it("go on when one of them stops, without asking OCS again", async () => {
    // By then the other one's connection is known to be to the same life of OCS.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await one!.stop();
    expect(await ask(two!, 15, "alpha", USE)).toBe(200);
    one = await start("one");
    expect(await ask(one, 16, "beta")).toBe(200);
    expect(await ask(two!, 16, "beta")).toBe("410 OCSGW-2106");
  });
});
