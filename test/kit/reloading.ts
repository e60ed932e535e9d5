/**
 * A gateway over plain HTTP and TLS whose files a test changes while clients ask: what it writes, and clients that note
 * whatever goes wrong.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { stringify } from "yaml";
import { createAuthority, type Authority } from "../../src/sandbox/server/certificates.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "./gateway.ts";
import { rawClient, type RawReply } from "./raw-client.ts";

export type Config = ReturnType<typeof twoTenants>;

/**
 * Two policies for one client whose combination would allow what neither allows: the first grants AddRecord and owns no
 * list, the second owns the list and does not grant AddRecord.
 */
export const policy = (primary: string, which: "grant" | "list", over: Record<string, unknown> = {}): Config => {
  const config = twoTenants(primary);
  const [alpha] = config.tenants as [Record<string, unknown>];
  alpha.clients = {
    ...(alpha.clients as object),
    mixer: { actions: [which === "grant" ? "AddRecord" : "ReadStatus"] },
  };
  alpha.lists = which === "grant" ? [] : ["Alpha List"];
  Object.assign(config.upstreams.ocs as object, {
    lane_isolation: "none",
    connections: 4,
    queue: { max: 500, max_wait: "20s" },
  });
  return {
    ...config,
    listeners: [
      { name: "clients", bind: "127.0.0.1:0", tls: "none" },
      { name: "secure", bind: "127.0.0.1:0", tls: { cert: "server.crt", key: "server.key" } },
    ],
    audit: { ...(config.audit as object), redact: { fields: { MARK: "keep" } } },
    ...over,
  };
};

export type Reloading = {
  readonly gateway: TestGateway;
  readonly authority: Authority;
  readonly securePort: number;
  readonly write: (config: Config) => Promise<void>;
  readonly renew: () => Promise<string>;
};

/** `renew` writes another certificate and its key, and resolves to the certificate. */
export const aReloadingGateway = async (config: Config): Promise<Reloading> => {
  const authority = createAuthority("reload test");
  const pair = () => authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
  const first = pair();
  const gateway = await aGateway(config, ["alpha", "beta", "mixer"], {
    "server.crt": first.certPem,
    "server.key": first.keyPem,
  });
  const put = (name: string, text: string): Promise<void> => writeFile(join(gateway.dir, name), text, { mode: 0o600 });
  return {
    gateway,
    authority,
    securePort: Number(new URL(gateway.gateway.listeners[1]!.url).port),
    write: (next) => put("ocsgw.yaml", stringify(next, { aliasDuplicateObjects: false })),
    renew: async () => {
      const { certPem, keyPem } = pair();
      await put("server.crt", certPem);
      await put("server.key", keyPem);
      return certPem;
    },
  };
};

const head = (as: string, target: string, body: string): string =>
  `POST ${target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${basic(as)}\r\nContent-Type: ` +
  `application/json\r\nContent-Length: ${body.length}\r\n\r\n`;

/** `until` is asked before each request. What is no answer of OCS is noted. Resolves to how many were answered. */
export const steadyClient = async (
  port: number,
  as: string,
  until: () => boolean,
  faults: string[],
): Promise<number> => {
  const client = await rawClient(port);
  let count = 0;
  for (; !until(); count++) {
    const body = `{"MARK":"${as}-${count}"}`;
    await client.send(head(as, "/phones/4155550100?req=DoNotCall", body) + body);
    const reply = await client
      .reply()
      .catch((error: Error): RawReply => ({ status: 0, headers: {}, body: error.message }));
    if (reply.headers["ocsgw-origin"] !== "ocs")
      faults.push(`${as} ${count}: ${reply.status} ${reply.headers["ocsgw-code"]} ${reply.body}`);
    if (reply.status === 0) break;
  }
  client.close();
  return count;
};

/**
 * Asks for what one policy grants and the other owns, its body late: policy is read before it, ownership after it.
 * Resolves to the codes that it got.
 */
export const mixingClient = async (port: number, until: () => boolean): Promise<Map<string, number>> => {
  const client = await rawClient(port);
  const codes = new Map<string, number>();
  for (let count = 0; !until(); count++) {
    const body =
      '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST",' +
      `"MARK":"mixer-${count}"}`;
    await client.send(head("mixer", "/lists/Alpha%20List?req=AddRecord", body));
    await new Promise((resolve) => setTimeout(resolve, count % 40));
    await client.send(body);
    const reply = await client.reply();
    const code = reply.headers["ocsgw-code"] ?? `${reply.status}`;
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  client.close();
  return codes;
};

/**
 * A handshake after the other, every second one with the session of the one before. Resolves to the serial numbers that
 * were shown; what fails is noted.
 */
export const handshakes = async (
  port: number,
  ca: string,
  until: () => boolean,
  faults: string[],
): Promise<{ readonly count: number; readonly serials: ReadonlySet<string> }> => {
  const serials = new Set<string>();
  let session: Buffer | undefined;
  let count = 0;
  for (; !until(); count++) {
    await new Promise<void>((resolve) => {
      const socket = connect({
        port,
        host: "127.0.0.1",
        servername: "localhost",
        ca,
        ...(count % 2 === 1 && session && { session }),
      });
      socket
        .on("session", (ticket) => (session = ticket))
        .on("error", ({ message }) => {
          faults.push(`handshake ${count}: ${message}`);
          resolve();
        });
      socket.on("secureConnect", () => {
        if (!socket.isSessionReused()) serials.add(socket.getPeerCertificate().serialNumber);
        socket.write("GET /campaigngroups HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      });
      socket
        .on("data", () => undefined)
        .on("end", () => {
          socket.end();
          resolve();
        });
    });
  }
  return { count, serials };
};
