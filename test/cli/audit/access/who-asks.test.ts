import { userInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { userInWords, whoAsks } from "../../../../src/cli/audit/access/who-asks.ts";
import { accessEntry, faultOf } from "../../../../src/journal/access.ts";
import { writeLine } from "../../../../src/journal/entry-line.ts";

const USER = userInfo().username;
const asked = (env: NodeJS.ProcessEnv, loginUid: string | undefined = "4294967295\n") =>
  whoAsks({
    env,
    readLoginUid: () => (loginUid === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(loginUid)),
    nameOf: (uid) => Promise.resolve(uid === "1000" ? "alice" : `uid ${uid}`),
  });

describe("the recorded user of a command", () => {
  it.each<[string, NodeJS.ProcessEnv, string | undefined, object | undefined]>([
    ["an account without another user behind it", {}, undefined, undefined],
    ["no login, as in a container", {}, "4294967295\n", undefined],
    ["sudo", { SUDO_USER: "alice" }, undefined, { sudo: "alice" }],
    ["doas", { DOAS_USER: "alice" }, undefined, { doas: "alice" }],
    ["pkexec, by uid", { PKEXEC_UID: "1000" }, undefined, { pkexec: "alice" }],
    ["su, by the login uid", {}, "1000\n", { login: "alice" }],
    ["a login uid without a name", {}, "4711\n", { login: "uid 4711" }],
    [
      "sudo and a login uid that contradict each other",
      { SUDO_USER: "mallory" },
      "1000",
      { login: "alice", sudo: "mallory" },
    ],
    ["a variable that names the account itself", { SUDO_USER: USER }, undefined, undefined],
    ["an empty variable", { SUDO_USER: "" }, undefined, undefined],
    ["a domain account", { SUDO_USER: "CORP\\alice.smith@corp" }, undefined, { sudo: "CORP\\alice.smith@corp" }],
    [
      "variables that contain no user name",
      { SUDO_USER: "alice\nkind:intent", PKEXEC_UID: "x y" },
      undefined,
      { sudo: "(not a user name)", pkexec: "(not a user name)" },
    ],
    ["an invalid login uid", {}, "x", undefined],
  ])("is found for %s", async (_what, env, loginUid, behind) =>
    expect(await asked(env, loginUid)).toEqual({ user: USER, ...(behind && { behind }) }),
  );

  it("is never replaced by an environment variable", async () =>
    expect((await asked({ SUDO_USER: "alice", USER: "bob", LOGNAME: "bob" })).user).toBe(USER));

  it("is shown with the users behind it", async () => {
    expect(userInWords({ user: "root" })).toBe("root");
    expect(userInWords({ user: "root", behind: { login: "alice", sudo: "mallory" } })).toBe(
      "root (login: alice, sudo: mallory)",
    );
  });

  it("is found for the test's own process", async () => expect((await whoAsks()).user).toBe(USER));
});

describe("the entry of a look-up", () => {
  const base = { user: "root", operation: "search" } as const;

  it("names the user behind the account, and contains no phone number", () => {
    const line = writeLine(
      0,
      "2026-11-22T12:00:00.000000Z",
      accessEntry({ ...base, user: "4155550100", behind: { sudo: "415 555 0100", login: "u1234567" } }),
    );
    expect(line).toContain('"user":"');
    expect(line).toContain('"behind":{"login":"u1234567","sudo":"');
    expect(line).not.toMatch(/555/);
    expect(writeLine(0, "2026-11-22T12:00:00.000000Z", accessEntry(base))).not.toContain("behind");
  });

  it.each([[{ sudo: "alice\n" }], [{ sudo: "" }], [{ root: "alice" }], ["alice"], [{ sudo: 7 }], [null]])(
    "ignores %j as the user behind the account",
    (behind) =>
      expect(faultOf({ ...base, behind: behind as never })).toMatch(/^behind: expected names under login, sudo/),
  );

  it("accepts every source of the user behind the account", () =>
    expect(faultOf({ ...base, behind: { login: "a", sudo: "b", doas: "c", pkexec: "d" } })).toBeUndefined());
});
