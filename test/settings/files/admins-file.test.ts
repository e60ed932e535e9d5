import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addAdmin, changeAdmin, isUserName, readAdmins } from "../../../src/settings/files/admins-file.ts";
import { FileEditError } from "../../../src/settings/files/edit-file.ts";

/** Of "password" with the salt "somesalt", from the tests of the reference implementation. */
const HASH = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const CREATED = Date.parse("2026-11-22T12:00:00Z");
const TENANTS = [
  { name: "Alpha Tenant", dbid: 101 },
  { name: "Beta Tenant", dbid: 102 },
];

const fileOf = (...lines: readonly string[]): string =>
  [
    "version: 1",
    "admins:",
    "  - name: alice",
    "    role: operator",
    `    hash: ${HASH}`,
    "    created: 2026-11-22T12:00:00Z",
    ...lines,
  ]
    .map((line) => `${line}\n`)
    .join("");

describe("the file of the console's users", () => {
  it("holds names, roles, tenants and hashes", () => {
    const text = fileOf(
      "  - name: bob@example.com",
      "    role: [auditor, viewer]",
      "    tenants: [Alpha Tenant, 102]",
      `    hash: ${HASH}`,
      "    disabled: true",
      "    created: 2026-11-22T12:00:00Z",
      "end: true",
    );
    expect(readAdmins(text, "admins.yaml", TENANTS)).toEqual({
      ok: true,
      isEnded: true,
      warnings: [],
      admins: [
        { name: "alice", roles: ["operator"], tenants: null, hash: HASH, disabled: null, created: CREATED },
        {
          name: "bob@example.com",
          roles: ["viewer", "auditor"],
          tenants: ["Alpha Tenant", "102"],
          hash: HASH,
          disabled: true,
          created: CREATED,
        },
      ],
    });
  });

  type Row = readonly [why: string, from: string, to: string, code: string, at: string, message: RegExp];
  it.each<Row>([
    [
      "an unknown role",
      "operator",
      "admin",
      "OCSGW-6103",
      "4:11",
      /expected viewer, operator or auditor, found "admin"/,
    ],
    ["no role", "operator", "[]", "OCSGW-6103", "4:11", /expected viewer, operator or auditor/],
    ["an unknown key", "    role", "    rule: x\n    role", "OCSGW-6101", "4:5", /unknown key `rule`/],
    ["a missing hash", `    hash: ${HASH}\n`, "", "OCSGW-6102", "3:5", /hash/],
    [
      "a password in place of the hash",
      HASH,
      "correct horse battery",
      "OCSGW-6103",
      "5:11",
      /expected an argon2id hash/,
    ],
    ["a hash that would take 4 GiB", "m=65536", "m=4194304", "OCSGW-6103", "5:11", /expected an argon2id hash/],
    ["a hash that would take minutes", "t=2", "t=99", "OCSGW-6103", "5:11", /expected an argon2id hash/],
    ["a hash of another kind", "$argon2id$", "$argon2i$", "OCSGW-6103", "5:11", /expected an argon2id hash/],
    ["a name like a phone number", "alice", '"4155550100"', "OCSGW-6103", "3:11", /is no phone number/],
    ["a name with a blank", "alice", "alice smith", "OCSGW-6103", "3:11", /expected a name/],
    ["a list of no tenants", "    hash", "    tenants: []\n    hash", "OCSGW-6103", "5:14", /at least one tenant/],
    ["an unknown tenant", "    hash", "    tenants: [Alfa Tenant]\n    hash", "OCSGW-6255", "5:15", /"Alfa Tenant"/],
    ["a text for disabled", "    hash", "    disabled: yes\n    hash", "OCSGW-6103", "5:15", /true or false/],
    ["the end before the users", "version: 1", "end: true\nversion: 1", "OCSGW-6350", "1:1", /last key/],
    ["another version", "version: 1", "version: 2", "OCSGW-6103", "1:10", /found 2/],
  ])("is refused with %s", (_, from, to, code, at, message) => {
    const read = readAdmins(
      fileOf().replace(from, () => to),
      "admins.yaml",
      TENANTS,
    );
    if (read.ok) throw new Error("it was accepted");
    const places = read.problems.map((problem) => ({ code: problem.code, at: `${problem.line}:${problem.column}` }));
    expect(places).toContainEqual({ code, at });
    expect(read.problems.map((problem) => problem.message).join("\n")).toMatch(message);
    expect(JSON.stringify(read.problems), "a hash or a password is never shown").not.toMatch(/CTFhFd|horse/);
  });

  it("suggests the tenant that was meant", () => {
    const read = readAdmins(fileOf().replace("    hash", "    tenants: [Alfa Tenant]\n    hash"), "a", TENANTS);
    expect(read).toMatchObject({ problems: [{ help: "did you mean `Alpha Tenant`?" }] });
  });

  it("is refused with two names that differ only in case", () => {
    const again = ["  - name: Alice", "    role: viewer", `    hash: ${HASH}`, "    created: 2026-11-22T12:00:00Z"];
    expect(readAdmins(fileOf(...again), "admins.yaml")).toMatchObject({
      ok: false,
      problems: [{ code: "OCSGW-6254", line: 7, column: 11, also: { line: 3 } }],
    });
  });

  it("is refused if a user would see a tenant of another OCS that has the same DBID", () => {
    const tenants = [...TENANTS, { name: "Gamma Tenant", dbid: 101 }];
    const limited = (list: string): string => fileOf().replace("    hash", `    tenants: ${list}\n    hash`);
    for (const list of ["[Alpha Tenant]", "[Gamma Tenant]"])
      expect(readAdmins(limited(list), "a", tenants), list).toMatchObject({ problems: [{ code: "OCSGW-6256" }] });
    for (const list of ["[Beta Tenant]", "[Alpha Tenant, Gamma Tenant]", "[101]"])
      expect(readAdmins(limited(list), "a", tenants), list).toMatchObject({ ok: true });
  });

  it("does not check tenants while the config's are not all known", () => {
    const text = fileOf().replace("    hash", "    tenants: [Alfa Tenant]\n    hash");
    expect(readAdmins(text, "admins.yaml")).toMatchObject({ ok: true });
  });

  it("is accepted with a hash of weak parameters, with a warning", () => {
    const text = fileOf().replace("m=65536", "m=4096");
    expect(readAdmins(text, "admins.yaml")).toMatchObject({
      ok: true,
      warnings: [{ code: "OCSGW-6325", severity: "warning", line: 5, column: 11 }],
    });
  });
});

