/** What load balancers, orchestrators and scrapers send to a whole gateway, and what it says to each. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse, stringify } from "yaml";
import { aGateway, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawClient } from "../kit/raw-client.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { freePort } from "../kit/server-program.ts";

let ocs: RawOcs;
let gateway: TestGateway;
let probes: number;

beforeEach(async () => {
  [ocs, probes] = [await rawOcs(), await freePort()];
  const admin = { bind: "127.0.0.1:0", names: ["admin.example:*"], probes: `127.0.0.1:${probes}` };
  gateway = await aGateway({ ...twoTenants(ocs.url), admin });
});
afterEach(async () => {
  await gateway.stop();
  await ocs.close();
});

type Place = "admin" | "probes" | "clients";
const portOf = (place: Place): number =>
  place === "probes" ? probes : Number(new URL(place === "admin" ? gateway.gateway.admin! : gateway.url).port);

/** The whole answer, as the bytes come, until the gateway closes. */
const answerTo = async (place: Place, ...lines: readonly string[]): Promise<string> => {
  const client = await rawClient(portOf(place));
  await client.send(`${lines.join("\r\n")}\r\n\r\n`);
  return client.ended();
};

const BOTH = ["admin", "probes"] as const;
const PAGES = ["/healthz", "/readyz", "/metrics"] as const;
const CASES = BOTH.flatMap((place) => PAGES.map((page) => [place, page] as const));

describe("a probe", () => {
  it.each(CASES)("of %s may ask for %s in HTTP/1.0, with and without Host, and with HEAD", async (place, page) => {
    const got = await answerTo(place, `GET ${page} HTTP/1.0`);
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\S/);
    expect(await answerTo(place, `GET ${page} HTTP/1.0`, "Host: admin.example:1")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    for (const version of ["1.0", "1.1"]) {
      const head = await answerTo(place, `HEAD ${page} HTTP/${version}`, "Host: localhost", "Connection: close");
      expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nContent-Length: [1-9]\d*\r\n[^]*\r\n\r\n$/);
    }
  });

  it.each(CASES)(
    "of %s at %s still has to be one message: no Host in HTTP/1.1, two of them in 1.0",
    async (place, page) => {
      expect(await answerTo(place, `GET ${page} HTTP/1.1`, "Connection: close")).toMatch(/^HTTP\/1\.1 400 /);
      expect(await answerTo(place, `GET ${page} HTTP/1.0`, "Host: localhost", "Host: a")).toMatch(/^HTTP\/1\.1 400 /);
      expect(await answerTo(place, `POST ${page} HTTP/1.0`, "Host: localhost")).toMatch(/^HTTP\/1\.1 400 /);
    },
  );

  it.each([
    ["admin", "GET /api/status HTTP/1.0"],
    ["admin", "GET / HTTP/1.0"],
    ["probes", "GET / HTTP/1.0"],
    ["clients", "GET /healthz HTTP/1.0"],
    ["clients", "POST /phones/4155550100?req=DoNotCall HTTP/1.0"],
  ] as const)("in HTTP/1.0 is for these pages alone: %s, %s", async (place, line) => {
    expect(await answerTo(place, line, "Host: localhost")).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("asks under the names of admin.names, of probes for more than alive and ready as well", async () => {
    const ask = async (place: Place, page: string, host: string): Promise<string> =>
      (await answerTo(place, `GET ${page} HTTP/1.1`, `Host: ${host}`, "Connection: close")).slice(9, 12);
    expect(await ask("admin", "/readyz", "admin.example:30")).toBe("200");
    expect(await ask("probes", "/metrics", "admin.example")).toBe("200");
    expect(await ask("admin", "/readyz", "other.example")).toBe("421");
    expect(await ask("probes", "/metrics", "other.example")).toBe("421");
    expect(await ask("probes", "/readyz", "other.example")).toBe("200");
    expect(await ask("probes", "/healthz", "10.1.1.1:80")).toBe("200");
  });

  it("asks under names that a reload adds", async () => {
    const file = join(gateway.dir, "ocsgw.yaml");
    const config = parse(await readFile(file, "utf8")) as { admin: { names: string[] } };
    config.admin.names.push("new.example");
    await writeFile(file, stringify(config, { aliasDuplicateObjects: false }));
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
    for (const place of BOTH) {
      const got = await answerTo(place, "GET /metrics HTTP/1.1", "Host: new.example", "Connection: close");
      expect(got).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  it("of probes hears no name of a tenant, an upstream or an address when OCS is down", async () => {
    await ocs.close();
    const ask = (): Promise<string> => answerTo("probes", "GET /readyz HTTP/1.0");
    await vi.waitFor(async () => expect(await ask()).toContain("no OCS reachable"), { timeout: 20_000, interval: 200 });
    expect(await ask()).toMatch(/\r\n\r\n\{"status":"not ready","reasons":\["no OCS reachable"\]\}\n$/);
    ocs = await rawOcs();
  });
});
