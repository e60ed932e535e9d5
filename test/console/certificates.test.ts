import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { firstEnd } from "../../src/console/certificates.ts";
import { createAuthority } from "../../src/sandbox/certificates.ts";

const authority = createAuthority("test");
const { certPem } = authority.issue({ names: ["localhost"], usage: "serverAuth" });
const endOf = (pem: string): number => new X509Certificate(pem).validToDate.getTime();

describe("firstEnd", () => {
  it("is the end of the one certificate", () => {
    expect(firstEnd(certPem)).toBe(endOf(certPem));
  });

  it("is the earliest of a chain, in either order, whatever stands between", () => {
    const earliest = Math.min(endOf(certPem), endOf(authority.certPem));
    expect(firstEnd(`${certPem}\nsubject: x\n${authority.certPem}`)).toBe(earliest);
    expect(firstEnd(`${authority.certPem}${certPem}`)).toBe(earliest);
  });

  it.each([["nothing", ""], ["no certificate", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"], ["a broken one", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]])("is unknown for %s", (_what, pem) => {
    expect(firstEnd(pem)).toBeUndefined();
  });
});
