import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  adminsCreate,
  adminsDisable,
  adminsEnable,
  adminsList,
  adminsPassword,
  type AdminsHost,
  type CreateOptions,
} from "../../../src/cli/admins/admins.ts";
import { matchesArgon2id, parseArgon2id } from "../../../src/common/argon2id.ts";
import { mutated, SAMPLE } from "../../settings/kit.ts";

const PASSWORD = "three yellow ducks";
const CONFIG = mutated([
  "admin: { bind: 127.0.0.1:9640 }",
  "admin: { bind: 127.0.0.1:9640, users: { file: admins.yaml } }",
]);

let directory: string;
let config: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ocsgw-cli-admins-"));
  config = join(directory, "ocsgw.yaml");
  file = join(directory, "admins.yaml");
  await writeFile(config, CONFIG);
});
afterEach(() => rm(directory, { recursive: true }));

type Done = { readonly exit: number; readonly out: string; readonly err: string; readonly asked: number };

const run = async (command: (host: AdminsHost) => Promise<number>, password = PASSWORD): Promise<Done> => {
  const [out, err]: [string[], string[]] = [[], []];
  let asked = 0;
  const exit = await command({
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    env: {},
    password: () => (asked++, Promise.resolve(password)),
  });
  return { exit, out: out.join(""), err: err.join(""), asked };
};

const create = (over: Partial<CreateOptions> = {}, password?: string): Promise<Done> =>
  run((host) => adminsCreate({ config, name: "alice", role: ["operator"], ...over }, host), password);
const list = async () =>
  JSON.parse((await run((host) => adminsList({ config, json: true }, host))).out) as readonly Record<string, unknown>[];
const hashOf = async (name: string): Promise<string> =>
  new RegExp(`name: ${name}\\n(?:.*\\n)*?.*hash: (\\S+)`).exec(await readFile(file, "utf8"))![1]!;

describe("ocsgw admins create", () => {
  it("stores a user with a hash that the password matches, for the gateway alone", async () => {
    const done = await create({ role: ["operator", "auditor"], tenant: ["Alpha Tenant", "102"] });
    expect(done).toMatchObject({ exit: 0, out: "alice (operator, auditor) can log in to the console\n", asked: 1 });
    expect(done.err).toBe("A running gateway applies this within seconds.\n");
    expect(await matchesArgon2id(PASSWORD, parseArgon2id(await hashOf("alice"))!)).toBe(true);
    expect(await readFile(file, "utf8")).not.toContain(PASSWORD);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await list()).toEqual([
      {
        name: "alice",
        roles: ["operator", "auditor"],
        tenants: ["Alpha Tenant", "102"],
        state: "enabled",
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      },
    ]);
  });

  it("prints the user as JSON, without the hash", async () => {
    const { out } = await create({ json: true });
    expect(JSON.parse(out)).toMatchObject({ name: "alice", roles: ["operator"], tenants: null, state: "enabled" });
    expect(out).not.toContain("argon2");
  });

  it("hashes the password in one spelling of its characters", async () => {
    await create({}, "cafe\u0301 au lait bien chaud");
    expect(await matchesArgon2id("café au lait bien chaud", parseArgon2id(await hashOf("alice"))!)).toBe(true);
  });

  type Row = readonly [why: string, over: Partial<CreateOptions>, message: RegExp];
  it.each<Row>([
    ["an unknown role", { role: ["operater"] }, /--role: unknown role operater; did you mean operator\?/],
    [
      "an unknown tenant",
      { tenant: ["Alfa Tenant"] },
      /--tenant: unknown tenant "Alfa Tenant"; did you mean Alpha Tenant\?/,
    ],
    ["a name like a phone number", { name: "4155550100" }, /--name: expected a name/],
    ["a name with a NUL", { name: "alice\0" }, /--name: expected a name/],
    ["a name like an option", { name: "--json" }, /--name: expected a name/],
    ["a name of a link", { name: "root (link)" }, /--name: expected a name/],
  ])("refuses %s before it asks for the password", async (_, over, message) => {
    const { exit, err, asked } = await create(over);
    expect([exit, asked]).toEqual([2, 0]);
    expect(err).toMatch(message);
    await expect(readFile(file)).rejects.toThrow(/ENOENT/);
  });

  it.each([
    ["short", /has 5 characters, and 12 are the minimum/],
    ["alice-alice-alice", /little more than the user's name/],
    ["Password-2026", /little more than a common password/],
    ["three\0yellow ducks", /control character/],
  ])("refuses the password %j, and does not repeat it", async (password, message) => {
    const { exit, err } = await create({}, password);
    expect(exit).toBe(2);
    expect(err).toMatch(message);
    expect(err).not.toContain(password);
    await expect(readFile(file)).rejects.toThrow(/ENOENT/);
  });

  it("refuses a name that is taken, and says how to set a password", async () => {
    await create();
    const { exit, err, asked } = await create({ name: "ALICE" });
    expect([exit, asked]).toEqual([1, 0]);
    expect(err).toContain(
      `has a user alice already. To set a new password: ocsgw admins password -c ${config} --name alice`,
    );
    expect(await list()).toHaveLength(1);
  });

  it("needs a valid config that names a file of users", async () => {
    await writeFile(config, SAMPLE);
    expect(await create()).toMatchObject({
      exit: 1,
      err: expect.stringContaining("users: { file: admins.yaml }") as string,
    });
    await writeFile(config, CONFIG.replace("dbid: 101", "dbid: x"));
    expect(await create()).toMatchObject({ exit: 3, err: expect.stringContaining("OCSGW-6103") as string });
  });

  it("changes no invalid file, and says where it is", async () => {
    await writeFile(file, "version: 1\nadmins:\n  - name: bob\n", { mode: 0o600 });
    const { exit, err } = await create();
    expect(exit).toBe(3);
    expect(err).toContain("admins.yaml:3:5:");
    expect(await readFile(file, "utf8")).toBe("version: 1\nadmins:\n  - name: bob\n");
  });

  it("says that a gateway which does not watch its files needs a reload", async () => {
    await writeFile(config, `${CONFIG}config: { watch: none }\n`);
    expect((await create()).err).toContain(`run ocsgw reload -c ${config}`);
  });
});

