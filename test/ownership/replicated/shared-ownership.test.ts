import { describe, expect, it } from "vitest";
import type { LeaseResponse } from "../../../src/ownership/ownership.ts";
import { alpha, anAnnouncement, anAttempt, leaseIn, other, verdictIn } from "../kit.ts";
import { memoryCluster, pass, settled, type Node } from "./kit.ts";

const { database, node } = memoryCluster();

const announce = (at: Node, handle: number, tenant = 101, attempt: string | null = null): Promise<string> =>
  settled(at.ownership.announce(anAnnouncement(handle, tenant, attempt)));

/** As a request does: from memory, or after catching up. */
const ask = async (at: Node, handle: number, tenant = alpha(), finalizes = false): Promise<LeaseResponse> => {
  const catchUp = at.ownership.catchUp([tenant], String(handle));
  const isCurrent = catchUp === undefined ? false : await settled(catchUp);
  return at.ownership.requestLease(tenant, String(handle), finalizes, isCurrent);
};
const verdict = async (at: Node, handle: number, tenant = alpha()): Promise<string> => {
  const response = await ask(at, handle, tenant);
  if ("lease" in response) response.lease.release(undefined);
  return verdictIn(response);
};

describe("gateways that share a log", () => {
  it("let the owner use a handle on any of them, whichever heard the announcement", async () => {
    const [one, two] = [await node("one"), await node("two")];
    database().isNotified = () => false;
    expect(await announce(one, 15)).toBe("owned");
    expect(await verdict(two, 15)).toBe("its own");
    expect(await verdict(two, 15, other())).toBe("foreign");
    expect(await verdict(one, 16)).toBe("unknown");
    expect(one.state()).toBe(two.state());
  });

  it("answer an owner from memory, without the database", async () => {
    const one = await node("one");
    await announce(one, 15);
    expect(one.ownership.catchUp([alpha()], "15")).toBeUndefined();
    one.gateway.isCut = true;
    expect(verdictIn(one.ownership.requestLease(alpha(), "15", false))).toBe("its own");
    await pass(1300);
    expect(await verdict(one, 15)).toBe("unclear: database");
    expect(await verdict(one, 16)).toBe("unclear: database");
    one.gateway.isCut = false;
    await pass(600);
    expect(await verdict(one, 15)).toBe("its own");
  });

  it("never call a handle unknown while the database is gone, also for announcements", async () => {
    const one = await node("one");
    database().isDown = true;
    expect(await announce(one, 15)).toBe("unstored");
    expect(await verdict(one, 15)).toBe("unclear: database");
    database().isDown = false;
    await pass(1500);
    expect(await verdict(one, 15)).toBe("unknown");
    expect(await announce(one, 15)).toBe("owned");
  });

  it("give no effect to an announcement whose commit got no reply", async () => {
    const [one, two] = [await node("one"), await node("two")];
    one.gateway.losesReply = true;
    expect(await announce(one, 15)).toBe("unstored");
    await pass(1000);
    expect(await verdict(one, 15)).toBe("unknown");
    expect(await verdict(two, 15)).toBe("unknown");
    expect(one.state()).toBe(two.state());
  });

  it("tell OCS not to dial until no live gateway uses the handle for its former owner", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15, 101);
    await pass(500);
    const lease = leaseIn(await ask(two, 15));
    expect(lease.withdrawn(true)).toBeUndefined();
    await settled(one.ownership.end("ocs", 15, "call-ended"));
    // The former owner's request is in flight at the other gateway.
    const announced = one.ownership.announce(anAnnouncement(15, 102));
    await pass(300);
    lease.release(200);
    expect(await settled(announced)).toBe("owned");
    const again = leaseIn(await ask(two, 15, other()));
    expect(again.withdrawn(true)).toBeUndefined();
    await settled(one.ownership.end("ocs", 15, "call-ended"));
    expect(await announce(one, 15, 101)).toBe("in-flight");
    expect(await verdict(one, 15)).toBe("unknown");
  });

  it("wait for the end of a lease, not for a gateway that is dead", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15, 101);
    await pass(500);
    two.gateway.isCut = true;
    await settled(one.ownership.end("ocs", 15, "call-ended"));
    const before = performance.now();
    expect(await announce(one, 15, 102)).toBe("owned");
    expect(performance.now() - before).toBeGreaterThan(1000);
    expect(verdictIn(two.ownership.requestLease(alpha(), "15", false))).toBe("unclear: database");
  });

  it("finalize a handle once: the second request waits, and follows the outcome", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15);
    const first = leaseIn(await ask(one, 15, alpha(), true));
    await pass(20);
    const second = leaseIn(await ask(two, 15, alpha(), true));
    await settled(first.after() ?? Promise.resolve());
    expect(first.withdrawn(true)).toBeUndefined();
    await pass(500);
    expect(second.withdrawn(true)).toBe("unclear");
    const waiting = second.after()!;
    first.release(200, "R1");
    await settled(waiting);
    expect(second.withdrawn()).toBe("handle-expired");
    expect(second.reason()).toContain("finished: OCS answered 200 to the finalizing request R1");
    second.release(undefined);
    expect(await verdict(one, 15)).toBe("ended");
  });

  it("let the second finalizing request go when the first got no answer, or its gateway died", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15);
    await pass(13_000);
    const first = leaseIn(await ask(one, 15, alpha(), true));
    await pass(20);
    const second = leaseIn(await ask(two, 15, alpha(), true));
    await pass(20);
    one.kill();
    const waiting = second.after()!;
    expect(second.withdrawn(true)).toBe("unclear");
    await settled(waiting);
    expect(second.withdrawn(true)).toBeUndefined();
    second.release(undefined);
    first.release(undefined);
  });
});

