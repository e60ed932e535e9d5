import { X509Certificate } from "node:crypto";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run } from "../kit/command.ts";
import { describeWith } from "../kit/machine.ts";
import { certificates, deploy } from "./kit.ts";

describeWith(["openssl"], "deploy/dev-certificates.sh", (openssl) => {
  let dir: string;
  const read = (name: string): X509Certificate => new X509Certificate(readFileSync(join(dir, name)));
  beforeAll(async () => {
    dir = await certificates("-c", "ors-1.example.internal", "ocs-gw.example.internal", "10.1.2.3", "fd00::1");
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it("makes a chain that OpenSSL finds nothing wrong with, for server and client each", async () => {
    for (const [name, purpose] of [
      ["server", "sslserver"],
      ["client", "sslclient"],
    ] as const) {
      const { code, stderr } = await run(openssl!, [
        "verify",
        "-x509_strict",
        "-purpose",
        purpose,
        "-CAfile",
        join(dir, "ca.crt"),
        join(dir, `${name}.crt`),
      ]);
      expect([code, stderr]).toEqual([0, ""]);
    }
    const { code } = await run(openssl!, [
      "verify",
      "-purpose",
      "sslserver",
      "-CAfile",
      join(dir, "ca.crt"),
      join(dir, "client.crt"),
    ]);
    expect(code).not.toBe(0);
  });

  it("names the server by every name and address that was given, and the client by its own", () => {
    expect(["localhost", "ocs-gw.example.internal"].map((name) => read("server.crt").checkHost(name))).toEqual([
      "localhost",
      "ocs-gw.example.internal",
    ]);
    expect(
      ["127.0.0.1", "10.1.2.3", "fd00::1", "::1"].filter(
        (address) => read("server.crt").checkIP(address) === undefined,
      ),
    ).toEqual([]);
    expect(read("client.crt").subjectAltName).toBe("DNS:ors-1.example.internal");
  });

  it("keeps keys for their owner, and a CA that is there", async () => {
    for (const name of ["ca.key", "server.key", "client.key"]) expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
    const before = read("ca.crt").fingerprint256;
    const server = read("server.crt").fingerprint256;
    await run("sh", [join(deploy, "dev-certificates.sh"), "-d", dir]);
    expect(read("ca.crt").fingerprint256).toBe(before);
    expect(read("server.crt").fingerprint256).not.toBe(server);
  });

  it("says how it is used when it is used otherwise", async () => {
    const { code, stderr } = await run("sh", [join(deploy, "dev-certificates.sh"), "-x"]);
    expect(code).toBe(2);
    expect(stderr).toContain("dev-certificates.sh [-d DIR]");
  });
});