describe("ocsgw admins password, disable and enable", () => {
  beforeEach(async () => {
    await create();
    await create({ name: "bob", role: ["viewer"] });
  });

  it("change one user, and keep comments and the file's mode", async () => {
    await writeFile(file, `# reviewed each quarter\n${await readFile(file, "utf8")}`);
    await chmod(file, 0o400);
    const before = await hashOf("alice");
    expect(await run((host) => adminsDisable({ config, name: "Bob" }, host))).toMatchObject({
      exit: 0,
      out: "bob (viewer) is disabled\n",
    });
    expect((await list()).map(({ state }) => state)).toEqual(["enabled", "disabled"]);
    expect(await run((host) => adminsDisable({ config, name: "bob" }, host))).toMatchObject({
      out: "bob (viewer) was already disabled\n",
    });
    expect(await run((host) => adminsEnable({ config, name: "bob", json: true }, host))).toMatchObject({
      out: expect.stringContaining('"state": "enabled"') as string,
    });
    const set = await run((host) => adminsPassword({ config, name: "alice" }, host), "another password of hers");
    expect(set).toMatchObject({ exit: 0, out: "alice (operator) has a new password\n" });
    expect(await hashOf("alice")).not.toBe(before);
    expect(await matchesArgon2id("another password of hers", parseArgon2id(await hashOf("alice"))!)).toBe(true);
    expect(await readFile(file, "utf8")).toMatch(/^# reviewed each quarter\n/);
    expect((await stat(file)).mode & 0o777).toBe(0o400);
  });

  it("name the nearest user for an unknown one, and ask no password", async () => {
    for (const command of [adminsDisable, adminsEnable, adminsPassword]) {
      const { exit, err, asked } = await run((host) => command({ config, name: "alcie" }, host));
      expect([exit, asked]).toEqual([1, 0]);
      expect(err).toContain("has no user alcie; did you mean alice?");
    }
  });

  it("are refused without printing what reorders a terminal's line", async () => {
    const text = await readFile(file, "utf8");
    for (const changed of [
      text.replace("name: bob\n", 'name: bob\n    tenants: ["Al\\u202Epha\\e[31m"]\n'),
      text.replace("name: bob\n", 'name: "b\u202Eob"\n'),
      text.replace("name: bob\n", 'name: bob\n    "\u2067key": 1\n'),
    ]) {
      await writeFile(file, changed);
      const { err, exit } = await run((host) => adminsList({ config }, host));
      expect([exit, err]).toEqual([3, expect.stringMatching(/OCSGW-\d{4}/)]);
      for (const sign of ["\u001B", "\u202E", "\u2067"]) expect(err).not.toContain(sign);
    }
  });

  it("are listed in a table", async () => {
    const { out } = await run((host) => adminsList({ config }, host));
    expect(out.split("\n").map((line) => line.split(/ {2,}/).slice(0, 4))).toEqual([
      ["name", "roles", "tenants", "state"],
      ["alice", "operator", "all", "enabled"],
      ["bob", "viewer", "all", "enabled"],
      [""],
    ]);
  });
});
