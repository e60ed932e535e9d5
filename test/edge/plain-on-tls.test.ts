/** HTTP in clear text at a port that speaks TLS: the client is told what is wrong, and it is counted and logged. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { listen, type Listener } from "../../src/edge/listener.ts";
import { events } from "../../src/common/log/events.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { announce } from "../kit/announcing.ts";
import { aGateway, twoTenants } from "../kit/gateway.ts";
import { aLine } from "../kit/line.ts";
import { rawClient, type RawClient } from "../kit/raw-client.ts";
import { rawOcs } from "../kit/raw-ocs.ts";

const stops: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const stop of stops.splice(0).reverse()) await stop();
});

const authority = createAuthority("plain");
const leaf = authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
const tls = {
  cert: leaf.certPem,
  key: leaf.keyPem,
  minVersion: "1.2",
  clientCa: authority.certPem,
  clientCertificates: "request",
} as const;

const open = async (): Promise<{ readonly listener: Listener; readonly counted: () => number }> => {
  let count = 0;
  const onPlainHttp = (): void => void count++;
  const at = { name: "clients", host: "127.0.0.1", port: 0, tls, names: [], allowFrom: undefined, maxBody: 1024 };
  const listener = await listen({ ...at, onPlainHttp }, aLine().handler);
  stops.push(() => listener.stop(0));
  return { listener, counted: () => count };
};

const dial = async ({ port }: { readonly port: number }, options = {}): Promise<RawClient> => {
  const client = await rawClient(port, options);
  stops.push(client.close);
  return client;
};

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

describe("HTTP without TLS to a TLS port", () => {
  it.each<[string, readonly string[]]>([
    ["a GET", [GET]],
    ["a GET in HTTP/1.0", ["GET /readyz HTTP/1.0\r\n\r\n"]],
    ["byte by byte", GET.split("")],
    ["a POST with its body", [`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n${"x".repeat(999_999)}`]],
    ["only a request line", ["DELETE /a HTTP/1.1\r\n"]],
    ["HTTP/2 that was agreed on before", ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]],
    ["a CONNECT", ["CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n"]],
  ])("gets a 400 with an explanation: %s", async (_what, pieces) => {
    const { listener, counted } = await open();
    const client = await dial(listener);
    await client.send(...pieces);
    const reply = await client.reply();
    expect([reply.status, reply.headers["ocsgw-code"], reply.headers["connection"]]).toEqual([
      400,
      "OCSGW-1011",
      "close",
    ]);
    expect(reply.body).toContain("use https:// in place of http://");
    await client.ended();
    expect(counted()).toBe(1);
  });

  it.each<[string, string]>([
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["a text without a line's end that is longer than any request line", "A".repeat(5000)],
    ["small letters", "get / http/1.1\r\n\r\n"],
    ["bytes", "\0\0\0\0\r\n"],
  ])("gets no reply when the bytes are not HTTP: %s", async (_what, bytes) => {
    const { listener, counted } = await open();
    const client = await dial(listener);
    await client.send(bytes);
    expect(await client.ended()).not.toContain("HTTP/1.1");
    expect(counted()).toBe(0);
  });

  it("does not disturb TLS clients, and is logged once a minute with a count", async () => {
    const logged = vi.spyOn(events, "plainHttpOnTlsPort").mockReturnValue();
    const { listener } = await open();
    const now = vi.spyOn(performance, "now");
    const plain = async (): Promise<void> => {
      const client = await dial(listener);
      await client.send(GET);
      await client.reply();
    };
    for (let count = 0; count < 3; count++) await plain();
    expect(logged.mock.calls).toEqual([[{ listener: "clients", source: "127.0.0.1" }]]);
    const start = performance.timeOrigin;
    now.mockImplementation(() => Date.now() - start + 61_000);
    await plain();
    now.mockRestore();
    expect(logged.mock.calls.slice(1)).toEqual([[{ listener: "clients", source: "127.0.0.1", suppressed: 2 }]]);
    const secure = await dial(listener, { ca: authority.certPem });
    const lines = [
      "POST /phones/4155550100?req=DoNotCall HTTP/1.1",
      "Host: localhost",
      "X-Client: alpha",
      "Content-Length: 0",
    ];
    await secure.send([...lines, "", ""].join("\r\n"));
    expect((await secure.reply()).status).toBe(200);
  });

  it(
    "is refused at each listener of a gateway, and is in its metrics and its journal",
    { timeout: 60_000 },
    async () => {
      const ocs = await rawOcs();
      stops.push(() => ocs.close());
      const config = twoTenants(ocs.url);
      const own = { cert: "server.crt", key: "server.key" };
      const bind = "127.0.0.1:0";
      const callbacks = { bind, allow_from: ["127.0.0.1"], tls: { ...own, client_ca: "ca.crt" } };
      Object.assign(config.upstreams["ocs"] as object, { callbacks });
      const files = { "server.crt": leaf.certPem, "server.key": leaf.keyPem, "ca.crt": authority.certPem };
      const listeners = [
        { name: "clients", bind, tls: own },
        { name: "plain", bind, tls: "none" },
      ];
      const gateway = await aGateway({ ...config, listeners, admin: { bind, tls: own } }, ["alpha"], files);
      stops.push(() => gateway.stop());
      const { admin: adminUrl, callbacks: heard } = gateway.gateway;
      const secure = { clients: gateway.url, admin: adminUrl!, "callbacks:ocs": heard["ocs"]! };
      for (const url of Object.values(secure)) {
        expect(url).toMatch(/^https:/);
        expect((await announce(url.replace("https:", "http:"), {})).status).toBe(400);
      }
      const admin = await dial({ port: Number(new URL(secure.admin).port) }, { ca: authority.certPem });
      await admin.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const rows = (await admin.reply()).body.split("\n").filter((line) => line.startsWith("ocsgw_plain_on_tls_total"));
      const expected = Object.keys(secure).map((name) => `ocsgw_plain_on_tls_total{listener="${name}"} 1`);
      expect(new Set(rows)).toEqual(new Set(expected));
      const refusals = (await gateway.journal()).filter(({ kind }) => kind === "refusal");
      expect(refusals.map((each) => "listener" in each && each.listener)).toContain("clients");
    },
  );
});