/** What the next statements take on their way there and back, in milliseconds; the others take 1. */
const delayNext = (...ms: number[]): void => {
  database().delay = () => ms.shift() ?? 1;
};

describe("an event that is slow to get into the log, or whose reply is", () => {
  it("holds no turn of a finalizing request for ever, if it was read before the reply failed to come", async () => {
    const one = await node("one");
    await announce(one, 15);
    delayNext(1, 3000);
    one.gateway.losesReply = true;
    const first = leaseIn(await ask(one, 15, alpha(), true));
    await pass(20);
    expect(await settled(one.ownership.refresh("ocs"))).toBe(true);
    await pass(4000);
    first.release(undefined);
    await pass(600);
    const second = leaseIn(await ask(one, 15, alpha(), true));
    await pass(20);
    expect(second.withdrawn(true)).toBeUndefined();
    second.release(undefined);
  });

  it.each([
    ["announces a record", (at: Node) => at.ownership.announce(anAnnouncement(30, 101))],
    ["announces one without an owner here", (at: Node) => at.ownership.markUnowned("ocs", 30)],
  ])("proves no restart of OCS, when it %s", async (_what, announces) => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 29);
    await pass(300);
    delayNext(200);
    const slow = announces(two);
    await pass(20);
    await announce(one, 200);
    await settled(slow);
    expect(one.ownership.epochOf("ocs")).toBe(1);
    expect(await verdict(one, 200)).toBe("its own");
  });
});

