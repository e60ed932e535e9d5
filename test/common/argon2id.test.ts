import { describe, expect, it } from "vitest";
import { hashArgon2id, isCheap, matchesArgon2id, parseArgon2id, USUAL_COST } from "../../src/common/argon2id.ts";

/**
 * Of the reference implementation's tests (phc-winner-argon2, src/test.c, version 0x13 of argon2id): password, salt,
 * hash.
 */
const KNOWN: readonly (readonly [password: string, hash: string])[] = [
  ["password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"],
  ["password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"],
  ["password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"],
];

describe("an argon2id hash", () => {
  it.each(KNOWN)("of another program is verified: %s %s", async (password, text) => {
    const hash = parseArgon2id(text)!;
    expect(await matchesArgon2id(password, hash)).toBe(true);
    for (const other of ["", "Password", "password ", "password\0", "passwor"])
      expect(await matchesArgon2id(other, hash), JSON.stringify(other)).toBe(false);
  });

  it("has a salt of its own and OWASP's parameters", async () => {
    const hashes = await Promise.all(["same", "same"].map((text) => hashArgon2id(text)));
    expect(hashes[0]).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(hashes[0]).not.toBe(hashes[1]);
    for (const hash of hashes) expect(await matchesArgon2id("same", parseArgon2id(hash)!)).toBe(true);
    expect(isCheap(USUAL_COST)).toBe(false);
  });

  it("with other parameters than today's is verified with its own", async () => {
    const hash = parseArgon2id(await hashArgon2id("p", { memory: 64, passes: 5, lanes: 2 }))!;
    expect(hash).toMatchObject({ memory: 64, passes: 5, lanes: 2 });
    expect(await matchesArgon2id("p", hash)).toBe(true);
    expect(isCheap(hash)).toBe(true);
  });

  it("covers every byte of the password, NUL and what follows it too", async () => {
    const hash = parseArgon2id(await hashArgon2id("a\0b", { memory: 8, passes: 1, lanes: 1 }))!;
    expect(await matchesArgon2id("a\0c", hash)).toBe(false);
    expect(await matchesArgon2id("a", hash)).toBe(false);
    expect(await matchesArgon2id("a\0b", hash)).toBe(true);
  });

  const good = KNOWN[0]![1];
  it.each<readonly [why: string, text: string]>([
    ["nothing", ""],
    ["another kind", good.replace("argon2id", "argon2d")],
    ["an earlier version", good.replace("v=19", "v=16")],
    ["no version", good.replace("v=19$", "")],
    ["too much memory", good.replace("m=65536", "m=262145")],
    ["memory of eight digits", good.replace("m=65536", "m=99999999")],
    ["too many passes", good.replace("t=2", "t=17")],
    ["no passes", good.replace("t=2", "t=0")],
    ["too many lanes", good.replace("p=1", "p=17")],
    ["less memory than its lanes need", good.replace("m=65536,t=2,p=1", "m=15,t=2,p=2")],
    ["a number in another spelling", good.replace("t=2", "t=02")],
    ["a short salt", good.replace("c29tZXNhbHQ", "c29tZQ")],
    ["base64 with padding", good.replace("c29tZXNhbHQ", "c29tZXNhbHQ=")],
    ["base64 that is not canonical", good.replace("GRPPc", "GRPPd")],
    ["base64url", good.replace("c29tZXNhbHQ", "c29tZXN-bHQ")],
    ["a short tag", good.slice(0, -30)],
    ["a line break", `${good}\n`],
  ])("is not read with %s", (_, text) => expect(parseArgon2id(text)).toBeUndefined());
});
