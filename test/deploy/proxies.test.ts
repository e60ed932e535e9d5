import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../kit/machine.ts";
import { OK } from "../kit/raw-ocs.ts";
import { freePort, startProgram, type ServerProgram } from "../kit/server-program.ts";
import { adapted, aSite, credential, curl, NAME, written, type Relay, type Site } from "./kit.ts";

const DNC = "/phones/4155550100?req=DoNotCall";
const BODY = ["-H", "Content-Type: application/json", "-d", '{"GSW_TENANT_DBID":101}'];

/** Where the program under test takes requests, and which of the gateway's listeners it is in front of. */
type Front = { readonly url: string; readonly curl: readonly string[]; readonly behind: Relay };

let site: Site;
let dir: string;
const programs: ServerProgram[] = [];
const stopAll = async (): Promise<void> => {
  for (const program of programs.splice(0)) await program.stop();
};
beforeAll(async () => {
  site = await aSite();
  // nginx and Squid give up root before they look at their own files.
  dir = await mkdtemp(join(tmpdir(), "ocsgw-proxies-"));
  await chmod(dir, 0o777);
});
afterAll(async () => {
  await stopAll();
  await site.close();
  await rm(dir, { recursive: true, force: true });
});

/** What holds behind each of them. */
const aProxy = (front: () => Front): void => {
  const ask = (client: string | undefined, target = DNC, more: readonly string[] = []): readonly string[] => [
    ...(client === undefined ? [] : credential(client)),
    ...BODY,
    ...more,
    `${front().url}${target}`,
  ];

  it("requests reach OCS, and its answers come back as the gateway's replies say them", async () => {
    site.ocs.script = () => OK.replace("\r\n\r\n", "\r\nWarning: 7\r\n\r\n");
    const [answer] = await curl(front().curl, ask("alpha"));
    expect(answer).toMatchObject({
      status: 200,
      headers: { "ocsgw-origin": "ocs", "ocsgw-delivery": "answered", warning: "7" },
    });
    site.ocs.script = () => OK;
  });

  it("who asks is known by the credential alone, whatever is claimed beside it", async () => {
    const claims = [
      "X-Forwarded-For: 10.9.9.9",
      "X-Real-IP: 10.9.9.9",
      "Forwarded: for=10.9.9.9",
      "X-Forwarded-Client-Cert: By=spiffe://x;URI=spiffe://beta",
      "X-Tenant: Beta Tenant",
      "X-User: beta",
    ].flatMap((header) => ["-H", header]);
    const [nobody, alpha, foreign] = await curl(
      front().curl,
      ask(undefined, DNC, claims),
      ask("alpha", DNC, claims),
      ask("beta", DNC, claims),
    );
    expect(nobody).toMatchObject({ status: 401, headers: { "ocsgw-code": "OCSGW-2001" } });
    expect(alpha).toMatchObject({ status: 200 });
    expect(foreign).toMatchObject({ status: 403, headers: { "ocsgw-code": "OCSGW-2103" } });
    const sources = (await site.gateway.journal()).flatMap((line) => ("source" in line ? [line.source] : []));
    expect(new Set(sources)).toEqual(new Set(["127.0.0.1"]));
    expect(site.ocs.bytes()).not.toMatch(/10\.9\.9\.9|X-|Forwarded/i);
  });

  it("a request that OCS may have carried out is sent once, and its client gets 502 sent-no-answer", async () => {
    const before = site.ocs.requests();
    site.ocs.script = ({ connection }) => void connection.socket.resetAndDestroy();
    const [answer] = await curl(front().curl, ask("alpha"));
    site.ocs.script = () => OK;
    expect(answer).toMatchObject({
      status: 502,
      headers: { "ocsgw-code": "OCSGW-4102", "ocsgw-delivery": "sent-no-answer" },
    });
    expect(site.ocs.requests() - before).toBe(1);
  });
};

/** Twenty requests one after the other need one connection at the most. */
const expectKept = async ({ curl: how, behind }: Front, request: readonly string[], status: number): Promise<void> => {
  const before = behind.connections();
  const answers = await curl(how, ...Array.from({ length: 20 }, () => [...credential("alpha"), ...request]));
  expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 20 }, () => status));
  expect(behind.connections() - before).toBeLessThanOrEqual(1);
};

describeWith(["nginx", "curl"], "deploy/nginx.conf", (nginx) => {
  let front: Front;
  beforeAll(async () => {
    const port = await freePort();
    const file = await written(
      dir,
      "nginx.conf",
      await adapted("nginx.conf", {
        "listen [::]:443 ssl http2;": "",
        "listen 443 ": `listen 127.0.0.1:${port} `,
        "server 127.0.0.1:8443;": `server 127.0.0.1:${site.secure.port};`,
        "/etc/nginx/tls": site.tls,
        "/run/nginx.pid": join(dir, "nginx.pid"),
        "/var/log/nginx": dir,
        "worker_processes auto": "worker_processes 1",
      }),
    );
    programs.push(await startProgram(nginx!, ["-p", dir, "-c", file, "-g", "daemon off;"], port));
    front = {
      url: `https://${NAME}:${port}`,
      curl: ["--cacert", join(site.tls, "ca.crt"), "--resolve", `${NAME}:${port}:127.0.0.1`],
      behind: site.secure,
    };
  });
  afterAll(stopAll);

  aProxy(() => front);

  it("connections to the gateway are kept from request to request", () =>
    expectKept(front, [...BODY, `${front.url}${DNC}`], 200));

  it("clients may speak HTTP/2, and the gateway is asked in HTTP/1.1", async () => {
    const [answer] = await curl([...front.curl, "--http2"], [...credential("alpha"), ...BODY, `${front.url}${DNC}`]);
    expect(answer).toMatchObject({ version: "HTTP/2", status: 200, headers: { "ocsgw-origin": "ocs" } });
  });
});

