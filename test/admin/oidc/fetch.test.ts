import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { connect, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testAuthority } from "../../kit/certificates.ts";

const authority = testAuthority("Test CA");
const { chainPem: cert, keyPem: key } = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });

let dir: string;
const ends: (() => void)[] = [];
let tunnels: (string | undefined)[];
const idp = createHttps({ cert, key }, (_, response) => response.end("from the provider"));
const proxy = createHttp().on("connect", ({ url }, socket) => {
  tunnels.push(url);
  const onward = connect((idp.address() as AddressInfo).port, "127.0.0.1", () => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    onward.pipe(socket).pipe(onward);
  });
  for (const each of [onward, socket]) each.on("error", () => undefined);
  ends.push(() => (onward.destroy(), socket.destroy()));
});

const listening = (server: Server): Promise<unknown> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
const at = (server: Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-fetch-"));
  await writeFile(join(dir, "ca.pem"), authority.certPem);
  await Promise.all([listening(idp), listening(proxy)]);
});
afterAll(async () => {
  for (const end of ends) end();
  for (const server of [idp, proxy]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(dir, { recursive: true });
});

/** In a process of its own: Node reads the variables of proxies at its start. */
const fetched = async (env: Readonly<Record<string, string>>, ca: "own" | "of node"): Promise<string> => {
  const module = new URL("../../../src/admin/oidc/fetch.ts", import.meta.url).href;
  const script =
    `import { readFileSync } from "node:fs"; import { createFetch } from ${JSON.stringify(module)};` +
    `const ca = ${ca === "own" ? `readFileSync(${JSON.stringify(join(dir, "ca.pem"))}, "utf8")` : "undefined"};` +
    `const reply = await createFetch(ca)("https://${at(idp)}/", { method: "GET", headers: {} });` +
    "process.stdout.write(await reply.text());";
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: process.env["PATH"], ...env },
  });
  return stdout;
};

describe("a request to the provider", () => {
  it.each<[what: string, ca: "own" | "of node", env: Record<string, string>, isProxied: boolean]>([
    ["uses no proxy unless Node is told to", "own", {}, false],
    ["uses the proxy of the environment with a CA of the config", "own", { NODE_USE_ENV_PROXY: "1" }, true],
    ["uses it with the CAs of Node", "of node", { NODE_USE_ENV_PROXY: "1" }, true],
    ["leaves out hosts of NO_PROXY", "own", { NODE_USE_ENV_PROXY: "1", NO_PROXY: "127.0.0.1" }, false],
  ])("%s", async (_, ca, env, isProxied) => {
    tunnels = [];
    const all = { HTTPS_PROXY: `http://${at(proxy)}`, NODE_EXTRA_CA_CERTS: join(dir, "ca.pem"), ...env };
    expect(await fetched(all, ca)).toBe("from the provider");
    expect(tunnels).toEqual(isProxied ? [at(idp)] : []);
  });
});
