/** Limits at a live gateway: what is said to who is over one, and whom it does not touch. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

describe("rate limits", () => {
  let ocs: RawOcs;
  let gateway: TestGateway;
  beforeAll(async () => {
    ocs = await rawOcs();
    const config = twoTenants(ocs.url);
    const [alpha] = config.tenants as { clients: Record<string, object> }[];
    alpha!.clients["crm"] = alpha!.clients["alpha"]!;
    alpha!.clients["alpha"] = {
      ...alpha!.clients["alpha"],
      limits: { requests: { rate: "1000/h", burst: 1000 }, urgent: { rate: "1/h", burst: 2 } },
    };
    gateway = await aGateway(
      { ...config, identity: { keys: { file: "keys.yaml" }, failures: { rate: "1/h", burst: 5 } } },
      ["alpha", "beta", "crm", "late"],
    );
  });
  afterAll(async () => {
    await gateway.stop();
    await ocs.close();
  });
  const ask = (authorization?: string): Promise<Response> =>
    fetch(`${gateway.url}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { accept: "application/problem+json", ...(authorization !== undefined && { authorization }) },
    });

  it("of one client refuse that client only, and nothing is sent", async () => {
    for (const left of [1, 0]) {
      const answer = await ask(basic("alpha"));
      expect([answer.status, answer.headers.get("ratelimit-policy"), answer.headers.get("ratelimit")]).toEqual([
        200,
        '"client alpha urgent";q=2;w=7200',
        expect.stringContaining(`r=${left};`),
      ]);
    }
    const sent = ocs.requests();
    const refused = await ask(basic("alpha"));
    expect([refused.status, refused.headers.get("ocsgw-code"), refused.headers.get("ocsgw-delivery")]).toEqual([
      429,
      "OCSGW-3001",
      "not-sent",
    ]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(
      Number(/t=(\d+)/.exec(refused.headers.get("ratelimit")!)![1]),
    );
    expect(await refused.json()).toMatchObject({
      code: "OCSGW-3001",
      detail: expect.stringContaining("client alpha") as string,
    });
    expect(ocs.requests()).toBe(sent);
    expect((await ask(basic("crm"))).status).toBe(200);
  });

  it("of invalid credentials throttle the address, but not credentials that were valid before", async () => {
    expect((await ask(basic("beta"))).status).toBe(200);
    const seen: number[] = [];
    for (let at = 0; at < 8; at++)
      seen.push((await ask(`Basic ${Buffer.from(`beta:wrong ${at}`).toString("base64")}`)).status);
    expect(seen).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const [wrong, right] = [await ask(basic("nobody")), await ask(basic("late"))];
    expect([wrong.status, right.status]).toEqual([429, 429]);
    expect(Number(right.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(right.headers.get("ocsgw-code")).toBe("OCSGW-2002");
    const plain = async (answer: Response): Promise<string> =>
      (await answer.text()).replaceAll(/01[0-9A-HJKMNP-TV-Z]{24}/g, "<id>");
    expect(await plain(wrong)).toBe(await plain(right));
    expect([(await ask(basic("beta"))).status, (await ask()).status]).toEqual([200, 401]);
  });
});