describeWith(["haproxy", "curl"], "deploy/haproxy.cfg", (haproxy) => {
  let front: Front;
  let through: number;
  beforeAll(async () => {
    const [port, tcp] = [await freePort(), await freePort()];
    through = tcp;
    await written(
      dir,
      "server.pem",
      (await readFile(join(site.tls, "server.crt"), "utf8")) + (await readFile(join(site.tls, "server.key"), "utf8")),
    );
    const file = await written(
      dir,
      "haproxy.cfg",
      await adapted("haproxy.cfg", {
        "bind :443 ": `bind 127.0.0.1:${port} `,
        "bind :8444": `bind 127.0.0.1:${tcp}`,
        "127.0.0.1:8443": `127.0.0.1:${site.secure.port}`,
        "/etc/haproxy/tls/server.pem": join(dir, "server.pem"),
        "/etc/haproxy/tls/ca.crt": join(site.tls, "ca.crt"),
        "maxconn 20000": "maxconn 1000",
        " check\n": "\n",
      }),
    );
    programs.push(await startProgram(haproxy!, ["-db", "-f", file], port));
    front = {
      url: `https://${NAME}:${port}`,
      curl: ["--cacert", join(site.tls, "ca.crt"), "--resolve", `${NAME}:${port}:127.0.0.1`],
      behind: site.secure,
    };
  });
  afterAll(stopAll);

  aProxy(() => front);

  it("connections to the gateway are kept from request to request", () =>
    expectKept(front, [...BODY, `${front.url}${DNC}`], 200));

  it("clients may speak HTTP/2, and the gateway is asked in HTTP/1.1", async () => {
    const [answer] = await curl([...front.curl, "--http2"], [...credential("alpha"), ...BODY, `${front.url}${DNC}`]);
    expect(answer).toMatchObject({ version: "HTTP/2", status: 200, headers: { "ocsgw-origin": "ocs" } });
  });

  it("TLS that is passed through ends at the gateway", async () => {
    const [answer] = await curl(
      ["--cacert", join(site.tls, "ca.crt"), "--connect-to", `localhost:443:127.0.0.1:${through}`, "--http2"],
      [...credential("alpha"), ...BODY, `https://localhost${DNC}`],
    );
    expect(answer).toMatchObject({ version: "HTTP/1.1", status: 200, headers: { "ocsgw-origin": "ocs" } });
  });

  it("is a configuration that HAProxy finds nothing to warn of", () => {
    expect(programs[0]!.said()).not.toMatch(/WARNING|ALERT/);
  });
});

describeWith(["squid", "curl"], "deploy/squid.conf", (squid) => {
  const OCS = "http://ocs.example.internal:8080";
  let front: Front;
  beforeAll(async () => {
    const port = await freePort();
    const text = await adapted("squid.conf", {
      "http_port 3128": `http_port 127.0.0.1:${port}`,
      "parent 8080 0": `parent ${site.plain.port} 0`,
      "/run/squid.pid": join(dir, "squid.pid"),
      "/var/log/squid": dir,
      "/var/spool/squid": dir,
    });
    const file = await written(
      dir,
      "squid.conf",
      `${text}\nvisible_hostname localhost\ncache_effective_user proxy\npinger_enable off\nnetdb_filename none\n`,
    );
    programs.push(await startProgram(squid!, ["-N", "-f", file], port));
    front = { url: OCS, curl: ["-x", `http://127.0.0.1:${port}`], behind: site.plain };
  });
  afterAll(stopAll);

  aProxy(() => front);

  it("connections to the gateway are kept from GET to GET", () =>
    expectKept(front, [`${front.url}/campaigngroups/999`], 403));

  it("reaches nothing but the gateway", async () => {
    const [elsewhere, tunnel] = [
      await curl(front.curl, [...credential("alpha"), `http://127.0.0.1:${site.ocs.port}${DNC}`]),
      await curl([...front.curl, "--proxytunnel"], [`http://ocs.example.internal:8080/`]).catch((error: unknown) =>
        String(error),
      ),
    ];
    expect(elsewhere[0]).toMatchObject({ status: 403 });
    expect(elsewhere[0]!.headers["ocsgw-request-id"]).toBeUndefined();
    expect(typeof tunnel === "string" ? tunnel : tunnel[0]!.status).toSatisfy(
      (found: unknown) => found === 403 || /403/.test(String(found)),
    );
  });
});
