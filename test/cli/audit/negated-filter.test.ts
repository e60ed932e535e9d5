/** A negated term of a filter begins with -, as options do. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ocsgw } from "../../kit/command.ts";
import { request } from "undici";
import { join } from "node:path";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { OK, rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";

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
    ["-client:alpha after another term", ["action:DoNotCall", "-client:alpha"], ["beta"]],
    ["-client:alpha after --", ["--", "-client:alpha"], ["beta"]],
    ["a negated term in parentheses", ["action:DoNotCall", "-(client:alpha OR client:gamma)"], ["beta"]],
  ])("reads %s as a negated term", async (_, words, clients) => {
    // Words after -- are no options.
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
  ])("reads %s as a negated term that keeps other requests", async (_, words) => {
    const { stdout } = await search("client:alpha");
    const [, id] = /"id": ?"(\w{26})"/.exec(stdout)!;
    expect(await search(...words(id!))).toMatchObject({ code: 0, stdout: expect.stringContaining(id!) });
    // On its own, the negated id excludes this request.
    const others = await search(`-${id}`);
    expect([others.code, clientsOf(others.stdout), others.stdout.includes(id!)]).toEqual([0, ["beta"], false]);
  });

  it("still reads a config path attached to -c", async () => {
    expect(
      await ocsgw("audit", "search", "client:alpha", "--json", `-c${join(gateway.dir, "ocsgw.yaml")}`),
    ).toMatchObject({ code: 0 });
    expect((await ocsgw("audit", "search", "-cZ:/none.yaml")).stderr).toContain("cannot read Z:/none.yaml");
  });

  it("still rejects an unknown option", async () => {
    expect(await search("--clent", "alpha")).toMatchObject({ code: 2 });
    expect(await search("-x")).toMatchObject({ code: 2 });
  });
});
