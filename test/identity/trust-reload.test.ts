/** Authorities, revocation lists and rules change while certified clients are connected. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testAuthority, type Made } from "../kit/certificates.ts";
import { aGateway, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const [ca, next] = [testAuthority("Clients' CA"), testAuthority("The next CA")];
const server = testAuthority("Server CA").issue({ names: ["127.0.0.1", "localhost"], usage: "serverAuth" });
const [alpha, beta] = ["ors-1.alpha.test", "ors-1.beta.test"].map((name) =>
  ca.issue({ names: [name], usage: "clientAuth" }),
) as [Made, Made];

type Client = {
  readonly ask: () => Promise<number | string>;
  readonly connections: () => number;
  readonly close: () => void;
};

describe("a reload of the trust settings", () => {
  let dir: string;
  let ocs: RawOcs;
  let gateway: TestGateway;
  const clients: Client[] = [];
  const file = (name: string, text?: string): string => {
    if (text !== undefined) writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };

  /** One connection, kept. */
  const aClient = ({ certPem: cert, keyPem: key }: Made): Client => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, cert, key, rejectUnauthorized: false });
    let connections = 0;
    const client: Client = {
      connections: () => connections,
      close: () => agent.destroy(),
      ask: () =>
        new Promise((resolve) => {
          const asking = request(
            {
              agent,
              host: "127.0.0.1",
              port: gateway.port,
              method: "POST",
              path: "/phones/4155550100?req=DoNotCall",
              headers: { "Content-Length": 0 },
            },
            (reply) => reply.resume().on("end", () => resolve(reply.statusCode!)),
          );
          asking
            .on("socket", (socket) => socket.connecting && connections++)
            .on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
            .end();
        }),
    };
    clients.push(client);
    return client;
  };

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "ocsgw-trust-"));
    ocs = await rawOcs();
    gateway = await aGateway({
      ...twoTenants(ocs.url),
      listeners: [
        {
          name: "clients",
          bind: "127.0.0.1:0",
          tls: {
            cert: file("server.crt", server.certPem),
            key: file("server.key", server.keyPem),
            client_ca: file("ca.pem", ca.certPem),
            client_crl: file("ca.crl", ca.crl()),
          },
        },
      ],
      identity: {
        keys: { file: "keys.yaml" },
        mtls: [
          { name: "alpha", san_dns: "ors-*.alpha.test", client: "alpha" },
          { name: "beta", san_dns: "ors-*.beta.test", client: "beta" },
        ],
      },
    });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await gateway.stop();
    await ocs.close();
    rmSync(dir, { recursive: true });
  });

  it("closes the open connections of revoked certificates, and no others", async () => {
    const [one, two] = [aClient(alpha), aClient(beta)];
    expect([await one.ask(), await two.ask()]).toEqual([200, 200]);
    file("ca.crl", ca.crl({ revoked: [alpha] }));
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
    const sent = ocs.requests();
    expect(await one.ask()).toBe(401);
    expect(ocs.requests()).toBe(sent);
    expect(await two.ask()).toBe(200);
    expect([one.connections(), two.connections()]).toEqual([2, 1]);
  });

  it("changes nothing when a revocation list cannot be read", async () => {
    const one = aClient(alpha);
    expect(await one.ask()).toBe(200);
    for (const bad of ["", "nonsense", ca.crl().slice(0, 200)]) {
      file("ca.crl", bad);
      expect(await gateway.gateway.reload()).toMatchObject({ outcome: "refused", problems: [{ code: "OCSGW-6271" }] });
      expect(await one.ask()).toBe(200);
    }
    expect(one.connections()).toBe(1);
  });

  it("adds a CA without disturbing clients, and closes the connections of a removed one", async () => {
    const [old, young] = [aClient(alpha), aClient(next.issue({ names: ["ors-2.alpha.test"], usage: "clientAuth" }))];
    expect(await old.ask()).toBe(200);
    file("ca.pem", ca.certPem + next.certPem);
    file("ca.crl", ca.crl() + next.crl());
    await gateway.gateway.reload();
    expect([await old.ask(), await young.ask()]).toEqual([200, 200]);
    expect(old.connections()).toBe(1);
    file("ca.pem", next.certPem);
    file("ca.crl", next.crl());
    await gateway.gateway.reload();
    expect([await old.ask(), await young.ask()]).toEqual([401, 200]);
    expect(young.connections()).toBe(1);
  });

  it("applies new rules to the next request on an open connection", async () => {
    const one = aClient(alpha);
    expect(await one.ask()).toBe(200);
    const config = join(gateway.dir, "ocsgw.yaml");
    writeFileSync(config, readFileSync(config, "utf8").replace("ors-*.alpha.test", "crm-*.alpha.test"));
    expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
    expect([await one.ask(), one.connections()]).toEqual([401, 1]);
  });

  it("fails no request of a client with a valid certificate, even if repeated under load", async () => {
    const all = [aClient(alpha), aClient(alpha), aClient(beta)];
    let over = false;
    const seen = new Map<number | string, number>();
    const load = Promise.all(
      all.map(async (client) => {
        while (!over) {
          const status = await client.ask();
          seen.set(status, (seen.get(status) ?? 0) + 1);
        }
      }),
    );
    for (let round = 0; round < 8; round++) {
      file("ca.crl", ca.crl({ revoked: round % 2 === 0 ? [ca.issue({ names: ["someone.test"] })] : [] }));
      expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
    }
    over = true;
    await load;
    expect([...seen.keys()]).toEqual([200]);
    expect(all.map((client) => client.connections())).toEqual([1, 1, 1]);
  });
});
