import { describe, expect, it } from "vitest";
import { createLoginThrottle, LOGIN_LIMITS, type LoginThrottle } from "../../src/identity/login-throttle.ts";

const HERE = "203.0.113.7";
const ELSEWHERE = "198.51.100.1";

const start = (capacity?: number) => {
  let at = 0;
  const throttle = createLoginThrottle({ now: () => at, ...(capacity !== undefined && { capacity }) });
  return { throttle, pass: (seconds: number) => void (at += seconds * 1000) };
};

/** How many failed attempts are allowed at once. */
const allowed = (throttle: LoginThrottle, name: (at: number) => string, source: (at: number) => string): number => {
  for (let at = 0; at < 1000; at++) if ("retryAfter" in throttle.begin(name(at), source(at))) return at;
  return Number.POSITIVE_INFINITY;
};

const logIn = (throttle: LoginThrottle, name: string, source: string): void => {
  const attempt = throttle.begin(name, source);
  if ("retryAfter" in attempt) throw new Error("throttled");
  attempt.succeeded();
};

describe("the throttle of logins", () => {
  const { address, name, familiar } = LOGIN_LIMITS;

  it("limits the failures of one name from many addresses", () => {
    const { throttle } = start();
    expect(
      allowed(
        throttle,
        () => "alice",
        (at) => `203.0.${at >> 8}.${at & 255}`,
      ),
    ).toBe(name.points);
    expect(throttle.begin("ALICE", ELSEWHERE), "a name in another case is the same name").toEqual({
      retryAfter: name.seconds / name.points,
    });
    expect("retryAfter" in throttle.begin("bob", ELSEWHERE)).toBe(false);
  });

  it("limits the failures of many names from one address", () => {
    const { throttle } = start();
    expect(
      allowed(
        throttle,
        (at) => `user-${at}`,
        () => HERE,
      ),
    ).toBe(address.points);
    expect(throttle.begin("alice", HERE)).toEqual({ retryAfter: address.seconds / address.points });
    expect("retryAfter" in throttle.begin("alice", ELSEWHERE)).toBe(false);
  });

  it("counts the addresses of one IPv6 network together, and an IPv4 address in both spellings", () => {
    const { throttle } = start();
    expect(
      allowed(
        throttle,
        (at) => `user-${at}`,
        (at) => `2001:db8:1:2::${at.toString(16)}`,
      ),
    ).toBe(address.points);
    expect("retryAfter" in throttle.begin("alice", "2001:db8:1:3::1")).toBe(false);
    expect(
      allowed(
        throttle,
        (at) => `user-${at}`,
        (at) => (at % 2 ? HERE : `::ffff:${HERE}`),
      ),
    ).toBe(address.points);
  });

  it("counts attempts that have not ended, and gives back those that succeed", () => {
    const { throttle } = start();
    const running = Array.from({ length: name.points }, () => throttle.begin("alice", HERE));
    expect("retryAfter" in throttle.begin("alice", HERE)).toBe(true);
    for (const attempt of running) if ("succeeded" in attempt) attempt.succeeded();
    expect("retryAfter" in throttle.begin("alice", ELSEWHERE), "also for other addresses").toBe(false);
  });

  it("is not used up by successful logins, however many", () => {
    const { throttle } = start();
    for (let at = 0; at < 1000; at++) logIn(throttle, "alice", HERE);
    expect(
      allowed(
        throttle,
        (at) => `user-${at}`,
        () => HERE,
      ),
    ).toBe(address.points);
  });

  it("allows attempts again after a while", () => {
    const { throttle, pass } = start();
    allowed(
      throttle,
      () => "alice",
      () => HERE,
    );
    pass(name.seconds / name.points - 1);
    expect(throttle.begin("alice", HERE)).toEqual({ retryAfter: 1 });
    pass(1);
    expect(
      allowed(
        throttle,
        () => "alice",
        () => HERE,
      ),
    ).toBe(1);
    pass(name.seconds);
    expect(
      allowed(
        throttle,
        () => "alice",
        () => HERE,
      ),
    ).toBe(name.points);
  });

  it("lets nobody lock out a user where they logged in before", () => {
    const { throttle } = start();
    logIn(throttle, "alice", HERE);
    allowed(
      throttle,
      () => "alice",
      () => ELSEWHERE,
    );
    allowed(
      throttle,
      (at) => `user-${at}`,
      () => HERE,
    );
    expect(
      allowed(
        throttle,
        () => "alice",
        () => HERE,
      ),
    ).toBe(familiar.points);
    expect("retryAfter" in throttle.begin("alice", "192.0.2.1"), "anywhere else the name is throttled").toBe(true);
  });

  it("lets nobody lock out a user from a browser of theirs, not even from the same address", () => {
    const { throttle, pass } = start();
    logIn(throttle, "alice", HERE);
    const turned = allowed(
      throttle,
      () => "alice",
      () => HERE,
    );
    expect([turned, "retryAfter" in throttle.begin("alice", HERE, "browser 1")]).toEqual([familiar.points, false]);
    const wrong = Array.from({ length: 100 }, () => throttle.begin("alice", HERE, "browser 1"));
    expect(
      wrong.filter((each) => !("retryAfter" in each)),
      "there it is limited too",
    ).toHaveLength(familiar.points - 1);
    expect("retryAfter" in throttle.begin("bob", HERE, "browser 1"), "by user").toBe(false);
    pass(familiar.seconds / familiar.points);
    expect("retryAfter" in throttle.begin("alice", ELSEWHERE, "browser 1")).toBe(false);
  });

  it("forgets no name because of attempts that it turns away", () => {
    const { throttle } = start(address.points + name.points);
    allowed(
      throttle,
      () => "alice",
      () => ELSEWHERE,
    );
    for (let at = 0; at < 1000; at++) throttle.begin(`user-${at}`, HERE);
    expect("retryAfter" in throttle.begin("alice", "192.0.2.1")).toBe(true);
  });

  it("remembers a bounded number of names and addresses", () => {
    const { throttle } = start(3);
    allowed(
      throttle,
      () => "alice",
      () => HERE,
    );
    for (const at of [1, 2, 3]) throttle.begin(`user-${at}`, `192.0.2.${at}`);
    expect("retryAfter" in throttle.begin("alice", HERE), "it was dropped").toBe(false);
  });
});
