/**
 * HAProxy and nginx in front of a gateway that believes them: the journal and the throttles know the clients behind
 * them.
 */
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { aGateway, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { describeWith } from "../kit/machine.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { freePort, startProgram, type ServerProgram } from "../kit/server-program.ts";
import { certificates, credential, curl, NAME, written, type Answer } from "./kit.ts";

const DNC = "/phones/4155550100?req=DoNotCall";
const BODY = ["-H", "Content-Type: application/json", "-d", '{"GSW_TENANT_DBID":101}'];
/** What a client claims that would like to be somebody else. */
const CLAIMS = ["-H", "X-Forwarded-For: 198.51.100.1", "-H", "Forwarded: for=198.51.100.1"];

let ocs: RawOcs;
let gateway: TestGateway;
let tls: string;
let dir: string;
const programs: ServerProgram[] = [];
const stopAll = async (): Promise<void> => {
  for (const program of programs.splice(0)) await program.stop();
};

beforeAll(async () => {
  ocs = await rawOcs();
  tls = await certificates(NAME);
  dir = await mkdtemp(join(tmpdir(), "ocsgw-trusted-"));
  await chmod(dir, 0o777);
  const bind = "127.0.0.1:0";
  const secure = { cert: join(tls, "server.crt"), key: join(tls, "server.key") };
  const by = (sends: string) => [{ from: ["127.0.0.1"], sends }];
  gateway = await aGateway({
    ...twoTenants(ocs.url),
    identity: { keys: { file: "keys.yaml" }, failures: { rate: "1/h", burst: 3 } },
    listeners: [
      { name: "proxied", bind, tls: secure, trusted_proxies: by("proxy-protocol") },
      { name: "proxied-plain", bind, tls: "none", names: ["gw.test:*"], trusted_proxies: by("proxy-protocol") },
      { name: "x-forwarded-for", bind, tls: "none", names: ["gw.test:*"], trusted_proxies: by("x-forwarded-for") },
      { name: "forwarded", bind, tls: "none", names: ["gw.test:*"], trusted_proxies: by("forwarded") },
    ],
  });
});
afterAll(async () => {
  await stopAll();
  await gateway.stop();
  await ocs.close();
  for (const each of [tls, dir]) await rm(each, { recursive: true, force: true });
});

const portOf = (name: string): number =>
  Number(new URL(gateway.gateway.listeners.find((listener) => listener.name === name)!.url).port);
const sourcesOf = async (listener: string): Promise<readonly unknown[]> =>
  (await gateway.journal()).flatMap((line) =>
    "listener" in line && line.listener === listener && "source" in line ? [line.source] : [],
  );

/** From one of this machine's own addresses, one after the other. */
const from = async (address: string, common: readonly string[], request: readonly string[]): Promise<Answer> =>
  (await curl([...common, "--interface", address], request))[0]!;

/** Two clients behind the proxy, each with the other's name on its lips. */
const knowsThem = (
  listener: string,
  front: () => { readonly url: string; readonly curl: readonly string[] },
  [one, two, guessing]: readonly [string, string, string],
): void => {
  it("the journal has each client's own address", async () => {
    const before = (await sourcesOf(listener)).length;
    for (const address of [one, two]) {
      expect(
        await from(address, front().curl, [...credential("alpha"), ...BODY, ...CLAIMS, `${front().url}${DNC}`]),
      ).toMatchObject({ status: 200 });
    }
    expect((await sourcesOf(listener)).slice(before)).toEqual([one, two]);
  });

  it("a client that guesses keys is slowed, and not those beside it", async () => {
    const guess = (at: number): Promise<Answer> =>
      from(guessing, front().curl, ["-u", `alpha:wrong-${guessing}-${at}`, ...BODY, `${front().url}${DNC}`]);
    const statuses: number[] = [];
    for (let at = 0; at < 5; at++) statuses.push((await guess(at)).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    expect(
      await from(two, front().curl, [
        ...credential("beta"),
        "-H",
        "Content-Type: application/json",
        "-d",
        "{}",
        `${front().url}${DNC}`,
      ]),
    ).toMatchObject({ status: 200 });
  });
};

describeWith(["haproxy", "curl"], "HAProxy", (haproxy) => {
  const ports: Record<string, number> = {};
  beforeAll(async () => {
    for (const name of ["tls", "plain", "xff", "forwarded"]) ports[name] = await freePort();
    const timeouts = "timeout connect 2s\n  timeout client 30s\n  timeout server 30s\n";
    const common = `global\n  maxconn 100\ndefaults\n  ${timeouts}`;
    const tcp = (name: string, listener: string): string =>
      `listen ${name}\n  mode tcp\n  bind 127.0.0.1:${ports[name]}\n  server gw 127.0.0.1:${portOf(listener)} ` +
      `send-proxy-v2 check\n`;
    const http = (name: string, listener: string, how: string): string =>
      `listen ${name}\n  mode http\n  bind 127.0.0.1:${ports[name]}\n  ${how}\n  http-request set-header Host ` +
      `gw.test\n  server gw 127.0.0.1:${portOf(listener)}\n`;
    const text =
      common +
      tcp("tls", "proxied") +
      tcp("plain", "proxied-plain") +
      http("xff", "x-forwarded-for", "option forwardfor") +
      http("forwarded", "forwarded", 'http-request add-header Forwarded "for=%[src]"');
    programs.push(await startProgram(haproxy!, ["-db", "-f", await written(dir, "trusted.cfg", text)], ports["xff"]!));
  });
  afterAll(stopAll);

  describeWith(["haproxy"], "with the PROXY protocol in front of TLS", () =>
    knowsThem(
      "proxied",
      () => ({
        url: `https://${NAME}:${ports["tls"]}`,
        curl: [
          "--cacert",
          join(tls, "ca.crt"),
          "--connect-to",
          `${NAME}:${ports["tls"]}:127.0.0.1:${ports["tls"]}`,
          "-H",
          `Host: ${NAME}`,
        ],
      }),
      ["127.0.1.1", "127.0.1.2", "127.0.1.3"],
    ),
  );
  describeWith(["haproxy"], "with the PROXY protocol in front of clear text", () =>
    knowsThem("proxied-plain", () => ({ url: `http://127.0.0.1:${ports["plain"]}`, curl: ["-H", "Host: gw.test"] }), [
      "127.0.2.1",
      "127.0.2.2",
      "127.0.2.3",
    ]),
  );
  describeWith(["haproxy"], "with X-Forwarded-For", () =>
    knowsThem("x-forwarded-for", () => ({ url: `http://127.0.0.1:${ports["xff"]}`, curl: [] }), [
      "127.0.3.1",
      "127.0.3.2",
      "127.0.3.3",
    ]),
  );
  describeWith(["haproxy"], "with Forwarded", () =>
    knowsThem("forwarded", () => ({ url: `http://127.0.0.1:${ports["forwarded"]}`, curl: [] }), [
      "127.0.4.1",
      "127.0.4.2",
      "127.0.4.3",
    ]),
  );
});

describeWith(["nginx", "curl"], "nginx", (nginx) => {
  const ports: Record<string, number> = {};
  beforeAll(async () => {
    for (const name of ["xff", "forwarded"]) ports[name] = await freePort();
    const server = (name: string, listener: string, header: string): string =>
      `server { listen 127.0.0.1:${ports[name]}; location / { proxy_pass ` +
      `http://127.0.0.1:${portOf(listener)}; ` +
      `proxy_http_version 1.1; proxy_set_header Connection ""; ` +
      "proxy_set_header " +
      "Host gw.test; " +
      `${header} } }`;
    const text =
      `worker_processes 1;\npid ${join(dir, "trusted.pid")};\nerror_log ` +
      `${join(dir, "error.log")};\nevents { ` +
      `worker_connections 64; }\nhttp { access_log off;\n` +
      ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((kind) => `${kind}_temp_path ${join(dir, kind)};`)
        .join(" ") +
      server("xff", "x-forwarded-for", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;") +
      server("forwarded", "forwarded", 'proxy_set_header Forwarded "for=$remote_addr";') +
      "}\n";
    programs.push(
      await startProgram(
        nginx!,
        ["-p", dir, "-c", await written(dir, "trusted.conf", text), "-g", "daemon off;"],
        ports["xff"]!,
      ),
    );
  });
  afterAll(stopAll);

  describeWith(["nginx"], "with X-Forwarded-For", () =>
    knowsThem("x-forwarded-for", () => ({ url: `http://127.0.0.1:${ports["xff"]}`, curl: [] }), [
      "127.0.5.1",
      "127.0.5.2",
      "127.0.5.3",
    ]),
  );
  describeWith(["nginx"], "with Forwarded", () =>
    knowsThem("forwarded", () => ({ url: `http://127.0.0.1:${ports["forwarded"]}`, curl: [] }), [
      "127.0.6.1",
      "127.0.6.2",
      "127.0.6.3",
    ]),
  );
});

it("a config file shows how", async () => {
  expect(await readFile(new URL("../../src/docs/operations/proxies.md", import.meta.url), "utf8")).toContain(
    "trusted_proxies",
  );
});
