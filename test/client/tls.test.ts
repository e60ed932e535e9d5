import { createServer, type TlsOptions as ServerOptions } from "node:tls";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { ocs, type NetworkFailure, type Result, type TlsOptions } from "../../src/client/client.ts";
import { testAuthority } from "../kit/certificates.ts";

const authority = testAuthority("Test CA");
const server = authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
const elsewhere = authority.issue({ names: ["ocs-gw.example.internal"], usage: "serverAuth" });
const expired = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth", from: -7200_000, to: -3600_000 });
const client = authority.issue({ cn: "alpha", usage: "clientAuth" });

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const DONE =
  "HTTP/1.1 200 OK\r\nOcsgw-Request-Id: 01M8ZZZZZZZZZZZZZZZZZZZZZZ\r\nOcsgw-Origin: ocs\r\n" +
  "Ocsgw-Delivery: answered\r\nContent-Length: 0\r\n\r\n";

/** Whether the server got the request, and what became of the call. */
const call = async (
  tls: TlsOptions,
  options: ServerOptions = { cert: server.certPem, key: server.keyPem },
): Promise<{ readonly result: Result; readonly got: boolean }> => {
  let got = false;
  const peer = createServer(options, (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => {
      got = true;
      socket.write(DONE);
    });
  });
  peer.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
  const { port } = peer.address() as AddressInfo;
  const api = ocs({ baseUrl: `https://127.0.0.1:${port}`, key: "k", tls });
  closers.push(() => {
    api.close();
    peer.close();
  });
  return { result: await api.phones("4155550100").doNotCall(), got };
};
const ca = authority.certPem;

describe("the client over TLS", () => {
  it("trusts the CA that it is given", async () => {
    expect((await call({ ca })).result).toMatchObject({ ok: true });
    expect((await call({ ca: [testAuthority("Other").certPem, ca] })).result).toMatchObject({ ok: true });
  });

  it.each<[string, TlsOptions, ServerOptions?]>([
    ["of a CA that it was not given", {}],
    ["of another CA", { ca: testAuthority("Other").certPem }],
    ["for another name", { ca }, { cert: elsewhere.certPem, key: elsewhere.keyPem }],
    ["that has expired", { ca }, { cert: expired.certPem, key: expired.keyPem }],
  ])("sends nothing to a server with a certificate %s", async (_, tls, options) => {
    const { result, got } = await call(tls, options);
    expect(result).toMatchObject({ origin: "network", reason: "tls", delivery: "not-sent", repeat: "safe" });
    expect((result as NetworkFailure).text).toMatch(/certificate|altnames|self-signed/i);
    expect(got).toBe(false);
  });

  it.each<[string, TlsOptions, RegExp]>([
    ["a file's name", { ca: "ca.crt" }, /texts in PEM/],
    ["bytes", { ca: Buffer.from(authority.certPem) as never }, /texts in PEM/],
    ["a certificate without a key", { cert: client.certPem }, /belong together/],
    ["a key without a certificate", { key: client.keyPem }, /belong together/],
    ["another key", { cert: client.certPem, key: server.keyPem }, /cannot be used/],
    ["an address as the name", { serverName: "10.0.0.1" }, /a name of DNS/],
    ["an empty name", { serverName: "" }, /a name of DNS/],
    ["damaged text", { ca: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }, /cannot be used/],
  ])("is a mistake of the program with %s", (_, tls, message) => {
    const make = () => ocs({ baseUrl: "https://ocs-gw.example.internal:8443", tls });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/PRIVATE KEY/);
  });

  it("checks the name that it is given instead of the host's", async () => {
    const options = { cert: elsewhere.certPem, key: elsewhere.keyPem };
    expect((await call({ ca, serverName: "ocs-gw.example.internal" }, options)).result).toMatchObject({ ok: true });
  });

  it("sends its certificate to a server that requires one, and without one gets no answer", async () => {
    const options = { cert: server.certPem, key: server.keyPem, ca, requestCert: true, rejectUnauthorized: true };
    expect((await call({ ca, cert: client.certPem, key: client.keyPem }, options)).result).toMatchObject({ ok: true });
    const { result, got } = await call({ ca }, options);
    expect([result.ok, result.origin, got]).toEqual([false, "network", false]);
  });
});
