import { X509Certificate, createPrivateKey } from "node:crypto";
import { chownSync, chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { check } from "../../../src/cli/check/check.ts";
import { formatConfig } from "../../../src/settings/format/format-config.ts";
import type { InitOptions } from "../../../src/cli/init/options.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { hashOfKey } from "../../../src/settings/files/api-key.ts";
import { inFolder, LEAST, run } from "./kit.ts";

const folder = inFolder();
const dir = (): string => join(folder(), "config");
const at = (path: string): string => join(dir(), path);
const text = (path: string): string => readFileSync(at(path), "utf8");
const init = (more: InitOptions = {}) => run({ ...LEAST, dir: dir(), ...more });

const everything = (path: string): string[] => readdirSync(path, { recursive: true, encoding: "utf8" }).toSorted();

const settings = async () => {
  const loaded = await loadSettings(at("ocsgw.yaml"), {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
};

describe("init without questions", () => {
  it("writes a config in mode: observe that check accepts without a warning", async () => {
    const { code } = await init();
    expect(code).toBe(0);
    let said = "";
    const stdout = { write: (part: string) => (said += part) };
    expect(await check({ config: at("ocsgw.yaml") }, { stdout, env: {} })).toBe(0);
    expect(formatConfig(text("ocsgw.yaml"), { isTenants: false })).toBe(text("ocsgw.yaml"));
    expect(said).toMatch(/^ok .*: 1 tenant, 1 client, 1 upstream \(4 lanes\);/);
    const { tenants, upstreams } = (await settings()).settings;
    expect(tenants[0]).toMatchObject({ name: "Alpha Tenant", dbid: 101, mode: "observe", records: "pre-dial" });
    expect(upstreams["ocs-main"]).toMatchObject({
      primary: "http://127.0.0.1:18080",
      callbacks: { bind: { host: "127.0.0.1", port: 8444 }, allow_from: ["127.0.0.0/8"] },
    });
  });

  it("prints one key for each client to stdout, and stores its hash alone", async () => {
    const { stdout, stderr } = await init({ tenant: ["A:1", "B:2"], client: ["one", "two:B", "two:1", "three:2"] });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["one", "two", "three"]);
    const keys = lines.map((line) => line.split(" ")[1]!);
    for (const key of keys) expect(text("keys.yaml")).toContain(hashOfKey(key));
    const written = everything(dir())
      .filter((path) => statSync(at(path)).isFile())
      .map(text);
    for (const key of keys) for (const each of [...written, stderr]) expect(each).not.toContain(key);
    const loaded = await settings();
    expect(loaded.settings.tenants.map(({ clients }) => Object.keys(clients))).toEqual([
      ["one", "two"],
      ["one", "two", "three"],
    ]);
  });

  it("lets nobody else read secrets", async () => {
    await init({ tls: "development" });
    const modes = everything(dir()).map((path) => [path, (statSync(at(path)).mode & 0o777).toString(8)]);
    expect(Object.fromEntries(modes)).toEqual({
      "keys.yaml": "600",
      "ocsgw.yaml": "644",
      secrets: "700",
      "secrets/checkpoint.pem": "600",
      "secrets/index.key": "600",
      tls: "700",
      "tls/ca.crt": "644",
      "tls/server.crt": "644",
      "tls/server.key": "600",
    });
    expect(statSync(dir()).mode & 0o777).toBe(0o700);
    expect(text("secrets/index.key")).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it("makes certificates for development that are valid for the gateway's names", async () => {
    await init({ tls: "development", bind: "127.0.0.2:8443", name: ["gw.example.internal"] });
    const [ca, own] = ["tls/ca.crt", "tls/server.crt"].map((path) => new X509Certificate(text(path)));
    expect(own!.checkIssued(ca!)).toBe(true);
    expect(own!.checkPrivateKey(createPrivateKey(text("tls/server.key")))).toBe(true);
    expect(own!.checkHost("gw.example.internal")).toBeDefined();
    for (const address of ["127.0.0.1", "127.0.0.2"]) expect(own!.checkIP(address)).toBe(address);
    expect((await settings()).settings.listeners[0]!.names).toEqual(["gw.example.internal"]);
  });

  it("keeps names of tenants as they are, whatever they would mean in YAML or to the config", async () => {
    const names = ["no", "*", "a: b # c", "${HOME}", '"quoted"', "0x1f", "- x", "Ä {ö}", "$${x}", "101"];
    await init({ tenant: names.map((name, index) => `${name}:${index + 1}`), records: "unscoped" });
    expect((await settings()).settings.tenants.map(({ name, dbid }) => [name, dbid])).toEqual(
      names.map((name, index) => [name, index + 1]),
    );
  });

  it("prints one JSON object with --json", async () => {
    const { stdout, stderr } = await init({ json: true });
    const said = JSON.parse(stdout) as { files: string[]; keys: { client: string; key: string }[]; next: string[] };
    expect(said.files).toContain(at("ocsgw.yaml"));
    expect(said.keys.map(({ client }) => client)).toEqual(["ors-main"]);
    expect(said.next).toHaveLength(3);
    expect(stderr).toBe("");
  });

  it.each<[string, InitOptions, string]>([
    ["no upstream", { upstream: undefined as never }, "--upstream is needed"],
    ["a path in the upstream", { upstream: "http://127.0.0.1:80/x" }, "--upstream: expected scheme://host:port"],
    ["credentials in the upstream", { upstream: "http://u:p@127.0.0.1:80" }, "--upstream: expected"],
    ["http over the network", { upstream: "http://10.0.0.5:80" }, "--allow-plaintext"],
    ["a malformed backup", { backup: "ocs2" }, "--backup: expected"],
    ["no tenant", { tenant: [] }, "--tenant is needed"],
    ["a tenant without a DBID", { tenant: ["Alpha"] }, '--tenant: expected NAME:DBID, for example "Alpha Tenant:101"'],
    ["a DBID of 0", { tenant: ["Alpha:0"] }, "--tenant: expected a DBID"],
    ["a tenant with blanks around its name", { tenant: [" Alpha:1"] }, "--tenant: expected a name"],
    ["two tenants of one DBID", { tenant: ["A:1", "B:1"] }, "--tenant: two tenants have the DBID 1"],
    ["two tenants of one name", { tenant: ["A:1", "A:2"] }, "--tenant: two tenants have the name A"],
    ["no client", { client: [] }, "--client is needed"],
    ["a malformed client", { client: ["a b"] }, "--client: expected a name of 1 to 64"],
    ["a client of no tenant", { client: ["a:Gamma"] }, 'a: unknown tenant "Gamma"; known: Alpha Tenant'],
    ["a tenant that may be two", { tenant: ["2:1", "B:2"], client: ["a:2"] }, "the name of one tenant and the DBID"],
    ["a malformed bind", { bind: "localhost" }, "--bind: expected an IP address and a port"],
    ["a network bind without TLS", { bind: "0.0.0.0:8443" }, "--tls is needed"],
    ["TLS files without names", { tls: "files" }, "--cert is needed"],
    ["a key without its certificate", { key: "k.pem" }, "--cert is needed"],
    ["a certificate for no TLS", { tls: "none", cert: "c.pem" }, "--cert and --key belong to --tls files"],
    ["a host name with a port", { name: ["gw:8443"] }, "--name: expected a host name"],
    ["OCS by name without its network", { upstream: "https://ocs1:8443" }, "--callbacks-from is needed"],
    ["a malformed network", { callbacksFrom: ["10.0.0.0/40"] }, "--callbacks-from: expected a network"],
    ["callbacks without pre-dial", { records: "dedicated", callbacks: "127.0.0.1:1" }, "belong to --records pre-dial"],
    ["a malformed origin", { origin: "a b" }, "--origin: expected a name without spaces"],
    ["a file that init does not write", { replace: ["/etc/passwd"] }, "--replace: init writes no file /etc/passwd"],
  ])("refuses %s, and writes nothing", async (_, options, why) => {
    const { code, stdout, stderr } = await init(options);
    expect([code, stdout, everything(folder())]).toEqual([2, "", []]);
    expect(stderr).toContain(why);
  });

  it.each<[string, InitOptions, string]>([
    ["a certificate that is missing", { cert: "no.crt", key: "no.key" }, "no.crt"],
    ["an upstream CA that is missing", { upstream: "https://127.0.0.1:1", upstreamCa: "no-ca.pem" }, "no-ca.pem"],
    ["one address for two listeners", { admin: "127.0.0.1:8443" }, "127.0.0.1:8443"],
    ["no TLS over the network", { bind: "0.0.0.0:8443", tls: "none" }, "tls: none"],
  ])("refuses %s with what check says, in the config that would have been", async (_, options, why) => {
    const { code, stdout, stderr } = await init(options);
    expect([code, stdout, everything(folder())]).toEqual([3, "", []]);
    expect(stderr).toContain("nothing was written, because the config would not be valid");
    expect(stderr).toContain(why);
    expect(stderr).toContain(`--> ${at("ocsgw.yaml")}:`);
    expect(stderr).not.toContain(".init-");
  });
});

describe("init in a directory with files", () => {
  it("overwrites none of them, and names each", async () => {
    await init();
    const before = everything(dir()).map((path) => [path, statSync(at(path)).mtimeMs]);
    const { code, stdout, stderr } = await init();
    expect([code, stdout]).toEqual([1, ""]);
    for (const path of ["ocsgw.yaml", "keys.yaml", "secrets/index.key", "secrets/checkpoint.pem"])
      expect(stderr).toContain(`--replace ${at(path)}`);
    expect(everything(dir()).map((path) => [path, statSync(at(path)).mtimeMs])).toEqual(before);
  });

  it("overwrites what --replace names, and still nothing else", async () => {
    await init();
    const key = text("secrets/index.key");
    const some = await init({ replace: [at("ocsgw.yaml"), at("keys.yaml")] });
    expect(some.code).toBe(1);
    expect(some.stderr).not.toContain("--replace " + at("ocsgw.yaml"));
    const all = ["ocsgw.yaml", "keys.yaml", "secrets/index.key", "secrets/checkpoint.pem"].map(at);
    const { code, stdout } = await init({ replace: all, client: ["other"] });
    expect(code).toBe(0);
    expect(text("secrets/index.key")).not.toBe(key);
    expect(text("keys.yaml")).toContain(hashOfKey(stdout.trimEnd().split(" ")[1]!));
    expect(text("keys.yaml")).not.toContain("ors-main");
  });

  it("leaves other files there alone", async () => {
    mkdirSync(at("secrets"), { recursive: true, mode: 0o755 });
    writeFileSync(at("secrets/other.key"), "theirs");
    writeFileSync(at("notes.txt"), "theirs");
    expect((await init()).code).toBe(0);
    expect([text("notes.txt"), text("secrets/other.key")]).toEqual(["theirs", "theirs"]);
    expect(statSync(at("secrets")).mode & 0o777).toBe(0o755);
  });

  it("refuses a file where a folder belongs", async () => {
    mkdirSync(dir());
    writeFileSync(at("tls"), "theirs");
    const { code, stdout, stderr } = await init({ tls: "development" });
    expect([code, stdout, everything(dir())]).toEqual([1, "", ["tls"]]);
    expect(stderr).toContain("nothing was written: ");
    expect(stderr).toContain(at("tls"));
  });

  it("makes missing folders above, and removes them when it fails", async () => {
    const deep = join(folder(), "a/b/config");
    expect((await init({ dir: deep, admin: "127.0.0.1:8443" })).code).toBe(3);
    expect(everything(folder())).toEqual([]);
    expect((await init({ dir: deep })).code).toBe(0);
    expect(everything(deep)).toContain("ocsgw.yaml");
  });

  it.skipIf(process.getuid?.() !== 0)("gives them to the owner of the directory, as root", async () => {
    mkdirSync(dir());
    chownSync(dir(), 12_345, 23_456);
    await init({ tls: "development" });
    for (const path of everything(dir())) {
      const { uid, gid } = statSync(at(path));
      expect([path, uid, gid]).toEqual([path, 12_345, 23_456]);
    }
  });

  it.skipIf(process.getuid?.() !== 0)("lets the group of root's directory read them, and nobody else", async () => {
    mkdirSync(dir());
    chownSync(dir(), 0, 23_456);
    chmodSync(dir(), 0o750);
    await init();
    const found = ["keys.yaml", "secrets", "secrets/index.key"].map((path) => {
      const { uid, gid, mode } = statSync(at(path));
      return [path, uid, gid, (mode & 0o777).toString(8)];
    });
    expect(found).toEqual([
      ["keys.yaml", 0, 23_456, "640"],
      ["secrets", 0, 23_456, "750"],
      ["secrets/index.key", 0, 23_456, "640"],
    ]);
  });
});
