import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { request } from "undici";
import { ocsgw } from "../kit/command.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { patternOf } from "../kit/pattern.ts";

let ocs: RawOcs;
let gateway: TestGateway;

const call = async (as: string, path: string, body = ""): Promise<void> => {
  const reply = await request(`${gateway.url}${path}`, { method: "POST", headers: { Authorization: basic(as) }, body });
  await reply.body.dump();
};

beforeAll(async () => {
  ocs = await rawOcs();
  gateway = await aGateway(twoTenants(ocs.url));
  for (let count = 0; count < 3; count++) await call("alpha", "/phones/4155550177?req=DoNotCall");
  await call("beta", "/phones/4155550177?req=DoNotCall", '{"GSW_TENANT_DBID":101}');
  await call("nobody", "/phones/4155550177?req=DoNotCall");
  await gateway.journal();
  const text = await readFile(join(gateway.dir, "ocsgw.yaml"), "utf8");
  await writeFile(join(gateway.dir, "new.yaml"), text.replace(/ *- DoNotCall\n/, ""));
});
afterAll(async () => {
  await gateway.stop();
  await ocs.close();
});

const NEW = (): string => join(gateway.dir, "new.yaml");

describe("ocsgw simulate", () => {
  it("lists decisions that would change, and requests that it could not replay, while a gateway runs", async () => {
    const { code, stdout } = await ocsgw("simulate", "-c", NEW());
    expect(code).toBe(0);
    expect(stdout).toMatch(
      patternOf(
        /^3 decisions since \S+Z replayed against .*new\.yaml: 0 unchanged, 3 changed\n\n/,
        / {7}3 {2}alpha DoNotCall on phones of Alpha Tenant: allow -> OCSGW-2101 /,
        /\(DoNotCall is not among the actions of this client\)\n/,
        / {10}e\.g\. [0-9A-Z]{26} [0-9A-Z]{26} [0-9A-Z]{26}\n/,
      ),
    );
    expect(stdout).toMatch(
      patternOf(
        /not replayed:\n {7}1 {2}refusals because of the body \(OCSGW-2103\).*\n/,
        / {7}1 {2}refusals without a valid credential/,
      ),
    );
    expect(stdout).not.toContain("4155550177");
  });

  it("finds no change for the same config", async () => {
    const { stdout } = await ocsgw("simulate", "-c", join(gateway.dir, "ocsgw.yaml"), "--json");
    expect(JSON.parse(stdout)).toMatchObject({ replayed: 3, unchanged: 3, changes: [] });
  });

  it("replays the given period, and reports a missing journal", async () => {
    expect(JSON.parse((await ocsgw("simulate", "-c", NEW(), "--since", "1ms", "--json")).stdout)).toMatchObject({
      replayed: 0,
    });
    expect((await ocsgw("simulate", "-c", NEW(), "--since", "soon")).code).toBe(2);
    expect(await ocsgw("simulate", "-c", NEW(), "--journal", join(gateway.dir, "none"))).toMatchObject({
      code: 8,
      stderr: expect.stringContaining("there is no journal in") as string,
    });
  });
});
