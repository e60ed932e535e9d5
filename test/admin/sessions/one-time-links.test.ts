import { describe, expect, it } from "vitest";
import { OneTimeLinks } from "../../../src/admin/sessions/one-time-links.ts";

describe("a one-time link", () => {
  it("opens one session", () => {
    const links = new OneTimeLinks<string>();
    const token = links.create("root", 1000);
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const redeemed = links.redeem(token);
    expect(redeemed?.holder).toBe("root");
    expect(links.redeem(token)).toBeUndefined();
    redeemed!.giveBack();
    expect(links.redeem(token)?.holder).toBe("root");
    expect(links.redeem(token)).toBeUndefined();
  });

  it("expires, and is void after a first attempt that came too late", () => {
    let at = 0;
    const links = new OneTimeLinks<string>({ now: () => at });
    const [soon, late] = [links.create("a", 1000), links.create("b", 1000)];
    at = 999;
    expect(links.redeem(soon)?.holder).toBe("a");
    at = 1000;
    expect(links.redeem(late)).toBeUndefined();
    at = 0;
    expect(links.redeem(late)).toBeUndefined();
  });

  it.each(["", "x", "A".repeat(43), "__proto__", "\0", "x".repeat(100_000)])("is not %j", (token) => {
    const links = new OneTimeLinks<string>();
    links.create("a", 1000);
    expect(links.redeem(token)).toBeUndefined();
  });

  it("is void once twenty newer ones were made", () => {
    const links = new OneTimeLinks<number>();
    const tokens = Array.from({ length: 21 }, (_, at) => links.create(at, 1000));
    expect(tokens.map((token) => links.redeem(token) !== undefined)).toEqual([
      false,
      ...Array.from({ length: 20 }, () => true),
    ]);
  });
});