describe("the life of OCS", () => {
  it("goes on for all while one gateway's connection never broke", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15);
    await pass(13_000);
    one.ownership.onLost("ocs");
    one.ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    await settled(one.ownership.whenAgreed("ocs") ?? Promise.resolve());
    expect(await verdict(one, 15)).toBe("its own");
    expect(await verdict(two, 15)).toBe("its own");
    const third = await node("three");
    expect(await verdict(third, 15)).toBe("its own");
    await pass(1500);
    await Promise.all([one, two].map((each) => settled(each.stop())));
    expect(await verdict(third, 15)).toBe("its own");
  });

  it("is unknown when all have lost their connections", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15);
    for (const each of [one, two]) each.ownership.onLost("ocs");
    for (const each of [one, two]) each.ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    for (const each of [one, two]) await settled(each.ownership.whenAgreed("ocs") ?? Promise.resolve());
    expect(await verdict(one, 15)).toBe("unclear: unconfirmed");
    expect(await verdict(two, 15)).toBe("unclear: unconfirmed");
    expect(await announce(two, 15)).toBe("again");
    expect(await verdict(one, 15)).toBe("its own");
  });

  it("is unknown when a gateway reconnects before another one says that it lost its connection, too", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15);
    one.ownership.onLost("ocs");
    one.ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    await pass(15);
    two.ownership.onLost("ocs");
    await settled(one.ownership.whenAgreed("ocs") ?? Promise.resolve());
    expect(await verdict(one, 15)).toBe("unclear: unconfirmed");
  });

  it("ends once, whatever two gateways see at the same time", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15);
    for (const each of [one, two]) each.ownership.onLost("ocs");
    for (const each of [one, two]) each.ownership.onActive("ocs", { endpoint: "http://two", how: "takeover" });
    for (const each of [one, two]) await settled(each.ownership.whenAgreed("ocs") ?? Promise.resolve());
    expect([one.ownership.epochOf("ocs"), two.ownership.epochOf("ocs")]).toEqual([2, 2]);
    expect(await verdict(two, 15)).toBe("epoch-ended");
  });

  it("does not end because of one gateway while another one is connected to the same OCS", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15);
    two.ownership.onLost("ocs");
    two.ownership.onActive("ocs", { endpoint: "http://two", how: "takeover" });
    await pass(500);
    const lease = leaseIn(await ask(two, 15));
    expect(lease.withdrawn(true)).toBe("unclear");
    expect(lease.reason()).toContain("roles");
    lease.release(undefined);
    expect(await announce(two, 16)).toBe("void");
    expect(await verdict(one, 15)).toBe("its own");
    one.ownership.onLost("ocs");
    await settled(two.ownership.whenAgreed("ocs") ?? Promise.resolve());
    expect(await announce(two, 1, 102)).toBe("owned");
    expect(await verdict(two, 15)).toBe("epoch-ended");
    one.ownership.onActive("ocs", { endpoint: "http://two", how: "takeover" });
    await settled(one.ownership.whenAgreed("ocs") ?? Promise.resolve());
    expect([one.ownership.epochOf("ocs"), two.ownership.epochOf("ocs")]).toEqual([2, 2]);
  });
});

describe("the log", () => {
  it("is read from a snapshot by a gateway that joins", async () => {
    const one = await node("one");
    for (let handle = 1; handle <= 20; handle++) await announce(one, handle, 101, `a${handle}`);
    await settled(one.ownership.end("ocs", 3, "call-ended"));
    await settled(one.ownership.writeSnapshot("ocs"));
    database().deleteBefore("ocs", database().snapshots.get("ocs")!.seq);
    await announce(one, 21);
    const two = await node("two");
    await settled(one.ownership.refresh("ocs"));
    expect(two.state()).toBe(one.state());
    expect(await settled(two.ownership.endAttempt("ocs", "a5"))).toBe(true);
    expect(await verdict(one, 5)).toBe("ended");
  });

  it("with an event of a newer version stops a gateway, which says so", async () => {
    const one = await node("one");
    await announce(one, 15);
    database().add("ocs", [{ id: crypto.randomUUID(), event: { kind: "sing" } }], { node: "new", instance: "n" });
    await pass(300);
    expect(await verdict(one, 15)).toBe("unclear: database");
    expect(await announce(one, 16)).toBe("unstored");
    expect(one.events).toContainEqual({
      kind: "log-stalled",
      upstream: "ocs",
      reason: expect.stringContaining('this version does not know the event "sing"'),
    });
  });

  it("that lost events, as after a restore, makes handles unclear instead of unknown", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await announce(one, 15);
    await announce(one, 16);
    await pass(300);
    database().rows.set("ocs", database().rows.get("ocs")!.slice(0, -1));
    await pass(600);
    expect(await verdict(one, 16)).toBe("unclear: store-lost");
    expect(await verdict(two, 15)).toBe("unclear: unconfirmed");
    expect(one.events).toContainEqual({ kind: "log-lost", upstream: "ocs" });
    expect(one.state()).toBe(two.state());
  });

  it("has the ends that the journal of a dead gateway had", async () => {
    const [one, two] = [await node("one"), await node("two")];
    await settled(one.ownership.announce(anAttempt(15, 101)));
    const { generation } = leaseIn(await ask(one, 15)).record!;
    await settled(one.ownership.announce(anAttempt(16, 101)));
    two.ownership.replay("ocs", 15, generation, "R1");
    two.ownership.replay("ocs", 16, generation, "R2");
    two.ownership.replayEpoch("ocs", { from: null, to: "http://one", epoch: 7 });
    two.ownership.replayed();
    await pass(300);
    expect(await verdict(one, 15)).toBe("ended");
    expect(await verdict(one, 16)).toBe("its own");
    expect(one.ownership.epochOf("ocs")).toBe(8);
  });
});
