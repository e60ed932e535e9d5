import { afterEach, describe, expect, it } from "vitest";
import { isCsrfOf, SessionStore, type SessionHolder } from "../../../src/admin/sessions/session-store.ts";
import type { Viewer } from "../../../src/admin/viewer.ts";

const MINUTE = 60_000;
let at = 0;
let times = { idle: 30 * MINUTE, longest: 12 * 60 * MINUTE };
const stores: SessionStore[] = [];
afterEach(() => stores.splice(0).forEach((store) => store.close()));

const start = (limits: { readonly most?: number; readonly mostOfOne?: number } = {}): SessionStore => {
  at = 1000;
  times = { idle: 30 * MINUTE, longest: 12 * 60 * MINUTE };
  const store = new SessionStore({ times: () => times, now: () => at, ...limits });
  stores.push(store);
  return store;
};

const holder = (name = "alice", viewer: SessionHolder["viewer"] = () => VIEWER): SessionHolder => ({ name, viewer });
const VIEWER: Viewer = { name: "alice", roles: ["viewer"], tenants: "all", via: "session" };
const USES = { uses: true };
const LOOKS = { uses: false };

describe("a session", () => {
  it("is found by its id, which has 256 bits and is not kept", () => {
    const store = start();
    const { id, session } = store.open(holder());
    expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(store.find(id, USES)).toBe(session);
    expect(JSON.stringify([session, Object.entries(store)])).not.toContain(id);
  });

  it("has an id and a CSRF token of its own each time", () => {
    const store = start({ mostOfOne: 500 });
    const opened = Array.from({ length: 200 }, () => store.open(holder()));
    expect(new Set(opened.flatMap(({ id, session }) => [id, session.csrf])).size).toBe(400);
  });

  it.each(["", "x", "A".repeat(43), "A".repeat(44), "__proto__", `${"A".repeat(42)}\n`])("is not found by %j", (id) => {
    const store = start();
    store.open(holder());
    expect(store.find(id, USES)).toBeUndefined();
  });

  it("ends without use, and counts from the last use", () => {
    const store = start();
    const { id, session } = store.open(holder());
    at += times.idle - 1;
    expect(store.find(id, USES)).toBe(session);
    at += times.idle - 1;
    expect(store.find(id, LOOKS), "a refresh finds it").toBe(session);
    at += 1;
    expect(store.find(id, USES), "and does not keep it open").toBeUndefined();
    expect(session.ended.aborted).toBe(true);
  });

  it.each<readonly [string, change: Partial<Viewer>, endsStreams: boolean]>([
    ["one tenant less", { tenants: [101] }, true],
    ["another tenant", { tenants: [101, 103] }, true],
    ["one tenant more", { tenants: [101, 102, 103] }, false],
    ["all tenants", { tenants: "all" }, false],
    ["a role less", { roles: ["viewer"] }, true],
    ["another role", { roles: ["viewer", "operator"] }, true],
    ["a role more", { roles: ["viewer", "auditor", "operator"] }, false],
  ])("goes on when its holder gets %s, and its streams end if that is less", (_, change, endsStreams) => {
    const store = start();
    let viewer: Viewer = { ...VIEWER, roles: ["viewer", "auditor"], tenants: [101, 102] };
    const { id, session } = store.open(holder("alice", () => viewer));
    const before = session.ended;
    viewer = { ...viewer, ...change };
    store.sweep();
    expect(before.aborted).toBe(endsStreams);
    expect(store.find(id, USES)!.ended.aborted, "for later requests").toBe(false);
    viewer = { ...VIEWER, roles: [], tenants: [] };
    const after = session.ended;
    store.sweep();
    expect(after.aborted, "once more, counted from the change").toBe(true);
    const last = session.ended;
    store.end(session);
    expect(last.aborted).toBe(true);
  });

  it("ends the streams of a holder who could see everything and now sees some tenants", () => {
    const store = start();
    let viewer = VIEWER;
    const { session } = store.open(holder("alice", () => viewer));
    const before = session.ended;
    viewer = { ...VIEWER, tenants: [101] };
    store.sweep();
    expect(before.aborted).toBe(true);
  });

  it("ends after the longest time, however much it is used", () => {
    const store = start();
    const { id } = store.open(holder());
    const began = at;
    while (at < began + times.longest - MINUTE) {
      at += MINUTE;
      expect(store.find(id, USES)).toBeDefined();
    }
    at += MINUTE;
    expect(store.find(id, USES)).toBeUndefined();
  });

  it("says how long it lasts", () => {
    const store = start();
    const { id, session } = store.open(holder());
    expect(store.left(session)).toEqual(times);
    at += 10 * MINUTE;
    expect(store.left(session)).toEqual({ idle: 20 * MINUTE, longest: times.longest - 10 * MINUTE });
    while (store.left(session).longest > 5 * MINUTE) {
      store.find(id, USES);
      at += MINUTE;
    }
    store.find(id, USES);
    expect(store.left(session), "never idle for longer than it lasts").toEqual({
      idle: 5 * MINUTE,
      longest: 5 * MINUTE,
    });
  });

  it("obeys times that are changed while it is open", () => {
    const store = start();
    const { id } = store.open(holder());
    at += 10 * MINUTE;
    times = { idle: 5 * MINUTE, longest: times.longest };
    expect(store.find(id, USES)).toBeUndefined();
  });

  it("ends as soon as its holder may no longer log in, also if nobody asks for it", () => {
    const store = start();
    let viewer: Viewer | undefined = VIEWER;
    const [asked, unasked] = [1, 2].map(() => store.open(holder("alice", () => viewer)));
    viewer = undefined;
    expect(store.find(asked!.id, USES)).toBeUndefined();
    store.sweep();
    expect(unasked!.session.ended.aborted).toBe(true);
    viewer = VIEWER;
    expect(store.find(unasked!.id, USES), "for good").toBeUndefined();
  });

  it("ends alone, or with all others of its holder", () => {
    const store = start();
    const [one, two, three] = [1, 2, 3].map(() => store.open(holder()));
    const other = store.open(holder("bob"));
    store.end(one!.session);
    expect([one, two, three, other].map((each) => store.find(each!.id, USES) !== undefined)).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(store.endAllOf({ name: "alice" })).toBe(2);
    expect(store.find(other.id, USES)).toBeDefined();
    expect(store.size).toBe(1);
  });

  it("replaces the least recently used one of the holder, and of all, beyond the maximum", () => {
    const store = start({ mostOfOne: 2, most: 3 });
    const [one, two] = [store.open(holder()), store.open(holder())];
    store.find(one.id, USES);
    const three = store.open(holder());
    expect([one, two, three].map(({ session }) => session.ended.aborted)).toEqual([false, true, false]);
    store.open(holder("bob"));
    store.open(holder("carol"));
    expect(one.session.ended.aborted).toBe(true);
    expect(store.size).toBe(3);
  });

  it("ends when the gateway stops", () => {
    const store = start();
    const { session } = store.open(holder());
    store.close();
    expect(session.ended.aborted).toBe(true);
  });

  it("has a CSRF token that no other text equals", () => {
    const { session } = start().open(holder());
    expect(isCsrfOf(session, session.csrf)).toBe(true);
    for (const other of [undefined, "", session.csrf.slice(1), `${session.csrf}=`, session.csrf.toLowerCase()])
      expect(isCsrfOf(session, other), String(other)).toBe(false);
  });
});
