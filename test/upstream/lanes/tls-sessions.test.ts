/**
 * A TLS session is resumed with the OCS that showed its certificate, and nowhere and no longer than that certificate
 * would be trusted.
 */
import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createServer, type SecureVersion, type Server, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import { connectTo } from "../../../src/upstream/lanes/endpoint.ts";
import type { EndpointTls } from "../../../src/upstream/lanes/tls.ts";

const authority = createAuthority("sessions");
const other = createAuthority("another");
const { certPem: cert, keyPem: key } = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
/** As two hosts of a pair may share them. */
const ticketKeys = randomBytes(48);
const servers: Server[] = [];

type Greet = (socket: TLSSocket) => void;
// Tickets of TLS 1.3 come with the first bytes.
const say: Greet = (socket) => void socket.write("x");
const serve = async (version: SecureVersion = "TLSv1.3", greet = say): Promise<string> => {
  const server = createServer({ cert, key, ticketKeys, minVersion: version, maxVersion: version }, (socket) => {
    socket.on("error", () => undefined);
    greet(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/**
 * Connects, waits for the server's first byte, and says whether the session was resumed. `how`: ends the connection.
 */
const connected = (origin: string, tls: EndpointTls, how: "end" | "fail" = "end"): Promise<boolean> =>
  new Promise((resolve, reject) => {
    connectTo({ origin, tls, connectTimeout: 5000 }, (error, socket) => {
      if (error) return reject(error);
      const resumed = (socket as TLSSocket).isSessionReused();
      // Tickets are read together with the byte behind them.
      socket!.resume();
      setTimeout(() => {
        if (socket!.closed) return resolve(resumed);
        socket!.once("close", () => resolve(resumed)).destroy(how === "fail" ? new Error("reset") : undefined);
      }, 50);
    });
  });

let trusted: EndpointTls;
beforeEach(() => {
  trusted = { ca: authority.certPem };
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

describe.each<SecureVersion>(["TLSv1.2", "TLSv1.3"])("a session of %s", (version) => {
  it("is resumed by the next connection, and by those after it", async () => {
    const origin = await serve(version);
    expect([
      await connected(origin, trusted),
      await connected(origin, trusted),
      await connected(origin, trusted),
    ]).toEqual([false, true, true]);
  });

  it("is not resumed at another address, also when that would accept it", async () => {
    const [one, two] = [await serve(version), await serve(version)];
    expect([await connected(one, trusted), await connected(two, trusted), await connected(one, trusted)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it("is not resumed with other trust settings", async () => {
    const origin = await serve(version);
    await connected(origin, trusted);
    expect(await connected(origin, { ca: authority.certPem })).toBe(false);
    await expect(connected(origin, { ca: other.certPem })).rejects.toThrow(/certificate|signature|issuer/);
    await expect(connected(origin, { ca: authority.certPem, pins: ["sha256:none"] })).rejects.toThrow("pinned keys");
  });

  it("is not kept when OCS's certificate is not trusted", async () => {
    const origin = await serve(version);
    const untrusting: EndpointTls = { ca: other.certPem };
    for (const _again of [1, 2])
      await expect(connected(origin, untrusting)).rejects.toThrow(/certificate|signature|issuer/);
    const unnamed: EndpointTls = { ca: authority.certPem, serverName: "ocs.example" };
    for (const _again of [1, 2])
      await expect(connected(origin, unnamed)).rejects.toThrow(/certificate is for another name/);
  });

  it("ends ten minutes after the certificate was verified, however often it was resumed", async () => {
    const origin = await serve(version);
    const minutes = (count: number): unknown => vi.spyOn(performance, "now").mockReturnValue(count * 60_000);
    const found: boolean[] = [];
    for (const at of [100, 105, 109, 110, 111]) {
      minutes(at);
      found.push(await connected(origin, trusted));
    }
    expect(found).toEqual([false, true, true, false, true]);
  });

  it("is dropped after a close without a byte, as of an OCS that resumes and then closes", async () => {
    let resumed = 0;
    const origin = await serve(version, (socket) => {
      if (!socket.isSessionReused()) return say(socket);
      resumed++;
      socket.end();
    });
    for (const _again of [1, 2, 3, 4]) await connected(origin, trusted);
    expect(resumed).toBe(2);
  });

  it("is dropped after an error, as of an OCS that cannot resume", async () => {
    const origin = await serve(version);
    expect([await connected(origin, trusted, "fail"), await connected(origin, trusted)]).toEqual([false, false]);
  });
});
