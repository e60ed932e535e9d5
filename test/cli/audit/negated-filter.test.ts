/** A filter's term that must not hold begins with -, and so do options. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ocsgw } from "../kit/command.ts";
import { request } from "undici";
import { join } from "node:path";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { OK, rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

let ocs: RawOcs;
let gateway: TestGateway;
beforeAll(async () => {
  ocs = await rawOcs(() => OK);
  gateway = await aGateway(twoTenants(ocs.url));
  for (const as of ["alpha", "beta", "beta"]) {
    await (
      await request(`${gateway.url}/phones/4155550177?req=DoNotCall`, {
        method: "POST",
        headers: { Authorization: basic(as) },
      })
    ).body.dump();
  }
});
afterAll(async () => {
  await gateway.stop();
  await ocs.close();
});

const clientsOf = (stdout: string): string[] =>
  [...new Set([...stdout.matchAll(/"client": ?"(\w+)"/g)].map(([, client]) => client!))].toSorted();

describe("ocsgw audit search", () => {
  const search = (...words: string[]) =>
    ocsgw("audit", "search", ...words, "-c", join(gateway.dir, "ocsgw.yaml"), "--json");

  it.each([
    ["-client:alpha", ["-client:alpha"], ["beta"]],
    ["-client:beta before another term", ["-client:beta", "action:DoNotCall"], ["alpha"]],
    ["behind another term", ["action:DoNotCall", "-client:alpha"], ["beta"]],
    ["behind --", ["--", "-client:alpha"], ["beta"]],
    ["in parentheses", ["action:DoNotCall", "-(client:alpha OR client:gamma)"], ["beta"]],
  ])("takes %s for a term", async (_, words, clients) => {
    // What stands behind -- is no option.
    const { code, stdout, stderr } =
      words[0] === "--"
        ? await ocsgw("audit", "search", "-c", join(gateway.dir, "ocsgw.yaml"), "--json", ...words)
        : await search(...words);
    expect([code, clientsOf(stdout), stderr]).toEqual([0, clients, expect.not.stringContaining("lient:")]);
  });

  it.each([
    ["a code alone", (id: string) => ["-OCSGW-2103", `id:${id}`]],
    ["a record's address alone", (id: string) => ["-http://127.0.0.1:18080/records/5", `id:${id}`]],
    ["a record's path alone", (id: string) => ["-/records/5", `id:${id}`]],
    ["a value with a slash", (id: string) => ["-campaign:/5", `id:${id}`]],
    ["a word in quotes", (id: string) => ['-"OCSGW-2103"', `id:${id}`]],
  ])("takes for a term %s, which another request has", async (_, words) => {
    const { stdout } = await search("client:alpha");
    const [, id] = /"id": ?"(\w{26})"/.exec(stdout)!;
    expect(await search(...words(id!))).toMatchObject({ code: 0, stdout: expect.stringContaining(id!) });
    // Alone it takes this request away.
    const others = await search(`-${id}`);
    expect([others.code, clientsOf(others.stdout), others.stdout.includes(id!)]).toEqual([0, ["beta"], false]);
  });

  it("still takes a config behind -c, at once", async () => {
    expect(
      await ocsgw("audit", "search", "client:alpha", "--json", `-c${join(gateway.dir, "ocsgw.yaml")}`),
    ).toMatchObject({ code: 0 });
    expect((await ocsgw("audit", "search", "-cZ:/none.yaml")).stderr).toContain("cannot read Z:/none.yaml");
  });

  it("still refuses an option that there is not", async () => {
    expect(await search("--clent", "alpha")).toMatchObject({ code: 2 });
    expect(await search("-x")).toMatchObject({ code: 2 });
  });
});
