import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { originOf, readSettings, type Loaded } from "../../../../src/settings/load.ts";
import { mutated, placeOf } from "../../kit.ts";

const directory = await mkdtemp(join(tmpdir(), "ocsgw-users-"));
afterAll(() => rm(directory, { recursive: true }));

const HASH = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const userOf = (more = ""): string =>
  "version: 1\nadmins:\n  - name: alice\n" +
  `    role: viewer\n    created: 2026-01-01T00:00:00Z\n    hash: ${HASH}\n${more}`;
const file = join(directory, "admins.yaml");
const CONFIG = mutated([
  "admin: { bind: 127.0.0.1:9640 }",
  "admin: { bind: 127.0.0.1:9640, users: { file: admins.yaml } }",
]);

const load = async (users: string | undefined, config = CONFIG): Promise<Loaded> => {
  await rm(file, { force: true });
  if (users !== undefined) await writeFile(file, users, { mode: 0o600 });
  await writeFile(join(directory, "keys.yaml"), "version: 1\nkeys: []\n");
  return readSettings(config, { ...originOf(join(directory, "ocsgw.yaml"), {}), isContainer: false });
};
const problemsOf = (loaded: Loaded) =>
  (loaded.ok ? loaded.warnings : loaded.problems)
    .filter(({ code }) => code !== "OCSGW-6305")
    .map(({ code, severity, message, line, column }) => ({ code, severity, message, line, column }));

describe("the file of the console's users", () => {
  it("is read with the config, and is one of its files", async () => {
    const loaded = await load(userOf("    tenants: [Alpha Tenant, 102]\n"));
    expect(problemsOf(loaded)).toEqual([]);
    expect(loaded).toMatchObject({ ok: true, admins: [{ name: "alice", tenants: ["Alpha Tenant", "102"] }] });
    expect([...loaded.files.keys()]).toContain(file);
  });

  it("may be missing, and then nobody can log in", async () => {
    const loaded = await load(undefined);
    expect(loaded).toMatchObject({ ok: true, admins: undefined });
    expect(problemsOf(loaded)).toEqual([
      {
        code: "OCSGW-6326",
        severity: "warning",
        message:
          "no user can log in to the console, because the file of its users admins.yaml cannot be read: " +
          "there is no such file",
        ...placeOf(CONFIG, "admins.yaml", 1),
      },
    ]);
  });

  it("may have nobody who can log in, with a warning", async () => {
    for (const users of ["version: 1\nadmins: []\n", userOf("    disabled: true\n")])
      expect(problemsOf(await load(users))).toMatchObject([{ code: "OCSGW-6327", severity: "warning" }]);
  });

  it("may be missing or empty without a warning where users of an OpenID provider can log in", async () => {
    const config = CONFIG.replace(
      "9640, users: { file: admins.yaml }",
      '9640, users: { file: admins.yaml }, oidc: { issuer: "https://sso.example", client_id: us, claims: { role: roles } }',
    );
    for (const users of [undefined, "version: 1\nadmins: []\n"])
      expect(problemsOf(await load(users, config))).toEqual([]);
  });

  it("must be valid: a problem names its place in the file, and the setting", async () => {
    expect(problemsOf(await load(userOf("    tenants: [Gamma Tenant]\n")))).toEqual([
      {
        code: "OCSGW-6257",
        severity: "error",
        message: 'admins.yaml:7:15: unknown tenant "Gamma Tenant"',
        ...placeOf(CONFIG, "admins.yaml", 1),
      },
    ]);
    expect(problemsOf(await load(userOf().replace("viewer", "owner")))).toMatchObject([
      { code: "OCSGW-6257", message: 'admins.yaml:4:11: expected viewer, operator or auditor, found "owner"' },
    ]);
  });

  it("is not checked against tenants that cannot be read", async () => {
    const loaded = await load(userOf("    tenants: [Gamma Tenant]\n"), CONFIG.replace("dbid: 101", "dbid: x"));
    expect(problemsOf(loaded).map(({ code }) => code)).toEqual(["OCSGW-6103"]);
  });

  it("with cheap hashes is accepted, with a warning", async () => {
    expect(problemsOf(await load(userOf().replace("m=65536", "m=1024")))).toMatchObject([
      { code: "OCSGW-6325", severity: "warning", message: expect.stringMatching(/^admins.yaml:6:11: /) as string },
    ]);
  });

  it.runIf(process.platform !== "win32")("must be readable by the gateway alone", async () => {
    await load(userOf());
    await chmod(file, 0o644);
    const again = (isContainer: boolean) =>
      problemsOf(readSettings(CONFIG, { ...originOf(join(directory, "ocsgw.yaml"), {}), isContainer }));
    expect(again(false)).toMatchObject([
      {
        code: "OCSGW-6266",
        severity: "error",
        message: "other users can read or change the password hashes in admins.yaml: its mode is 0644",
      },
    ]);
    expect(again(true)).toMatchObject([{ code: "OCSGW-6340", severity: "warning" }]);
  });

  it("must still end with its marker once it has", async () => {
    const [whole, cut] = [userOf("end: true\n"), userOf()];
    const { ended } = await load(whole);
    expect([...ended]).toEqual([file]);
    await load(cut);
    const again = readSettings(CONFIG, originOf(join(directory, "ocsgw.yaml"), {}), { files: true, ended });
    expect(problemsOf(again).map(({ code }) => code)).toEqual(["OCSGW-6351"]);
  });
});
