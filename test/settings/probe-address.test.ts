/** Where a probe asks: what the file names plainly, and nothing else. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probeAddresses, type ProbeAddresses } from "../../src/settings/probe-address.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-probe-address-"));
});
afterAll(() => rm(dir, { recursive: true }));

const local = (port: number) => ({ host: "127.0.0.1", port });
const none: ProbeAddresses = { probes: undefined, admin: undefined };

describe("the addresses for a health probe", () => {
  it.each<[string, string, ProbeAddresses]>([
    ["an admin listener", "admin: { bind: 127.0.0.1:9640 }", { ...none, admin: local(9640) }],
    ["an admin listener with tls: none", "admin: { bind: 127.0.0.1:9640, tls: none }", { ...none, admin: local(9640) }],
    [
      "an admin listener and a listener of probes",
      "admin: { bind: 127.0.0.1:9640, probes: { bind: 127.0.0.1:9641 } }",
      { probes: local(9641), admin: local(9640) },
    ],
    [
      "probes as an address",
      "admin: { bind: 127.0.0.1:9640, probes: 0.0.0.0:9641 }",
      { probes: { host: "0.0.0.0", port: 9641 }, admin: local(9640) },
    ],
    [
      "a listener of probes and an admin listener with TLS",
      "admin: { bind: '[::]:9640', tls: { cert: a, key: b }, probes: { bind: 127.0.0.1:9641 } }",
      { ...none, probes: local(9641) },
    ],
    ["a port from the environment", "admin: { bind: '127.0.0.1:${PORT}' }", { ...none, admin: local(9700) }],
    ["mistakes elsewhere", "tenants: 7\nadmin: { bind: 127.0.0.1:9640 }", { ...none, admin: local(9640) }],
    ["a free port", "admin: { bind: 127.0.0.1:0 }", none],
    ["TLS", "admin: { bind: 127.0.0.1:9640, tls: { cert: a, key: b } }", none],
    ["something odd for TLS", "admin: { bind: 127.0.0.1:9640, tls: [] }", none],
    ["no address", "admin: { bind: 9640 }", none],
    ["an invalid address", "admin: { bind: 127.0.0.1:96400 }", none],
    ["a variable that is not set", "admin: { bind: '${NOT_SET}' }", none],
    ["no admin listener", "tenants: []", none],
    ["a list for it", "admin: [1]", none],
    ["no YAML", "admin: { bind: 127.0.0.1:9640", none],
    ["nothing", "", none],
  ])("of a file with %s", async (_name, text, expected) => {
    const file = join(dir, "ocsgw.yaml");
    await writeFile(file, text);
    expect(await probeAddresses(file, { PORT: "9700" })).toEqual(expected);
  });

  it("are none for a missing file", async () => {
    expect(await probeAddresses(join(dir, "other.yaml"), {})).toEqual(none);
  });
});
