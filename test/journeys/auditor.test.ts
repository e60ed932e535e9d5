/**
 * An auditor reads the journal, and neither the keys of clients, the private keys, nor the secret of the tokens. A
 * folder in a file's place cannot be read by root either.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { ocsgw, ocsgwWith } from "../kit/command.ts";
import { aConfigured, twoTenants } from "../kit/gateway.ts";
import { startGateway } from "../kit/gateway-process.ts";
import { patternOf } from "../kit/pattern.ts";

const SECRET = "an index key for tests only, of 32 and more";
const SECRETS = ["keys.yaml", "checkpoint.pem", "index.key", "tls.key"] as const;
let dir: string;
const config = (): string => join(dir, "ocsgw.yaml");
const command = (...args: string[]) => ocsgw("audit", ...args, "-c", config());

/** Changes the config file. */
const edit = async (change: (config: Record<string, Record<string, unknown>>) => void): Promise<void> => {
  const read = parse(await readFile(config(), "utf8")) as Record<string, Record<string, unknown>>;
  change(read);
  await writeFile(config(), stringify(read));
};

beforeEach(async () => {
  dir = await aConfigured(twoTenants("http://127.0.0.1:9"), ["alpha", "beta"], { "index.key": SECRET });
  await edit((read) => {
    read["audit"]!["index_key"] = "${file:index.key}";
  });
  const gateway = await startGateway(config());
  const request = {
    method: "POST",
    headers: { Authorization: `Basic ${btoa("alpha:nothing")}`, "Content-Type": "application/json" },
    body: "{}",
  };
  expect((await fetch(`http://127.0.0.1:${gateway.port}/phones/4155550100?req=DoNotCall`, request)).status).toBe(401);
  await expect
    .poll(() => readFile(join(dir, "audit/segments/000000000000.jsonl"), "utf8"), { timeout: 20_000 })
    .toContain('"kind":"refusal"');
  await gateway.end("SIGTERM");
  await edit((read) => {
    read["upstreams"] = {
      ocs: {
        ...(read["upstreams"]!["ocs"] as object),
        primary: "https://127.0.0.1:9",
        tls: { cert: "tls.key", key: "tls.key" },
      },
    };
  });
  for (const name of SECRETS) {
    await rm(join(dir, name), { force: true });
    await mkdir(join(dir, name));
  }
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("who may read nothing but the journal and the config", { timeout: 120_000 }, () => {
  it("cannot start a gateway", async () => {
    expect((await ocsgw("check", "-c", config())).code).toBe(3);
  });

  it.each([
    ["search", ["search"], 0, /refused/],
    ["dnc", ["dnc"], 0, /No open Do-Not-Call/],
    ["retention", ["retention"], 5, /^$/],
  ])("audit %s works", async (_what, args, code, says) => {
    const ran = await command(...args);
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([code, expect.stringMatching(says), expect.anything()]);
  });

  it("explain works", async () => {
    const [id] = /\b01[0-9A-Z]{24}\b/.exec((await command("search")).stdout)!;
    expect(await ocsgw("explain", id, "-c", config())).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("OCSGW-2001") as string,
    });
  });

  it("audit verify takes the key that was given, and without one cannot tell", async () => {
    const key = (await readFile(join(dir, "audit/checkpoint.pub"), "utf8")).trim();
    expect(await command("verify", "--key", key)).toMatchObject({ code: 0 });
    const none = await command("verify");
    expect([none.code, none.stderr]).toEqual([8, expect.stringContaining("checkpoint.pem cannot be read")]);
  });

  it("audit verify verifies all the rest where the anchor cannot be read, and then cannot tell", async () => {
    const key = (await readFile(join(dir, "audit/checkpoint.pub"), "utf8")).trim();
    await rm(join(dir, "audit.anchor"));
    await mkdir(join(dir, "audit.anchor"));
    const says =
      `the anchor, ${join(dir, "audit.anchor")}, cannot be read (it is a directory), so the journal was not ` +
      "compared with it";
    expect(await command("verify", "--key", key)).toMatchObject({
      code: 8,
      stdout: expect.stringMatching(
        new RegExp(`match the lines.*CANNOT TELL  ${says.replaceAll(/[()]/g, "\\$&")}`, "s"),
      ) as string,
    });
    const segment = join(dir, "audit/segments/000000000000.jsonl");
    await writeFile(segment, (await readFile(segment, "utf8")).replace('"index":1', '"index":7'));
    expect(await command("verify", "--key", key)).toMatchObject({
      code: 7,
      stdout: expect.stringContaining("BROKEN") as string,
    });
  });

  it("audit verify without the time stamping certificates cannot tell, and verifies all the rest", async () => {
    const key = (await readFile(join(dir, "audit/checkpoint.pub"), "utf8")).trim();
    await edit((read) => {
      read["audit"]!["checkpoint"] = {
        ...(read["audit"]!["checkpoint"] as object),
        timestamp: { url: "http://127.0.0.1:9", ca: "tls.key" },
      };
    });
    expect(await command("verify", "--key", key)).toMatchObject({
      code: 8,
      stdout: expect.stringMatching(
        patternOf(
          /match the lines.*CANNOT TELL {2}the certificates of the time stamping authority, /,
          /.*tls\.key, cannot be read \(it is a directory\)/s,
        ),
      ) as string,
    });
  });

  it.each([
    ["audit search", ["search", "--phone-stdin"]],
    ["audit export", ["export", "--phone-stdin", "--as", "csv", "--out", "f.csv"]],
    ["audit case", ["case", "--phone-stdin", "--out", "f.zip"]],
  ])("%s of a number says that it needs the secret", async (_what, args) => {
    const ran = await ocsgwWith(
      "4155550100\n",
      "audit",
      ...args.map((arg) => (arg.startsWith("f.") ? join(dir, arg) : arg)),
      "--purpose",
      "case 7",
      "-c",
      config(),
    );
    expect([ran.code, ran.stderr]).toEqual([
      8,
      expect.stringContaining(
        "cannot search by number or customer id: audit.index_key: cannot read the file index.key that ${file:…} " +
          "names: it is a directory",
      ),
    ]);
  });

  it("sees what is wrong with the config itself, and with no file that it names", async () => {
    await edit((read) => {
      read["audit"]!["dirr"] = "x";
    });
    const ran = await command("search");
    expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining("unknown key `dirr`")]);
    expect(ran.stderr).not.toMatch(/keys\.yaml|checkpoint\.pem|index\.key: |tls\.key/);
  });
});
