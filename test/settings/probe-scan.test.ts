/** A glance at the plain lines of a config file says what the YAML library says of them, or nothing. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDocument, stringify } from "yaml";
import { addressesIn, scanProbeAddresses, type ProbeAddresses } from "../../src/settings/probe-scan.ts";
import { SAMPLE } from "./kit.ts";

const local = (port: number) => ({ host: "127.0.0.1", port });
const none: ProbeAddresses = { probes: undefined, admin: undefined };
const both: ProbeAddresses = { probes: { host: "0.0.0.0", port: 9641 }, admin: local(9640) };

/** As the library reads it; undefined for what is no YAML. */
const byLibrary = (text: string): ProbeAddresses | undefined => {
  const document = parseDocument(text);
  if (document.errors.length > 0) return undefined;
  return addressesIn((document.toJS() as { admin?: unknown } | null)?.admin);
};

describe("the quick scan for probe addresses", () => {
  it.each<[string, string, ProbeAddresses]>([
    ["a map on one line", "admin: { bind: 127.0.0.1:9640 }", { ...none, admin: local(9640) }],
    ["with probes", "admin: { bind: 127.0.0.1:9640, probes: { bind: 0.0.0.0:9641, allow_from: [10.0.0.0/8] } }", both],
    ["with probes as an address", "admin: { bind: '127.0.0.1:9640', probes: \"0.0.0.0:9641\" }", both],
    [
      "lines",
      "admin:\n  bind: 127.0.0.1:9640\n  probes:\n    bind: 0.0.0.0:9641\n    allow_from:\n      - 10.0.0.0/8\n",
      both,
    ],
    [
      "lines and maps, comments and blanks",
      "version: 1\n# a\nadmin: # b\n\n    bind: 127.0.0.1:9640   # c\n    # d\n    probes: { bind: 0.0.0.0:9641 " +
        "}\n\n# e\naudit: {}\n",
      both,
    ],
    ["CRLF", "admin:\r\n  bind: 127.0.0.1:9640\r\n  probes: 0.0.0.0:9641\r\n", both],
    [
      "TLS",
      "admin:\n  bind: 127.0.0.1:9640\n  tls: { cert: a/b.crt, key: c.key }\n  probes: 0.0.0.0:9641",
      { ...both, admin: undefined },
    ],
    ["TLS in lines", "admin:\n  bind: 127.0.0.1:9640\n  tls:\n    cert: a\n    key: b\n", none],
    ["a free port", "admin: { bind: 127.0.0.1:0, names: [a.example] }", none],
    ["IPv6", "admin: { bind: '[::1]:9640' }", { ...none, admin: { host: "::1", port: 9640 } }],
    ["no probes, aloud", "admin: { bind: 127.0.0.1:9640, probes: ~ }", { ...none, admin: local(9640) }],
    [
      "the word in a text",
      "notes: |\n  admin: { bind: 127.0.0.1:1 }\nadmin: { bind: 127.0.0.1:9640 }",
      { ...none, admin: local(9640) },
    ],
  ])("finds %s", (_what, text, expected) => {
    expect(scanProbeAddresses(text)).toEqual(expected);
    expect(byLibrary(text)).toEqual(expected);
  });

  it.each<[string, string]>([
    ["no admin listener", "tenants: []"],
    ["two of them", "admin: {}\nadmin: { bind: 127.0.0.1:9640 }"],
    ["an alias", "a: &x { bind: 127.0.0.1:9640 }\nadmin: *x"],
    ["an anchor", "admin: &x { bind: 127.0.0.1:9640 }"],
    ["a merge", "admin:\n  <<: { bind: 127.0.0.1:1 }\n  bind: 127.0.0.1:9640"],
    ["a tag", "admin:\n  bind: !!str 127.0.0.1:9640"],
    ["a variable", 'admin: { bind: "127.0.0.1:${PORT}" }'],
    ["a variable without quotes", "admin:\n  bind: 127.0.0.1:${PORT}"],
    ["an escape", 'admin: { bind: "127.0.0.1:\\x39640" }'],
    ["a key twice", "admin:\n  bind: 127.0.0.1:1\n  bind: 127.0.0.1:9640"],
    ["a key twice in a map", "admin: { bind: 127.0.0.1:1, bind: 127.0.0.1:9640 }"],
    ["a map over lines", "admin: {\n  bind: 127.0.0.1:9640 }"],
    ["a text over lines", "admin:\n  bind: 127.0.0.1\n    :9640"],
    ["a block of text", "admin:\n  bind: >-\n    127.0.0.1:9640"],
    ["documents", "---\nadmin: { bind: 127.0.0.1:9640 }"],
    ["a map around all", "{ version: 1,\nadmin: { bind: 127.0.0.1:9640 } }"],
    ["a tab", "admin:\n\tbind: 127.0.0.1:9640"],
    ["a comment sign in quotes", 'admin:\n  bind: "127.0.0.1:9640 #"'],
    ["a byte order mark", "\uFEFFadmin: { bind: 127.0.0.1:9640 }"],
    ["half of a map", "admin: { bind: 127.0.0.1:9640"],
    ["nothing", ""],
  ])("leaves %s to the YAML library", (_what, text) => {
    expect(scanProbeAddresses(text)).toBeUndefined();
  });

  it("finds the addresses in the samples", () => {
    expect(scanProbeAddresses(SAMPLE)).toEqual({ ...none, admin: local(9640) });
    expect(scanProbeAddresses(readFileSync("config/ocsgw.yaml", "utf8"))).toEqual({ ...none, admin: local(9640) });
  });

  it("never differs from the YAML library, for any form of the file and any error in it", () => {
    const bind = fc.constantFrom(
      "127.0.0.1:9640",
      "0.0.0.0:9641",
      "[::]:9640",
      "localhost:1",
      "127.0.0.1:0",
      "nonsense",
      "1",
      "a: b",
      "a #b",
    );
    const tls = fc.constantFrom("none", { cert: "a.crt", key: "b c.key" }, null, [1]);
    const allow_from = fc.constantFrom(["10.0.0.0/8"], null, []);
    const probes = fc.oneof(bind, fc.record({ bind, allow_from }), fc.constant(null));
    const admin = fc.record({ bind, tls, probes, names: fc.constantFrom([], ["a.example:*"]) }, { requiredKeys: [] });
    const others = {
      version: fc.constant(1),
      notes: fc.constantFrom("a\nadmin: {}\n", "x"),
      audit: fc.constant({ dir: "a" }),
    };
    const whole = fc.record({ ...others, admin }, { requiredKeys: ["admin"] });
    const style = fc.record({
      collectionStyle: fc.constantFrom("any" as const, "flow" as const, "block" as const),
      indent: fc.constantFrom(2, 4),
      lineWidth: fc.constantFrom(0, 20, 200),
    });
    const put = fc.constantFrom(
      "",
      " ",
      "\n",
      "#",
      ": ",
      "{",
      "}",
      ",",
      "'",
      '"',
      "&",
      "admin:",
      "\nadmin: ",
      "- ",
      "|",
      "\t",
    );
    const scar = fc.option(fc.record({ at: fc.nat(400), put }));
    let seen = 0;
    fc.assert(
      fc.property(whole, style, scar, (value, how, broken) => {
        const good = stringify(value, how);
        const at = broken ? broken.at % (good.length + 1) : 0;
        const text = broken ? good.slice(0, at) + broken.put + good.slice(at + 1) : good;
        const found = scanProbeAddresses(text);
        if (found === undefined) return;
        const known = byLibrary(text);
        // What is no YAML elsewhere does not blind a probe.
        if (known === undefined) return;
        seen++;
        expect(found).toEqual(known);
      }),
      { numRuns: 4000 },
    );
    expect(seen).toBeGreaterThan(100);
  });
});
