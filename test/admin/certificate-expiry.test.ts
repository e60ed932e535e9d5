import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { endings, firstEnd } from "../../src/admin/certificate-expiry.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";

const authority = createAuthority("test");
const { certPem } = authority.issue({ names: ["localhost"], usage: "serverAuth" });
const endOf = (pem: string): number => new X509Certificate(pem).validToDate.getTime();

describe("firstEnd", () => {
  it("is the expiry of a single certificate", () => {
    expect(firstEnd(certPem)?.notAfter).toBe(endOf(certPem));
  });

  it("is the earliest expiry of a chain, in either order, with other text in between", () => {
    const earliest = Math.min(endOf(certPem), endOf(authority.certPem));
    expect(firstEnd(`${certPem}\nsubject: x\n${authority.certPem}`)?.notAfter).toBe(earliest);
    expect(firstEnd(`${authority.certPem}${certPem}`)?.notAfter).toBe(earliest);
  });

  it.each([
    ["an empty file", ""],
    ["a file without a certificate", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
    ["a malformed certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ])("is unknown for %s", (_what, pem) => {
    expect(firstEnd(pem)).toBeUndefined();
  });
});

describe("endings", () => {
  const HOUR = 3_600_000;
  const now = Date.parse("2026-11-22T12:00:00Z");
  /** `hours` until the end; the warning begins `ahead` hours before it. */
  const told = (what: "cert" | "client_ca" | "crl" | "client_crl", hours: number, ahead = 24): readonly string[] =>
    endings(
      [{ of: "listeners.clients", what, notAfter: now + hours * HOUR, warnFrom: now + (hours - ahead) * HOUR }],
      now,
    );

  it.each(["crl", "client_crl"] as const)(
    "warns of a revocation list one day before it expires, and afterwards: %s",
    (what) => {
      expect(told(what, 25)).toEqual([]);
      expect(told(what, 23)).toEqual([
        `listeners.clients.${what}: a revocation list expires on 2026-11-23T11:00:00.000Z; ` +
          "replace it: an expired list rejects every certificate of its authority",
      ]);
      expect(told(what, -1)).toEqual([
        expect.stringContaining("a revocation list expired on 2026-11-22T11:00:00.000Z"),
      ]);
    },
  );

  it.each(["cert", "client_ca"] as const)("warns of a certificate that expires soon or has expired: %s", (what) => {
    expect(told(what, 25)).toEqual([]);
    expect(told(what, 23)).toEqual([
      `listeners.clients.${what}: a certificate expires on 2026-11-23T11:00:00.000Z; replace it`,
    ]);
    expect(told(what, 23, 8)).toEqual([]);
    expect(told(what, 0)).toEqual([
      `listeners.clients.${what}: a certificate expired on 2026-11-22T12:00:00.000Z; replace it`,
    ]);
  });
});
