import { describe, expect, it, vi } from "vitest";
import { createSessionJournal } from "../../../src/admin/sessions/session-journal.ts";
import type { Access } from "../../../src/journal/entry.ts";

const start = (append?: (entry: Access) => Promise<unknown>) => {
  const entries: Access[] = [];
  const lost: number[] = [];
  let at = 0;
  const journal = createSessionJournal({
    append: append ?? ((entry) => Promise.resolve(void entries.push(entry))),
    onLost: (_error, count) => void lost.push(count),
    now: () => at,
  });
  return { journal, entries, lost, pass: (ms: number) => void (at += ms) };
};

const alice = { user: "alice", roles: ["operator", "auditor"], source: "192.0.2.1" };

describe("the entries about sessions", () => {
  it("say who logged in and out, in which roles, from where and how", async () => {
    const { journal, entries } = start();
    await journal.login(alice, "password");
    await journal.login({ ...alice, user: "root (link)" }, "link");
    await journal.logout(alice, false);
    await journal.logout(alice, true);
    const common = { kind: "access", user: "alice", role: "operator,auditor", source: "192.0.2.1" };
    expect(entries).toEqual([
      { ...common, operation: "login" },
      { ...common, user: "root (link)", operation: "login-by-link" },
      { ...common, operation: "logout" },
      { ...common, operation: "logout-everywhere" },
    ]);
  });

  it("do not repeat a name that is no user's", async () => {
    const { journal, entries } = start();
    await journal.failed({ user: "alice", source: "192.0.2.1", reason: "wrong password" });
    await journal.failed({ user: undefined, source: "192.0.2.1", reason: "unknown user" });
    expect(entries).toEqual([
      { kind: "access", user: "alice", operation: "login-failed", source: "192.0.2.1", reason: "wrong password" },
      {
        kind: "access",
        user: "(unknown user)",
        operation: "login-failed",
        source: "192.0.2.1",
        reason: "unknown user",
      },
    ]);
  });

  it("reject when a login cannot be written; a logout and a failed login are reported", async () => {
    const { journal, lost } = start(() => Promise.reject(new Error("disk full")));
    await expect(journal.login(alice, "password")).rejects.toThrow("disk full");
    await journal.logout(alice, false);
    await journal.failed({ user: "alice", source: "192.0.2.1", reason: "wrong password" });
    await journal.failed({ user: "alice", source: "192.0.2.1", reason: "throttled" });
    await journal.flush();
    expect(lost).toEqual([1, 1, 1]);
  });
});

describe("a flood of failed logins", () => {
  it("becomes a bounded number of entries, whose counts are exact", async () => {
    const { journal, entries } = start();
    for (let at = 0; at < 5000; at++)
      await journal.failed({ user: undefined, source: `192.0.${at % 50}.1`, reason: "unknown user" });
    await journal.flush();
    expect(entries.length).toBeLessThanOrEqual(100 + 21);
    expect(entries.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(5000);
    expect(entries.at(-1)).toMatchObject({ operation: "login-failed", reason: "unknown user" });
    expect(entries.some(({ source }) => source === "*")).toBe(true);
  });

  it("is written again one by one after a quiet time", async () => {
    const { journal, entries, pass } = start();
    const fail = () => journal.failed({ user: "alice", source: "192.0.2.1", reason: "wrong password" });
    for (let at = 0; at < 150; at++) await fail();
    expect(entries).toHaveLength(100);
    pass(20_000);
    await fail();
    expect(entries).toHaveLength(101);
  });

  it("counts throttled logins by user and address, and writes the counts after a minute", async () => {
    vi.useFakeTimers();
    try {
      const { journal, entries } = start();
      for (let at = 0; at < 30; at++) await journal.failed({ user: "alice", source: "192.0.2.1", reason: "throttled" });
      await journal.failed({ user: "bob", source: "192.0.2.1", reason: "throttled" });
      expect(entries).toEqual([]);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(entries).toEqual([
        {
          kind: "access",
          user: "alice",
          operation: "login-failed",
          source: "192.0.2.1",
          reason: "throttled",
          count: 30,
        },
        { kind: "access", user: "bob", operation: "login-failed", source: "192.0.2.1", reason: "throttled", count: 1 },
      ]);
      await vi.advanceTimersByTimeAsync(120_000);
      expect(entries).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });
});
