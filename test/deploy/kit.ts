/** The files of deploy/ as they stand, but for the addresses and paths that a test must choose. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { run } from "../kit/command.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

export const deploy = new URL("../../deploy/", import.meta.url).pathname;

/** The name that the examples give the gateway. */
export const NAME = "ocs-gw.example.internal";

/** A file of deploy/ with each literal replaced; one that does not stand in it is an error. */
export const adapted = async (file: string, replaced: Readonly<Record<string, string>>): Promise<string> => {
  let text = await readFile(join(deploy, file), "utf8");
  for (const [literal, value] of Object.entries(replaced)) {
    if (!text.includes(literal)) throw new Error(`${file} has no ${literal}`);
    text = text.replaceAll(literal, value);
  }
  return text;
};

/** Certificates by the script of deploy/, in a folder of their own. */
export const certificates = async (...args: readonly string[]): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-tls-"));
  const { code, stderr } = await run("sh", [join(deploy, "dev-certificates.sh"), "-d", dir, ...args]);
  if (code !== 0) throw new Error(stderr);
  return dir;
};

/** A relay that counts connections: what stands in front of the gateway connects here. */
export type Relay = { readonly port: number; readonly connections: () => number; readonly close: () => Promise<void> };

export const countingRelay = async (to: number): Promise<Relay> => {
  const open = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    count++;
    const onward = connect(to, "127.0.0.1");
    for (const each of [socket, onward])
      open.add(each.on("error", () => undefined).once("close", () => (socket.destroy(), onward.destroy())));
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, connections: () => count, close };
};

/** A gateway with a TLS and a plain listener, in front of a raw OCS, with certificates by the script. */
export type Site = {
  readonly tls: string;
  readonly ocs: RawOcs;
  readonly gateway: TestGateway;
  readonly secure: Relay;
  readonly plain: Relay;
  readonly close: () => Promise<void>;
};

export const aSite = async (): Promise<Site> => {
  const tls = await certificates(NAME);
  const ocs = await rawOcs();
  const base = twoTenants(ocs.url);
  const bind = "127.0.0.1:0";
  const gateway = await aGateway({
    ...base,
    listeners: [
      { name: "secure", bind, tls: { cert: join(tls, "server.crt"), key: join(tls, "server.key") } },
      { name: "plain", bind, tls: "none" },
    ],
    upstreams: { ocs: { primary: ocs.url, aliases: ["ocs.example.internal:8080"] } },
  });
  const [secure, plain] = await Promise.all(
    gateway.gateway.listeners.map(({ url }) => countingRelay(Number(new URL(url).port))),
  );
  const close = async (): Promise<void> => {
    await Promise.all([secure!.close(), plain!.close()]);
    await gateway.stop();
    await ocs.close();
    await rm(tls, { recursive: true, force: true });
  };
  return { tls, ocs, gateway, secure: secure!, plain: plain!, close };
};

export type Answer = {
  readonly version: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
};

/** curl, once per set of arguments on the same connection. */
export const curl = async (
  common: readonly string[],
  ...requests: readonly (readonly string[])[]
): Promise<Answer[]> => {
  const args = requests.flatMap((each, at) => [
    ...(at > 0 ? ["--next"] : []),
    "-sS",
    "-o",
    "/dev/null",
    "-D",
    "-",
    "--max-time",
    "20",
    ...common,
    ...each,
  ]);
  const { stdout, stderr } = await run("curl", args, { env: { no_proxy: "", NO_PROXY: "", http_proxy: "" } });
  const answers = stdout
    .split(/\r?\n\r?\n/)
    .filter((head) => head.startsWith("HTTP/"))
    .map(answerOf);
  if (answers.length < requests.length) throw new Error(`${stdout}${stderr}`);
  return answers;
};

const answerOf = (head: string): Answer => {
  const [line = "", ...lines] = head.split(/\r?\n/);
  const [version = "", status] = line.split(" ");
  return {
    version,
    status: Number(status),
    headers: Object.fromEntries(
      lines.map((each) => [each.slice(0, each.indexOf(":")).toLowerCase(), each.slice(each.indexOf(":") + 1).trim()]),
    ),
  };
};

export const credential = (client: string): readonly string[] => ["-H", `Authorization: ${basic(client)}`];

export const written = async (dir: string, name: string, text: string): Promise<string> => {
  await writeFile(join(dir, name), text);
  return join(dir, name);
};
