/** Commands by root, and by users of all kinds, beside a service of another user: whose are the files afterwards? */
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { twoTenants } from "../kit/gateway.ts";
import { describeAllowed } from "../kit/machine.ts";
import { canBeOthers, NEEDED, others, type Others } from "../kit/other-user.ts";
import { patternOf } from "../kit/pattern.ts";

const SERVICE = 12_345;

describeAllowed(canBeOthers(), NEEDED, "beside a service of another user", () => {
  const as: Others = others();
  afterAll(() => as.end());
  let dir: string;
  const at = (name: string): string => join(dir, name);
  const config = (): string => at("etc/ocsgw.yaml");

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "ocsgw-owner-"));
    chmodSync(dir, 0o755);
    for (const name of ["etc", "state"]) mkdirSync(at(name));
    const base = twoTenants("http://127.0.0.1:9");
    Object.assign(base.upstreams["ocs"] as object, { callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] } });
    for (const tenant of base.tenants) Object.assign(tenant as object, { records: "pre-dial" });
    writeFileSync(
      config(),
      stringify(
        {
          ...base,
          identity: { keys: { file: "keys.yaml" } },
          admin: { bind: "127.0.0.1:0" },
          audit: {
            ...(base["audit"] as object),
            dir: "../state/audit",
            checkpoint: { key: "../state/checkpoint.pem", origin: "test.example/journal" },
          },
        },
        { aliasDuplicateObjects: false },
      ),
    );
    writeFileSync(
      at("etc/keys.yaml"),
      `version: 1\nkeys:\n  - { id: old, client: beta, hash: "sha256:${"0".repeat(64)}", created: ` +
        `2026-01-01T00:00:00Z }\n`,
      { mode: 0o640 },
    );
    chmodSync(at("etc"), 0o750);
    for (const name of ["etc", "etc/ocsgw.yaml", "etc/keys.yaml"]) chownSync(at(name), 0, SERVICE);
    chmodSync(config(), 0o640);
    chmodSync(at("state"), 0o700);
    chownSync(at("state"), SERVICE, SERVICE);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** By name: owner, group and mode. */
  const files = (): Map<string, string> =>
    new Map(
      readdirSync(dir, { recursive: true, withFileTypes: true }).map((each) => {
        const path = join(each.parentPath, each.name);
        const { uid, gid, mode } = statSync(path);
        return [relative(dir, path), `${uid}:${gid} ${(mode & 0o777).toString(8)}`];
      }),
    );
  const strangers = (): string[] =>
    [...files()]
      .filter(([name, is]) => name.startsWith("state/") && !is.startsWith(`${SERVICE}:${SERVICE} `))
      .map(([name, is]) => `${name} ${is}`);

  /** Runs the gateway until it is ready, and ends it. */
  const serve = async (
    uid: number,
    meanwhile: () => Promise<void> = () => Promise.resolve(),
    tell: (log: string) => void = () => undefined,
  ): Promise<void> => {
    const gateway = as.start(uid, ["run", "-c", config()]);
    let log = "";
    gateway.stderr!.on("data", (part: Buffer) => (log += part.toString()));
    const gone = once(gateway, "exit");
    while (!log.includes('"listener":"clients"') && gateway.exitCode === null)
      await Promise.race([once(gateway.stderr!, "data"), gone]);
    if (gateway.exitCode !== null) throw new Error(`the gateway did not start: ${log}`);
    await meanwhile();
    gateway.kill("SIGTERM");
    expect(await gone).toEqual([0, null]);
    tell(log);
  };

  const COMMANDS: readonly (readonly [what: string, args: readonly string[], code: number])[] = [
    ["check", ["check"], 0],
    ["keys list", ["keys", "list"], 0],
    ["keys create", ["keys", "create", "--client", "alpha"], 0],
    ["keys revoke", ["keys", "revoke", "old"], 0],
    ["revoke", ["revoke", "--client", "alpha"], 0],
    ["revoke --lift", ["revoke", "--client", "alpha", "--lift"], 0],
    ["revoke --list", ["revoke", "--list"], 0],
    ["audit search", ["audit", "search", "kind:start"], 0],
    ["audit dnc", ["audit", "dnc"], 0],
    ["audit export", ["audit", "export", "--as", "ndjson", "--out", "-"], 0],
    ["audit verify", ["audit", "verify"], 0],
    ["simulate", ["simulate"], 0],
  ];

  it("a service of a user without a name starts, and everything is that user's", async () => {
    await serve(SERVICE);
    expect(strangers()).toEqual([]);
  });

  const SPOILT: readonly (readonly [what: string, name: string, spoil: (path: string) => void])[] = [
    ["a lock of root's", "lock/writer", (path) => chownSync(path, 0, 0)],
    ["the newest segment, of another user", "segments/000000000000.jsonl", (path) => chownSync(path, 4321, 4321)],
    ["a folder of checkpoints that only root may enter", "checkpoints", (path) => chownSync(path, 0, 0)],
    ["a store of record handles that cannot be written", "ownership.sqlite", (path) => chmodSync(path, 0o400)],
    ["revocations of root's", "revocations.jsonl", (path) => chownSync(path, 0, 0)],
  ];
  it("check finds what run could not write to, for its own user and for another", { timeout: 120_000 }, async () => {
    await serve(SERVICE);
    writeFileSync(at("state/audit/revocations.jsonl"), "", { mode: 0o600 });
    chownSync(at("state/audit/revocations.jsonl"), SERVICE, SERVICE);
    expect((await as.run(SERVICE, ["check", "-c", config()])).code).toBe(0);
    for (const [what, name, spoil] of SPOILT) {
      const path = at(`state/audit/${name}`);
      const { mode } = statSync(path);
      spoil(path);
      const own = await as.run(SERVICE, ["check", "-c", config()]);
      expect([what, own.code, own.stdout]).toEqual([
        what,
        3,
        expect.stringContaining(
          `OCSGW-6342]: the gateway cannot read and write these paths of the journal: ${path} ` +
            `(not permitted for uid ${SERVICE})`,
        ),
      ]);
      const roots = await as.run(0, ["check", "-c", config()]);
      expect([what, roots.code, roots.stdout]).toEqual([
        what,
        0,
        expect.stringMatching(
          new RegExp(
            `OCSGW-6343.*uid ${SERVICE}, the owner of .*, cannot read and write these paths of the journal: ` +
              `${path} \\(it belongs to \\d+:\\d+, mode 0\\d+\\)`,
          ),
        ),
      ]);
      chownSync(path, SERVICE, SERVICE);
      chmodSync(path, mode & 0o777);
    }
  });

  it("a user without read access learns that, and not that there is no journal", async () => {
    mkdirSync(at("state/audit"));
    chmodSync(at("etc"), 0o755);
    chmodSync(config(), 0o644);
    for (const command of [
      ["audit", "search", "kind:start"],
      ["audit", "dnc"],
      ["explain", "01ABCDEFGH"],
    ]) {
      expect([command, await as.run(999, [...command, "-c", config()])]).toEqual([
        command,
        expect.objectContaining({
          code: 8,
          stderr: expect.stringContaining(`cannot look at ${at("state/audit")}: not permitted for uid 999`) as string,
        }),
      ]);
    }
  });

  it("the key that signs is announced at the first start, and missed at a later one", async () => {
    let log = "";
    await serve(
      SERVICE,
      () => Promise.resolve(),
      (text) => (log = text),
    );
    expect(log).toMatch(
      patternOf(
        /"event":"checkpointKeyCreated","file":"[^"]*checkpoint\.pem",/,
        /"verifier_key":"test\.example\/journal\+[^"]+",/,
        /"msg":"The gateway created the key that signs the journal/,
      ),
    );
    rmSync(at("state/checkpoint.pem"));
    expect(await as.run(SERVICE, ["run", "-c", config()])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /OCSGW-6341.*checkpoint\.pem is missing, but the journal in .* is signed with it/,
      ) as string,
    });
    expect(await as.run(SERVICE, ["revoke", "--client", "alpha", "-c", config()])).toMatchObject({
      stderr: expect.stringContaining("is missing, and it is not replaced automatically") as string,
    });
    expect(files().has("state/checkpoint.pem")).toBe(false);
  });

  it(
    "root's commands leave every file to the service, while it runs and while it does not",
    { timeout: 240_000 },
    async () => {
      const all = async (commands = COMMANDS): Promise<void> => {
        for (const [what, args, code] of commands) {
          const before = files();
          const ran = await as.run(0, [...args, "-c", config()]);
          expect([what, ran.code], ran.stderr).toEqual([what, code]);
          expect([what, strangers()]).toEqual([what, []]);
          const changed = [...files()].filter(([name, is]) => before.has(name) && before.get(name) !== is);
          expect([what, changed]).toEqual([what, []]);
        }
      };
      // What makes the journal, where there is none.
      await all(COMMANDS.filter(([what]) => what === "revoke"));
      await serve(SERVICE, () => all());
      await all();
      await serve(SERVICE);
    },
  );

  it.each<[string, () => void, string]>([
    ["as its directory is, of the service", () => chownSync(at("etc"), SERVICE, SERVICE), `${SERVICE}:${SERVICE} 600`],
    ["for the group of root's directory", () => undefined, `0:${SERVICE} 640`],
    [
      "for the service's group, where the directory is root's alone",
      () => {
        chownSync(at("etc"), 0, 0);
        chmodSync(at("etc"), 0o755);
        chownSync(config(), SERVICE, SERVICE);
        mkdirSync(at("state/audit"));
        chownSync(at("state/audit"), SERVICE, SERVICE);
      },
      `0:${SERVICE} 640`,
    ],
  ])("a new keys file of root's is %s", async (_what, arrange, is) => {
    rmSync(at("etc/keys.yaml"));
    arrange();
    const ran = await as.run(0, ["keys", "create", "--client", "alpha", "-c", config()]);
    expect(ran.code, ran.stderr).toBe(0);
    expect(files().get("etc/keys.yaml")).toBe(is);
    expect((await as.run(SERVICE, ["keys", "list", "-c", config()])).stdout).toContain("alpha");
  });

  it("another user's keys file is not replaced by one that its owner could not read", async () => {
    chownSync(at("etc"), SERVICE, SERVICE);
    chmodSync(at("etc"), 0o755);
    chmodSync(at("etc/keys.yaml"), 0o644);
    const before = files().get("etc/keys.yaml");
    const ran = await as.run(SERVICE, ["keys", "create", "--client", "alpha", "-c", config()]);
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringMatching(
        patternOf(
          /^the printed key is not valid, because it could not be stored: /,
          /.*keys\.yaml belongs to uid 0 and gid 12345, which this command cannot keep /,
          /\(not permitted for uid 12345\); run it as that user, or as root$/m,
        ),
      ),
    ]);
    expect(files().get("etc/keys.yaml")).toBe(before);
    expect(readdirSync(at("etc")).toSorted()).toEqual(["keys.yaml", "ocsgw.yaml"]);
  });

  it("root's run leaves what the service can go on with", { timeout: 60_000 }, async () => {
    await serve(0);
    expect(strangers()).toEqual([]);
    await serve(SERVICE);
    await serve(0);
    expect(strangers()).toEqual([]);
  });
});
