import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { post } from "../kit/announcing.ts";
import { aGateway, basic, twoTenants } from "../kit/gateway.ts";
import { rawOcs } from "../kit/raw-ocs.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Config = ReturnType<typeof twoTenants>;

describe("an upstream that a reload took out and another one put back", () => {
  it("has no finished handle of before, because OCS may have been restarted meanwhile", async () => {
    const [one, two] = await Promise.all([rawOcs(), rawOcs()]);
    closing.push(
      () => one.close(),
      () => two.close(),
    );
    const config = twoTenants(one.url);
    config.upstreams["other"] = { primary: two.url };
    (config.tenants as { upstream: string }[])[1]!.upstream = "other";
    for (const tenant of config.tenants as { records: string }[]) tenant.records = "dedicated";
    const { url, dir, gateway, stop } = await aGateway(config);
    closing.push(stop);
    const reject = async (): Promise<number> =>
      (
        await post(url, {
          path: "/records/5?req=RecordReject",
          body: "{}",
          headers: { Authorization: basic("beta"), "Content-Type": "application/json" },
        })
      ).status;
    expect([await reject(), await reject()]).toEqual([200, 410]);
    const file = join(dir, "ocsgw.yaml");
    const text = await readFile(file, "utf8");
    const { upstreams, tenants, ...rest } = parse(text) as Config;
    await writeFile(file, stringify({ ...rest, upstreams: { ocs: upstreams["ocs"] }, tenants: tenants.slice(0, 1) }));
    expect(await gateway.reload()).toMatchObject({ outcome: "reloaded" });
    await writeFile(file, text);
    expect(await gateway.reload()).toMatchObject({ outcome: "reloaded" });
    expect(await reject()).toBe(200);
  });
});