describe("a user's name", () => {
  it.each(["alice", "A.Smith", "bob@example.com", "ops-1", "7m3k", "12345678"])("may be %s", (name) =>
    expect(isUserName(name)).toBe(true),
  );
  it.each(["", ".a", "-rf", "a b", "a\0", "a\n", "ä", "a/b", "x".repeat(65), "4155550100", "one-time link", "<b>"])(
    "may not be %j",
    (name) => expect(isUserName(name)).toBe(false),
  );
});

describe("a change of the file", () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "ocsgw-admins-"));
    file = join(directory, "admins.yaml");
  });
  afterEach(() => rm(directory, { recursive: true }));

  const alice = { name: "alice", roles: ["operator"], tenants: null, hash: HASH, created: CREATED } as const;
  const stored = async () => {
    const read = readAdmins(await readFile(file, "utf8"), file);
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return read.admins;
  };

  it("makes the file, readable by its owner alone, and appends users", async () => {
    await addAdmin(file, alice);
    await addAdmin(file, { ...alice, name: "bob", roles: ["viewer", "auditor"], tenants: ["Alpha Tenant", "102"] });
    expect(await stored()).toEqual([
      { ...alice, disabled: null },
      { ...alice, name: "bob", roles: ["viewer", "auditor"], tenants: ["Alpha Tenant", "102"], disabled: null },
    ]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory), "neither the lock nor a temporary file is left").toEqual(["admins.yaml"]);
  });

  it("refuses a name that is taken, in any case", async () => {
    await addAdmin(file, alice);
    await expect(addAdmin(file, { ...alice, name: "ALICE" })).rejects.toThrow(
      new FileEditError(`${file} has a user alice already`),
    );
    expect(await stored()).toHaveLength(1);
  });

  it("disables, enables and changes the password, and keeps comments, mode and all else", async () => {
    const text =
      `# reviewed each quarter\n${fileOf()}  # contractors\n` +
      `  - { name: bob, role: viewer, hash: "${HASH}", created: 2026-11-22T12:00:00Z } # until May\nend: true\n`;
    await writeFile(file, text);
    await chmod(file, 0o640);
    expect(await changeAdmin(file, "BOB", { disabled: true })).toMatchObject({ name: "bob", disabled: null });
    expect(await readFile(file, "utf8")).toBe(text.replace("00Z } #", "00Z, disabled: true } #"));
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await changeAdmin(file, "bob", { disabled: false })).toMatchObject({ disabled: true });
    expect(await readFile(file, "utf8")).toBe(text);
    const other = HASH.replace("CTFh", "DTFh");
    await changeAdmin(file, "alice", { hash: other });
    expect(await readFile(file, "utf8")).toBe(text.replace(HASH, () => other));
  });

  it("names the nearest user if the name is unknown, and changes nothing", async () => {
    await addAdmin(file, alice);
    const before = await readFile(file, "utf8");
    await expect(changeAdmin(file, "alcie", { disabled: true })).rejects.toThrow(/no user alcie; did you mean alice\?/);
    expect(await readFile(file, "utf8")).toBe(before);
  });

  it("leaves an invalid file as it is, and says where", async () => {
    await writeFile(file, fileOf().replace("operator", "root"));
    await expect(addAdmin(file, { ...alice, name: "bob" })).rejects.toMatchObject({
      problems: [{ file, line: 4, column: 11 }],
    });
    expect(await readFile(file, "utf8")).toContain("root");
  });

  it("is refused while another command changes the file, and loses no user of several commands", async () => {
    const names = Array.from({ length: 6 }, (_, at) => `user-${at}`);
    const outcomes = await Promise.allSettled(names.map((name) => addAdmin(file, { ...alice, name })));
    const added = names.filter((_, at) => outcomes[at]!.status === "fulfilled");
    expect(added.length).toBeGreaterThan(0);
    expect((await stored()).map(({ name }) => name).toSorted()).toEqual(added);
    for (const outcome of outcomes)
      if (outcome.status === "rejected") expect(String(outcome.reason)).toMatch(/another command is changing/);
  });
});
