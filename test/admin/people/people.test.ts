import { describe, expect, it } from "vitest";
import { createPeople, type Person } from "../../../src/admin/people/people.ts";
import { hashArgon2id, parseArgon2id, USUAL_COST } from "../../../src/common/argon2id.ts";

const person = async (name: string, cost = { memory: 8, passes: 1, lanes: 1 }): Promise<Person> => ({
  name,
  roles: ["viewer"],
  tenants: "all",
  hash: await hashArgon2id("p", cost),
  disabled: false,
});

describe("the users in force", () => {
  it("are found in any case", async () => {
    const alice = await person("Alice");
    const people = createPeople([alice]);
    expect(people.find("aLICE")).toBe(alice);
    expect(people.find("alice ")).toBeUndefined();
    expect(people.hashOf("ALICE")).toEqual(parseArgon2id(alice.hash));
  });

  it.each(["__proto__", "constructor", "", "nobody"])("do not include %j", async (name) => {
    expect(createPeople([await person("alice")]).find(name)).toBeUndefined();
  });

  it("compare unknown names with hashes that cost what those of users do", async () => {
    const costly = { memory: 64, passes: 4, lanes: 2 };
    const all = [await person("alice"), await person("bob", costly), await person("carol", costly)];
    const people = createPeople(all);
    const costOf = (name: string, of = people): number => of.hashOf(name).memory;
    const unknown = Array.from({ length: 300 }, (_, at) => `nobody-${at}`);
    const cheap = unknown.filter((name) => costOf(name) === 8).length;
    expect(unknown.every((name) => [8, 64].includes(costOf(name)))).toBe(true);
    expect(cheap, "a time that only a user has would tell a name").toBeGreaterThan(50);
    expect(cheap).toBeLessThan(150);
    expect(unknown.map((name) => costOf(name.toUpperCase(), createPeople(all)))).toEqual(
      unknown.map((name) => costOf(name)),
    );
    expect(createPeople([]).hashOf("nobody")).toMatchObject(USUAL_COST);
  });

  it("must have readable hashes", () => {
    const broken = { name: "a", roles: [], tenants: "all", hash: "x", disabled: false } as const;
    expect(() => createPeople([broken])).toThrow("the password hash of a is not an argon2id hash");
  });
});
