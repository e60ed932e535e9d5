import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createAuthority, type Issued } from "../../../src/sandbox/server/certificates.ts";
import { Lane } from "../../../src/upstream/lanes/lane.ts";
import type { RawAnswer } from "../../../src/upstream/lanes/in-flight.ts";
import { OK, rawOcs } from "../../kit/raw-ocs.ts";
import { pause, request } from "./contract-play.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const loopback = ["127.0.0.1", "localhost"];
const authority = createAuthority("OCS's authority");
const ours = authority.issue({ names: loopback, usage: "serverAuth" });

const hasOpenssl = ((): boolean => {
  try {
    return execFileSync("openssl", ["version"]).length > 0;
  } catch {
    return false;
  }
})();

/** A certificate that signs itself, with or without alternative names. */
const selfSigned = (...more: readonly string[]): Issued => {
  const folder = mkdtempSync(join(tmpdir(), "lane-contract-"));
  try {
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        key,
        "-out",
        cert,
        ...more,
      ],
      { stdio: "ignore" },
    );
    return { certPem: readFileSync(cert, "utf8"), keyPem: readFileSync(key, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const DAY = 86_400_000;
/** Certificates last 30 days from their making. */
const issuedAt = (when: number, names: readonly string[]): Issued => {
  vi.useFakeTimers({ toFake: ["Date"], now: when });
  try {
    return authority.issue({ names, usage: "serverAuth" });
  } finally {
    vi.useRealTimers();
  }
};

type Shown = { readonly shows: Issued; readonly ca?: string; readonly serverName?: string; readonly host?: string };
const another = createAuthority("Somebody else's authority").issue({ names: loopback, usage: "serverAuth" });

const WRONG: Readonly<Record<string, () => Shown>> = {
  "for another host": () => ({
    shows: authority.issue({ names: ["ocs.example"], usage: "serverAuth" }),
    ca: authority.certPem,
  }),
  "for the host by name, when it is asked by address": () => ({
    shows: authority.issue({ names: ["localhost"], usage: "serverAuth" }),
    ca: authority.certPem,
  }),
  "for the host, when another name is expected": () => ({
    shows: ours,
    ca: authority.certPem,
    serverName: "ocs.example",
  }),
  "for clients": () => ({ shows: authority.issue({ names: loopback, usage: "clientAuth" }), ca: authority.certPem }),
  "of an unknown authority": () => ({ shows: another, ca: authority.certPem }),
  "of a CA that is not configured": () => ({ shows: ours }),
  "that has expired": () => ({ shows: issuedAt(Date.now() - 60 * DAY, loopback), ca: authority.certPem }),
  "that is not valid yet": () => ({ shows: issuedAt(Date.now() + 60 * DAY, loopback), ca: authority.certPem }),
};
const WRONG_BY_OPENSSL: Readonly<Record<string, () => Shown>> = {
  "that signs itself": () => ({
    shows: selfSigned("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
    ca: authority.certPem,
  }),
  "with a common name and no alternative name, though trusted": () =>
    (({ shows }) => ({ shows, ca: shows.certPem, host: "localhost" }))({ shows: selfSigned() }),
};

const ask = async ({
  shows,
  ca,
  serverName,
  host = "127.0.0.1",
}: Shown): Promise<{ asking: Promise<RawAnswer>; bytes: () => string }> => {
  const ocs = await rawOcs(() => OK, { tls: shows });
  const endpoint = {
    origin: `https://${host}:${ocs.port}`,
    tls: { ...(ca !== undefined && { ca }), ...(serverName !== undefined && { serverName }) },
    connectTimeout: 5000,
  };
  const lane = new Lane("ocs/1", {
    endpoint,
    answerTimeout: () => 5000,
    userAgent: "ocs-gateway/test",
    onePerTenant: true,
  });
  stops.push(ocs.close, () => lane.close());
  return { asking: lane.exchange(request(1)), bytes: ocs.bytes };
};

const refusesBefore = async (shown: Shown): Promise<void> => {
  const { asking, bytes } = await ask(shown);
  await expect(asking).rejects.toMatchObject({ reason: "unreachable", sent: false });
  await pause(20);
  expect(bytes()).toBe("");
};

describe("an OCS certificate", () => {
  it("of a trusted CA and for the host lets the request be sent", async () => {
    const { asking, bytes } = await ask({ shows: ours, ca: authority.certPem });
    expect((await asking).status).toBe(200);
    expect(bytes()).toContain("POST /records/1");
  });

  it.each(Object.keys(WRONG))("%s lets no byte be sent", (name) => refusesBefore(WRONG[name]!()));

  describe.skipIf(!hasOpenssl && process.env.CI !== "true")("made by openssl", () => {
    it("that is self-signed and trusted lets the request be sent", async () => {
      const shows = selfSigned("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1");
      const { asking } = await ask({ shows, ca: shows.certPem });
      expect((await asking).status).toBe(200);
    });

    it.each(Object.keys(WRONG_BY_OPENSSL))("%s lets no byte be sent", (name) =>
      refusesBefore(WRONG_BY_OPENSSL[name]!()),
    );
  });
});
