import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { announce, betaRecord, post, record } from "../kit/announcing.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { OK, rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const GONE = "HTTP/1.1 410 Gone\r\nServer: OCS/8.1.524.04\r\nWarning: 112\r\nContent-length: 0\r\n\r\n";

let ocs: RawOcs;
let gateway: TestGateway;
let callbacks: string;
beforeAll(async () => {
  ocs = await rawOcs();
  const config = twoTenants(ocs.url);
  Object.assign(config.upstreams["ocs"] as object, { callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] } });
  const [alpha, beta] = config.tenants as { records: string; clients: Record<string, unknown> }[];
  alpha!.records = beta!.records = "pre-dial";
  alpha!.clients["cluster"] = alpha!.clients["alpha"];
  beta!.clients["cluster"] = beta!.clients["beta"];
  gateway = await aGateway(config, ["alpha", "beta", "cluster"]);
  callbacks = gateway.gateway.callbacks["ocs"]!;
});
afterAll(async () => {
  await gateway.stop();
  await ocs.close();
});

type Asked = { readonly status: number; readonly code: string | undefined; readonly delivery: string | undefined };

const ask = async (client: string, target: string, body = "{}"): Promise<Asked> => {
  const { status, headers } = await post(gateway.url, {
    path: target,
    body,
    headers: { Authorization: basic(client), "Content-Type": "application/json" },
  });
  return {
    status,
    code: headers["ocsgw-code"] as string | undefined,
    delivery: headers["ocsgw-delivery"] as string | undefined,
  };
};
const reject = (client: string, handle: number): Promise<Asked> => ask(client, `/records/${handle}?req=RecordReject`);

const NO_SUCH = { status: 410, code: "OCSGW-2106", delivery: "not-sent" };
const DONE = { status: 200, code: undefined, delivery: "answered" };

describe("a record that OCS has announced", () => {
  it("is answered 200 with its handle, and is its tenant's from then on", async () => {
    expect(await reject("alpha", 1)).toEqual(NO_SUCH);
    const answer = await announce(callbacks, record(1));
    expect([answer.status, answer.headers["etag"], answer.body]).toEqual([200, "1", ""]);
    expect(await reject("beta", 1)).toEqual(NO_SUCH);
    expect(await reject("alpha", 1)).toEqual(DONE);
  });

  it("is nobody's once it is finalized, and OCS is not asked again", async () => {
    await announce(callbacks, record(2));
    expect(await ask("alpha", "/records/2?req=UpdateCallCompletionStats")).toEqual(DONE);
    expect(await reject("alpha", 2)).toEqual(DONE);
    const before = ocs.requests();
    expect(await reject("alpha", 2)).toEqual(NO_SUCH);
    expect(await ask("alpha", "/records/2?req=UpdateCallCompletionStats")).toEqual(NO_SUCH);
    expect(ocs.requests()).toBe(before);
  });

  it("is nobody's once OCS says that it is gone, whatever was asked", async () => {
    await announce(callbacks, record(3));
    ocs.script = () => GONE;
    expect((await ask("alpha", "/records/3?req=UpdateCallCompletionStats")).status).toBe(410);
    ocs.script = () => OK;
    expect(await ask("alpha", "/records/3?req=UpdateCallCompletionStats")).toEqual(NO_SUCH);
  });

  it("stays its owner's alone when OCS did not answer, and may be tried again", async () => {
    await announce(callbacks, record(4));
    ocs.script = ({ connection }) => void connection.socket.destroy();
    expect(await reject("alpha", 4)).toEqual({ status: 502, code: "OCSGW-4102", delivery: "sent-no-answer" });
    ocs.script = () => OK;
    expect(await reject("beta", 4)).toEqual(NO_SUCH);
    // All connections were lost: whether OCS began anew cannot be told, so the handle is void.
    await announce(callbacks, record(5));
    expect(await reject("alpha", 5)).toEqual(DONE);
  });

  it("stays its owner's when OCS's answer may be another request's, and may be tried again", async () => {
    await announce(callbacks, record(11));
    // Its connection is closed, which is not a loss of all: the watch connection is open.
    ocs.script = () => OK + OK;
    expect(await reject("alpha", 11)).toEqual(DONE);
    const before = ocs.requests();
    ocs.script = () => GONE;
    expect(await reject("alpha", 11)).toMatchObject({ status: 410, delivery: "answered" });
    expect(ocs.requests()).toBe(before + 1);
    ocs.script = () => OK;
  });

  it("takes one finalizing action at a time", async () => {
    await announce(callbacks, record(6));
    const answers = await Promise.all([
      reject("alpha", 6),
      ask("alpha", "/records/6?req=RecordProcessed"),
      reject("alpha", 6),
    ]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ code }) => code === "OCSGW-2106")).toHaveLength(2);
  });

  it("says which tenant a client of several means", async () => {
    await announce(callbacks, betaRecord(7));
    await announce(callbacks, record(8));
    expect(await reject("cluster", 7)).toEqual(DONE);
    expect(await ask("cluster", "/records/8?req=RecordReject", '{"GSW_TENANT_NAME":"Beta Tenant"}')).toEqual(NO_SUCH);
    expect(await reject("cluster", 8)).toEqual(DONE);
    expect(await reject("cluster", 9)).toEqual(NO_SUCH);
  });

  it("gives a new record its tenant, whose list and campaign it must be", async () => {
    await announce(callbacks, record(10));
    const add = (extra: string): string => `{"GSW_PHONE":"4155550101","GSW_TZ_NAME":"PST"${extra}}`;
    expect(await ask("cluster", "/records/10?req=AddRecord", add(""))).toEqual(DONE);
    expect((await ask("cluster", "/records/10?req=AddRecord", add(',"GSW_CALLING_LIST":"Beta List"'))).code).toBe(
      "OCSGW-2104",
    );
    expect((await ask("cluster", "/records/10?req=AddRecord", add(',"GSW_CAMPAIGN_NAME":"Beta Campaign"'))).code).toBe(
      "OCSGW-2104",
    );
    expect(await reject("alpha", 10)).toEqual(DONE);
  });
});
