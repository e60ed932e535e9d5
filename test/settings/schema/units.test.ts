import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { editDistance, nearest } from "../../../src/settings/problems/did-you-mean.ts";
import { bind, cidr, duration, isLoopback, origin, rate, size } from "../../../src/settings/schema/units.ts";
import { fold } from "../../../src/settings/rules/compare.ts";

const table = (
  name: string,
  schema: z.ZodType,
  good: readonly (readonly [string, unknown])[],
  bad: readonly string[],
): void => {
  describe(name, () => {
    it.each(good)("reads %s", (text, value) => expect(schema.parse(text)).toEqual(value));
    it.each(bad)("refuses %j", (text) => expect(schema.safeParse(text).success).toBe(false));
  });
};

table(
  "duration",
  duration,
  [
    ["250ms", 250],
    ["5s", 5000],
    ["60m", 3_600_000],
    ["2h", 7_200_000],
    ["90d", 7_776_000_000],
  ],
  ["5", "s", "5 s", "-5s", "1.5s", "5S", "5w", "0s", "00ms", "9999999999d", "5s ", ""],
);
table(
  "size",
  size,
  [
    ["512B", 512],
    ["64KiB", 65_536],
    ["16MiB", 16_777_216],
    ["1GiB", 1_073_741_824],
  ],
  ["64", "64KB", "64kib", "0B", "-1B", "1.5MiB"],
);
table(
  "rate",
  rate,
  [
    ["50/s", { count: 50, per_ms: 1000 }],
    ["300/m", { count: 300, per_ms: 60_000 }],
    ["1/h", { count: 1, per_ms: 3_600_000 }],
  ],
  ["50", "50/sec", "0/s", "-1/s", "50 / s", "1.5/s"],
);
table(
  "bind",
  bind,
  [
    ["0.0.0.0:8443", { host: "0.0.0.0", port: 8443 }],
    ["[::]:8443", { host: "::", port: 8443 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    ["localhost:80", { host: "localhost", port: 80 }],
  ],
  [
    "8443",
    ":8443",
    "0.0.0.0",
    "0.0.0.0:65536",
    "::1:80",
    "[127.0.0.1]:80",
    "1.2.3:80",
    "host:80",
    "[::1]",
    "[::1",
    "127.0.0.1:x",
  ],
);
table(
  "cidr",
  cidr,
  [
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.0.0.5", "10.0.0.5"],
    ["2001:db8::/32", "2001:db8::/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
  ],
  ["10.0.0.0/33", "10.0.0/8", "::/129", "x/8", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "fe80::1%eth0/64"],
);
table(
  "origin",
  origin,
  [
    ["https://ocs1.example:8443", "https://ocs1.example:8443"],
    ["http://127.0.0.1:18080/", "http://127.0.0.1:18080"],
    ["HTTPS://OCS.example:443", "https://ocs.example"],
    ["http://[::1]:1", "http://[::1]:1"],
  ],
  ["ocs1:8443", "https://", "https://h/p", "https://h/?q", "https://h/#f", "https://u@h", "ftp://h", "https://h:99999"],
);

describe("isLoopback", () => {
  it.each(["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"])("is true for %s", (host) =>
    expect(isLoopback(host)).toBe(true),
  );
  it.each(["0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost.example", "127.0.0.1.example"])(
    "is false for %s",
    (host) => expect(isLoopback(host)).toBe(false),
  );
});

describe("nearest", () => {
  it.each([
    ["capaigns", "campaigns"],
    ["tenatns", "tenants"],
    ["TLS", "tls"],
    ["timeout", "timeouts"],
  ])("suggests for %s the name %s", (from, to) =>
    expect(nearest(from, ["campaigns", "tenants", "tls", "timeouts", "lists"])).toBe(to),
  );
  it("finds a name of another length, and a long name costs nothing to refuse", () => {
    expect(nearest("campaignss", ["campaigns", "c"])).toBe("campaigns");
    expect(nearest("tim", ["timeouts", "tom"])).toBe("tom");
    expect(nearest("q".repeat(100), ["campaigns", "tls"])).toBeUndefined();
    expect(nearest("a", ["b"])).toBe("b");
  });

  it("suggests nothing if no name is near", () => expect(nearest("zebra", ["campaigns", "tls"])).toBeUndefined());
  it.each([
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["abc", "acb", 1],
    ["kitten", "sitting", 3],
    ["a", "b", 1],
  ])("measures between %j and %j a distance of %i", (from, to, distance) =>
    expect(editDistance(from, to)).toBe(distance),
  );
});

describe("fold", () => {
  it.each([
    ["Alpha List", "ALPHA  list"],
    ["Straße", "STRASSE"],
    ["ﬁne", "FINE"],
    ["Ａ", "a"],
    ["a\u00A0b", "a b"],
  ])("gives equal results for %j and %j", (one, other) => expect(fold(one)).toBe(fold(other)));
  it.each([
    ["Alpha List", "Alpha List 2"],
    ["ab", "a b"],
    ["é", "e"],
  ])("gives different results for %j and %j", (one, other) => expect(fold(one)).not.toBe(fold(other)));
});
