import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { CLIENT_AUTH, readCertificate, readRevocationList } from "../../../src/common/x509/certificate.ts";
import { certificatesOf, listsOf } from "../../../src/common/x509/pem.ts";
import { testAuthority } from "../../kit/certificates.ts";
import { describeWith } from "../../kit/machine.ts";

const ca = testAuthority("an authority");
const der = (pem: string): Buffer => certificatesOf(pem)[0]!;
const list = (pem: string): Buffer => listsOf(pem)[0]!;

describe("a certificate", () => {
  const leaf = ca.issue({ names: ["a.test", "b.test", "192.0.2.1"], usage: "clientAuth" });

  it("is parsed with the same result as Node's", () => {
    for (const made of [leaf, ca, ca.below(), ca.issue({ names: ["x.test"], to: 40 * 365 * 86_400_000 })]) {
      const [read, node] = [readCertificate(der(made.certPem)), new X509Certificate(made.certPem)];
      expect(read.serial.toUpperCase()).toBe(node.serialNumber);
      expect([read.notBefore, read.notAfter]).toEqual([node.validFromDate.getTime(), node.validToDate.getTime()]);
      expect(read.isAuthority).toBe(node.ca);
      expect(read.digest.toString("hex").toUpperCase()).toBe(node.fingerprint256.replaceAll(":", ""));
    }
  });

  it("has DNS names, purposes and signing rights", () => {
    expect(readCertificate(der(leaf.certPem))).toMatchObject({
      dnsNames: ["a.test", "b.test"],
      purposes: [CLIENT_AUTH],
      isAuthority: false,
      maySignCertificates: false,
    });
    expect(readCertificate(der(ca.certPem))).toMatchObject({
      dnsNames: [],
      purposes: undefined,
      isAuthority: true,
      maySignCertificates: true,
    });
    expect(readCertificate(der(ca.issue({ version1: true }).certPem))).toMatchObject({
      dnsNames: [],
      purposes: undefined,
    });
  });

  it("that is truncated or changed anywhere is parsed or throws RangeError", () => {
    const whole = der(leaf.certPem);
    for (let length = 0; length < whole.length; length++)
      expect(() => readCertificate(whole.subarray(0, length))).toThrow(RangeError);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(whole);
        changed[at]! ^= flip;
        try {
          readCertificate(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => readCertificate(Buffer.from(bytes))).toThrow(RangeError);
      }),
    );
  });
});

describe("a revocation list", () => {
  const revoked = [ca.issue({}), ca.issue({})];

  it("has the same issuer name as its certificates, and the revoked serial numbers", () => {
    const read = readRevocationList(list(ca.crl({ revoked })));
    expect([...read.revoked]).toEqual(revoked.map(({ certPem }) => readCertificate(der(certPem)).serial));
    expect(read.issuer).toBe(readCertificate(der(revoked[0]!.certPem)).issuer);
    expect(readRevocationList(list(ca.crl())).revoked.size).toBe(0);
  });

  it("that is truncated or changed anywhere is parsed or throws RangeError", () => {
    const whole = list(ca.crl({ revoked }));
    for (let length = 0; length < whole.length; length++)
      expect(() => readRevocationList(whole.subarray(0, length))).toThrow(RangeError);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(whole);
        changed[at]! ^= flip;
        try {
          readRevocationList(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describeWith(["openssl"], "what openssl makes", (openssl) => {
  const dir = mkdtempSync(join(tmpdir(), "ocsgw-openssl-"));
  afterAll(() => rmSync(dir, { recursive: true }));
  const run = (...args: readonly string[]): string =>
    execFileSync(openssl, args, { cwd: dir, stdio: ["ignore", "pipe", "ignore"] }).toString();
  const CONFIG =
    `[ca]\ndefault_ca = d\n[d]\ndatabase = index.txt\nserial = serial\ncrlnumber = crlnumber\nnew_certs_dir = ` +
    `.\ncertificate = ca.pem\nprivate_key = ca.key\ndefault_md = sha256\ndefault_days = 30\ndefault_crl_days = ` +
    `3\npolicy = p\nx509_extensions = x\n[p]\ncommonName = supplied\n[x]\nextendedKeyUsage = ` +
    `clientAuth\nsubjectAltName = DNS:ors-1.alpha.test\nbasicConstraints = critical,CA:false\nkeyUsage = ` +
    `critical,digitalSignature\n`;

  it("is parsed with the same result as openssl's", () => {
    for (const [name, text] of [
      ["ca.cnf", CONFIG],
      ["index.txt", ""],
      ["serial", "01\n"],
      ["crlnumber", "01\n"],
    ] as const)
      writeFileSync(join(dir, name), text);
    run(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-subj",
      "/C=XX/O=Firm/CN=root",
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
    );
    for (const name of ["one", "two"]) {
      run(
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        `/CN=${name}`,
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.csr`,
      );
      run("ca", "-config", "ca.cnf", "-batch", "-notext", "-in", `${name}.csr`, "-out", `${name}.pem`);
    }
    run("ca", "-config", "ca.cnf", "-revoke", "two.pem");
    run("ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem");
    const [one, two] = ["one", "two"].map((name) =>
      readCertificate(der(readFileSync(join(dir, `${name}.pem`), "utf8"))),
    );
    const crl = readRevocationList(list(readFileSync(join(dir, "crl.pem"), "utf8")));
    expect(one).toMatchObject({
      dnsNames: ["ors-1.alpha.test"],
      purposes: [CLIENT_AUTH],
      isAuthority: false,
      maySignCertificates: false,
    });
    expect([crl.revoked.has(one!.serial), crl.revoked.has(two!.serial), crl.issuer === one!.issuer]).toEqual([
      false,
      true,
      true,
    ]);
    expect(new Date(crl.nextUpdate).toUTCString().slice(5, 25)).toBe(
      new Date(run("crl", "-in", "crl.pem", "-noout", "-nextupdate").trim().replace("nextUpdate=", ""))
        .toUTCString()
        .slice(5, 25),
    );
  });
});
