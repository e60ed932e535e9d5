import { expect, it } from "vitest";
import { LookUpLimit } from "../../src/admin/look-up-limit.ts";

const HOUR = 3_600_000;
const aLimit = (count = 3) => {
  const clock = { now: 5_000_000 };
  const rate = { count, per_ms: HOUR };
  const limit = new LookUpLimit(
    () => rate,
    () => clock.now,
  );
  const header = (name: string, headers: readonly (readonly [string, string])[]) =>
    headers.find(([each]) => each === name)?.[1];
  const take = (user = "ada", tokens?: readonly string[]) => {
    const { allowed, isNew, headers } = limit.take(user, tokens);
    return [allowed, isNew, header("RateLimit", headers), header("Retry-After", headers)];
  };
  return { take, clock, rate, limit };
};

it("allows so many look-ups within an hour, and says how many are left", () => {
  const { take, clock } = aLimit();
  expect(take()).toEqual([true, false, '"look-ups";r=2;t=3600', undefined]);
  clock.now += 60_000;
  expect(take()).toEqual([true, false, '"look-ups";r=1;t=3540', undefined]);
  expect(take()).toEqual([true, false, '"look-ups";r=0;t=3540', undefined]);
  expect(take()).toEqual([false, true, '"look-ups";r=0;t=3540', "3540"]);
  expect(take()).toEqual([false, false, '"look-ups";r=0;t=3540', "3540"]);
});

it("allows one again an hour after the first, not all at once at a full hour", () => {
  const { take, clock } = aLimit(2);
  take();
  clock.now += HOUR / 2;
  take();
  clock.now += HOUR / 2;
  expect([take(), take()]).toEqual([
    [true, false, '"look-ups";r=0;t=1800', undefined],
    [false, true, '"look-ups";r=0;t=1800', "1800"],
  ]);
});

it("raises one alarm for each time that the limit is reached", () => {
  const { take, clock } = aLimit(1);
  const isNew = () => take()[1];
  expect([isNew(), isNew(), isNew()]).toEqual([false, true, false]);
  clock.now += HOUR;
  expect([isNew(), isNew()]).toEqual([false, true]);
});

it("counts each person apart", () => {
  const { take } = aLimit(1);
  expect([take("ada")[0], take("ada")[0], take("bob")[0]]).toEqual([true, false, true]);
});

it("follows a limit that a reload has changed", () => {
  const { take, rate } = aLimit(1);
  expect([take()[0], take()[0]]).toEqual([true, false]);
  rate.count = 2;
  expect([take()[0], take()[0]]).toEqual([true, false]);
});

it("counts a look-up by tokens, but not again within the hour, and not of a person that was found by number", () => {
  const { take, clock, limit } = aLimit(3);
  limit.take("ada").remember(["t1:a", "t1:b"]);
  const left = (tokens: readonly string[]) => take("ada", tokens)[2];
  expect([left(["t1:a"]), left(["t1:b", "t1:a"])]).toEqual(Array(2).fill('"look-ups";r=2;t=3600'));
  expect([left(["t1:a", "t1:c"]), left(["t1:c"])]).toEqual(Array(2).fill('"look-ups";r=1;t=3600'));
  expect(left(["t1:d"])).toBe('"look-ups";r=0;t=3600');
  expect([take("ada", ["t1:e"])[0], take("ada", ["t1:d"])[0], take("ada", ["t1:e"]).slice(0, 2)]).toEqual([
    false,
    true,
    [false, false],
  ]);
  // Of another user, and after the hour, they are new.
  expect(take("bob", ["t1:a"])[2]).toBe('"look-ups";r=2;t=3600');
  clock.now += HOUR;
  expect(left(["t1:a"])).toBe('"look-ups";r=2;t=3600');
});
