/** Strangers who flood the gateway: the journal stays small, and its count is that of the metrics. */
import { expect, it } from "vitest";
import { request } from "undici";
import { aGateway, basic, twoTenants } from "../kit/gateway.ts";

const STRANGERS = 3000;
const KNOWN = 40;

it("every refusal is an entry or counted, as many as the metrics say; those of known clients are entries", async () => {
  const gateway = await aGateway({ ...twoTenants("http://127.0.0.1:9"), admin: { bind: "127.0.0.1:0" } });
  try {
    let number = 4_155_550_100;
    // Each another number: the same Do-Not-Call of one client within a minute would be counted.
    const ask = async (headers: Record<string, string>): Promise<number> => {
      const { statusCode, body } = await request(`${gateway.url}/phones/${number++}?req=DoNotCall`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: '{"GSW_TENANT_DBID": 999}',
      });
      await body.dump();
      return statusCode;
    };
    const from = async (times: number, headers: Record<string, string>): Promise<number[]> => {
      const statuses: number[] = [];
      while (statuses.length < times)
        statuses.push(
          ...(await Promise.all(Array.from({ length: Math.min(50, times - statuses.length) }, () => ask(headers)))),
        );
      return statuses;
    };
    const [strangers, known] = await Promise.all([
      from(STRANGERS, { authorization: basic("nobody") }),
      from(KNOWN, { authorization: basic("alpha") }),
    ]);
    // After some 401 a stranger is told to wait.
    expect(strangers.filter((status) => status !== 401 && status !== 429)).toEqual([]);
    expect(new Set(known)).toEqual(new Set([403]));
    const metrics = await (await request(`${gateway.gateway.admin}/metrics`)).body.text();
    const refused = (code: string): number =>
      [...metrics.matchAll(new RegExp(`ocsgw_refusals_total\\{[^}]*code="${code}"[^}]*\\} (\\d+)`, "g"))].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const entries = await gateway.journal();
    const written = entries.filter((entry) => entry.kind === "refusal");
    const floods = entries.filter((entry) => entry.kind === "flood");
    const ofStrangers = written.filter(({ client }) => client === null).length;
    expect(ofStrangers + floods.reduce((sum, { count }) => sum + count, 0)).toBe(STRANGERS);
    expect(refused("OCSGW-2001") + refused("OCSGW-2002")).toBe(STRANGERS);
    expect(floods.length).toBeGreaterThan(0);
    expect(ofStrangers).toBeLessThan(STRANGERS / 2);
    expect(written.filter(({ code, client }) => code === "OCSGW-2103" && client === "alpha").length).toBe(KNOWN);
    expect(refused("OCSGW-2103")).toBe(KNOWN);
  } finally {
    await gateway.stop();
  }
});
