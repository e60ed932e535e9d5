import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";

const NAMES = ["sandbox.test", "127.0.0.1", "::1", "2001:db8::ff00:42:8329", "::ffff:192.0.2.1"];
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const openssl = ((): boolean => {
  try {
    execFileSync("openssl", ["version"]);
    return true;
  } catch {
    return false;
  }
})();

describe("a test authority", () => {
  it("is a CA that signs itself, valid from an hour ago for 30 days", () => {
    const certificate = new X509Certificate(createAuthority("Test CA").certPem);
    expect(certificate.ca).toBe(true);
    expect(certificate.subject).toBe("CN=Test CA");
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    const [from, to] = [certificate.validFrom, certificate.validTo].map((text) => Date.parse(text)) as [number, number];
    expect(to - from).toBe(30 * 86_400_000);
    expect(Math.abs(Date.now() - from - 3_600_000)).toBeLessThan(60_000);
  });

  it("issues certificates for names and addresses, with one usage and a unique serial number", () => {
    const authority = createAuthority("Test CA");
    const ca = new X509Certificate(authority.certPem);
    const leaves = (["serverAuth", "clientAuth"] as const).map(
      (usage) => new X509Certificate(authority.issue({ names: NAMES, usage }).certPem),
    );
    for (const leaf of leaves) {
      expect(leaf.ca).toBe(false);
      expect(leaf.checkIssued(ca)).toBe(true);
      expect(leaf.verify(ca.publicKey)).toBe(true);
      expect(leaf.checkHost("sandbox.test")).toBe("sandbox.test");
      expect(leaf.checkHost("other.test")).toBeUndefined();
      for (const address of NAMES.slice(1)) expect(leaf.checkIP(address)).toBe(address);
    }
    expect(leaves.map((leaf) => leaf.keyUsage)).toEqual([["1.3.6.1.5.5.7.3.1"], ["1.3.6.1.5.5.7.3.2"]]);
    expect(leaves[0]!.serialNumber).not.toBe(leaves[1]!.serialNumber);
  });

  it("requires at least one name", () => {
    expect(() => createAuthority("Test CA").issue({ names: [], usage: "serverAuth" })).toThrow(RangeError);
  });
});

describe("certificates of a test authority in a TLS handshake", () => {
  const handshake = async (server: ReturnType<typeof createAuthority>, trusted: string): Promise<string> => {
    const { certPem, keyPem } = server.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
    const client = server.issue({ names: ["alpha-ors"], usage: "clientAuth" });
    const listener = createServer(
      { cert: certPem, key: keyPem, ca: server.certPem, requestCert: true, rejectUnauthorized: true },
      (socket) => {
        socket.end((socket.getPeerCertificate().subject as { CN: string }).CN);
      },
    );
    listener.listen(0, "127.0.0.1");
    cleanups.push(() => listener.close());
    await once(listener, "listening");
    const socket: TLSSocket = connect({
      port: (listener.address() as AddressInfo).port,
      host: "127.0.0.1",
      ca: trusted,
      cert: client.certPem,
      key: client.keyPem,
    });
    cleanups.push(() => socket.destroy());
    const [chunk] = (await once(socket, "data")) as [Buffer];
    return chunk.toString();
  };

  it("are accepted by both sides according to their usage", async () => {
    const authority = createAuthority("Test CA");
    expect(await handshake(authority, authority.certPem)).toBe("alpha-ors");
  });

  it("are refused by a peer that trusts another authority with the same name", async () => {
    await expect(handshake(createAuthority("Test CA"), createAuthority("Test CA").certPem)).rejects.toThrow(
      /certificate|signature/i,
    );
  });
});

describe.skipIf(!openssl)("certificates of a test authority checked by openssl", () => {
  it("are valid for their purpose only", () => {
    const directory = mkdtempSync(join(tmpdir(), "certificates-"));
    cleanups.push(() => {
      rmSync(directory, { recursive: true });
    });
    const authority = createAuthority("Test CA");
    const [ca, leaf] = [join(directory, "ca.pem"), join(directory, "leaf.pem")];
    writeFileSync(ca, authority.certPem);
    writeFileSync(leaf, authority.issue({ names: NAMES, usage: "serverAuth" }).certPem);
    const verify = (...options: string[]): string =>
      execFileSync("openssl", ["verify", "-x509_strict", "-CAfile", ca, ...options, leaf], {
        encoding: "utf8",
        stdio: "pipe",
      });
    expect(verify("-purpose", "sslserver", "-verify_hostname", "sandbox.test")).toContain("leaf.pem: OK");
    expect(() => verify("-purpose", "sslclient")).toThrow();
    const text = execFileSync("openssl", ["x509", "-in", leaf, "-noout", "-text"], { encoding: "utf8" });
    expect(text).toContain("ecdsa-with-SHA256");
    expect(text).toContain("NIST CURVE: P-256");
    expect(text).toContain("DNS:sandbox.test, IP Address:127.0.0.1");
  });
});
