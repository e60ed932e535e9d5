import { describe, expect, it } from "vitest";
import { createPasswordChecks } from "../../../src/admin/people/password-check.ts";
import { hashArgon2id, parseArgon2id } from "../../../src/common/argon2id.ts";

const HASH = parseArgon2id(await hashArgon2id("right", { memory: 8, passes: 1, lanes: 1 }))!;

describe("the queue of password checks", () => {
  it("checks one password at a time", async () => {
    let [running, most] = [0, 0];
    const checks = createPasswordChecks({
      matches: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        return true;
      },
    });
    const places = Array.from({ length: 8 }, (_, at) => checks.reserve(`192.0.2.${at}`)!);
    await Promise.all(places.map((place) => place.matches("x", HASH)));
    expect(most).toBe(1);
  });

  it("turns away what is beyond its length, and what is beyond the share of one network", () => {
    const checks = createPasswordChecks();
    expect(Array.from({ length: 5 }, () => checks.reserve("2001:db8::1") !== undefined)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(checks.reserve("2001:db8::ffff"), "the same /64").toBeUndefined();
    expect(Array.from({ length: 9 }, (_, at) => checks.reserve(`192.0.2.${at}`) !== undefined)).toEqual([
      ...Array.from({ length: 5 }, () => true),
      ...Array.from({ length: 4 }, () => false),
    ]);
  });

  it("has room again after a check, also a failed one, and after a place was left twice", async () => {
    let isBroken = false;
    const checks = createPasswordChecks({
      most: 1,
      matches: () => (isBroken ? Promise.reject(new Error("no memory")) : Promise.resolve(false)),
    });
    expect(await checks.reserve("a")!.matches("x", HASH)).toBe(false);
    isBroken = true;
    await expect(checks.reserve("a")!.matches("x", HASH)).rejects.toThrow("no memory");
    const place = checks.reserve("a")!;
    place.leave();
    place.leave();
    expect([checks.reserve("b") !== undefined, checks.reserve("b") !== undefined]).toEqual([true, false]);
  });

  it("tells right from wrong", async () => {
    const checks = createPasswordChecks();
    expect(await checks.reserve("a")!.matches("right", HASH)).toBe(true);
    expect(await checks.reserve("a")!.matches("wrong", HASH)).toBe(false);
  });
});
